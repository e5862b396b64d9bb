"""Writers and `llamo convert`: round trips within 2 mm, other programs' readers, and nothing written on bad input."""

import json
import os

import numpy as np
import pytest
from conftest import make_walk
from typer.testing import CliRunner

from llamo.cli.main import app
from llamo.processing.humanml_features_llamo import UNIFORM_LENGTHS, humanml_frame, humanml_to_joints
from llamo.processing.motion_features_llamo import JOINT_NAMES, PARENTS, resample, rotate_yaw
from llamo.processing.motion_formats_llamo import MotionFormatError, read_motion
from llamo.processing.motion_writers_llamo import write_motion
from llamo.processing.rotations_llamo import matrix_quaternions, quaternion_matrices, shortest_rotations, zxy_degrees
from llamo.processing.skeleton_fit_llamo import fit_skeleton
from llamo.processing.smpl_body_llamo import axis_angle_matrices, pose_body


def dance(num_frames=40, seed=0):
    """A rigid body that turns about itself with limbs in all directions, `(num_frames, 22, 3)`."""
    rng = np.random.default_rng(seed)
    t = np.arange(num_frames)[:, None, None] / 20.0
    angles = rng.uniform(0.1, 0.9, (22, 3)) * np.sin(rng.uniform(1, 5, (22, 3)) * t + rng.uniform(0, 6, (22, 3)))
    angles[:, 0] = np.concatenate([0 * t[:, 0], 3 * t[:, 0], 0 * t[:, 0]], axis=1)
    return pose_body(angles, np.concatenate([t[:, 0], 1.2 + 0 * t[:, 0], 0 * t[:, 0]], axis=1))


def jittered(seed=0):
    """An estimate from video: every joint trembles on its own, so that no bone keeps its length."""
    return make_walk(40) + np.random.default_rng(seed).normal(0, 0.01, (40, 22, 3)).astype(np.float32)


def pointlike():
    """A skeleton without collars and without a first spine joint, which stand where their parents do."""
    walk = make_walk(40)
    walk[:, 3], walk[:, 13], walk[:, 14] = walk[:, 0], walk[:, 9], walk[:, 9]
    return walk


MOTIONS = {"walk": make_walk(40), "dance": dance(), "jittered": jittered(), "pointlike": pointlike(), "pose": make_walk(1)}


@pytest.mark.parametrize("name", MOTIONS)
@pytest.mark.parametrize("ending", [".npz", ".bvh", ".glb", ".gltf"])
@pytest.mark.parametrize("fps", [30.0, 23.976])
def test_round_trips(name, ending, fps, tmp_path):
    path = tmp_path / f"motion{ending}"
    joints = MOTIONS[name]
    written = write_motion(path, joints, fps)
    motion = read_motion(path)
    assert (written.frames, written.fps) == (len(joints), fps)
    assert motion.fps == pytest.approx(fps, rel=1e-6)
    assert np.abs(motion.joints - joints).max() < 2e-3
    assert os.listdir(tmp_path) == [path.name]


def test_features_round_trip(tmp_path):
    joints = make_walk(61, fps=30)
    written = write_motion(tmp_path / "a.npy", joints, 30.0)
    features = np.load(tmp_path / "a.npy")
    assert features.shape == (40, 263) and (written.frames, written.fps) == (40, 20.0)
    at_20 = resample(joints, 30, 20)
    assert np.abs(humanml_to_joints(features) - humanml_frame(at_20)[:-1]).max() < 1e-3
    assert np.abs(read_motion(tmp_path / "a.npy").joints - humanml_frame(at_20)[:-1]).max() < 2e-3
    write_motion(tmp_path / "b.npy", joints, 30.0, retarget=True)
    recovered = read_motion(tmp_path / "b.npy").joints
    bones = np.linalg.norm(recovered[:, 1:] - recovered[:, PARENTS[1:]], axis=-1)
    np.testing.assert_allclose(bones, np.tile(UNIFORM_LENGTHS[1:], (40, 1)), atol=1e-4)


@pytest.mark.parametrize("name", ["walk", "dance", "jittered"])
def test_bvhio_reads_our_bvh(name, tmp_path):
    bvhio = pytest.importorskip("bvhio")
    joints = MOTIONS[name][:6]
    write_motion(tmp_path / "a.bvh", joints, 30.0)
    tree = bvhio.readAsHierarchy(str(tmp_path / "a.bvh"))
    first, last = tree.getKeyframeRange()
    assert last - first == 5
    for frame in range(6):
        seen = {joint.Name: tuple(joint.PositionWorld) for joint, _, _ in tree.loadPose(first + frame).layout()}
        np.testing.assert_allclose([seen[joint] for joint in JOINT_NAMES], joints[frame], atol=1e-3)


@pytest.mark.parametrize("name", ["walk", "dance", "jittered"])
def test_pygltflib_reads_our_glb(name, tmp_path):
    """Posed frame by frame from what pygltflib sees, the slow and plain way."""
    pygltflib = pytest.importorskip("pygltflib")
    joints = MOTIONS[name][:5]
    write_motion(tmp_path / "a.glb", joints, 30.0)
    gltf = pygltflib.GLTF2().load(str(tmp_path / "a.glb"))
    assert len(gltf.skins[0].joints) == 22 and gltf.asset.version == "2.0"
    blob = gltf.binary_blob()
    assert len(blob) == gltf.buffers[0].byteLength

    def values(index):
        accessor = gltf.accessors[index]
        view = gltf.bufferViews[accessor.bufferView]
        assert view.byteOffset % 4 == 0 and view.byteOffset + view.byteLength <= len(blob)
        width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}[accessor.type]
        return np.frombuffer(blob, "<f4", accessor.count * width, view.byteOffset).reshape(-1, width).astype(float)

    moved = {(c.target.node, c.target.path): c.sampler for c in gltf.animations[0].channels}
    samplers = gltf.animations[0].samplers
    parent = {child: node for node, row in enumerate(gltf.nodes) for child in row.children or []}
    for frame in range(5):
        world = {}
        for node in range(22):
            assert gltf.nodes[node].name == JOINT_NAMES[node]
            matrix = np.eye(4)
            matrix[:3, :3] = quaternion_matrices(values(samplers[moved[node, "rotation"]].output)[frame])
            key = (node, "translation")
            matrix[:3, 3] = values(samplers[moved[key]].output)[frame] if key in moved else gltf.nodes[node].translation
            world[node] = world[parent[node]] @ matrix if node in parent else matrix
        np.testing.assert_allclose([world[node][:3, 3] for node in range(22)], joints[frame], atol=1e-3)
    # The skin is bound in the rest pose: inverse bind matrices undo the nodes' places there.
    inverse = values(gltf.skins[0].inverseBindMatrices).reshape(22, 4, 4).transpose(0, 2, 1)
    places = np.array([gltf.nodes[node].translation for node in range(22)])
    for node in range(1, 22):
        places[node] += places[parent[node]]
    np.testing.assert_allclose(inverse[:, :3, 3], -places, atol=1e-6)
    times = values(samplers[0].input)[:, 0]
    np.testing.assert_allclose(times, np.arange(5) / 30, atol=1e-6)
    assert gltf.accessors[samplers[0].input].max == pytest.approx([4 / 30])


def test_rigid_bodies_need_positions_on_the_root_only():
    fit = fit_skeleton(dance())
    assert set(fit.places) == {0}
    np.testing.assert_allclose(fit.positions(), dance(), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(fit.rotations), 1, atol=1e-9)
    np.testing.assert_allclose(fit_skeleton(jittered()).positions(), jittered(), atol=1e-5)
    assert len(fit_skeleton(jittered()).places) > 10


def test_limbs_are_not_twisted():
    """An arm that swings forwards turns about one axis only."""
    angles = np.zeros((20, 22, 3))
    angles[:, 16, 1] = -np.linspace(0, 1.5, 20)
    fit = fit_skeleton(pose_body(angles, np.zeros((20, 3))))
    np.testing.assert_allclose(fit.rotations[:, 16], axis_angle_matrices(angles[:, 16]), atol=0.12)
    np.testing.assert_allclose(fit.rotations[:, 18], np.tile(np.eye(3), (20, 1, 1)), atol=0.02)


def test_rotations():
    rng = np.random.default_rng(0)
    turns = axis_angle_matrices(rng.normal(0, 2, (200, 3)))
    np.testing.assert_allclose(quaternion_matrices(matrix_quaternions(turns)), turns, atol=1e-12)
    degrees = np.radians(zxy_degrees(turns))
    axes = np.eye(3)
    z, x, y = (axis_angle_matrices(degrees[:, [k]] * axes[axis]) for k, axis in ((0, 2), (1, 0), (2, 1)))
    np.testing.assert_allclose(z @ x @ y, turns, atol=1e-9)
    locked = axis_angle_matrices(np.array([[np.pi / 2, 0, 0]])) @ axis_angle_matrices(np.array([[0, 0.7, 0]]))
    a, b, c = np.radians(zxy_degrees(locked))[0]
    rebuilt = (
        axis_angle_matrices(np.array([0, 0, a]))
        @ axis_angle_matrices(np.array([b, 0, 0]))
        @ axis_angle_matrices(np.array([0, c, 0]))
    )
    np.testing.assert_allclose(rebuilt, locked[0], atol=1e-9)
    start, ends = np.array([0.0, 2, 0]), np.concatenate([rng.normal(size=(50, 3)), [[0, -3.0, 0], [0, 0, 0]]])
    turned = shortest_rotations(start, ends) @ [0, 1.0, 0]
    np.testing.assert_allclose(turned[:51], ends[:51] / np.linalg.norm(ends[:51], axis=1, keepdims=True), atol=1e-9)
    np.testing.assert_allclose(turned[51], [0, 1, 0])
    spinning = rotate_yaw(make_walk(1)[0][None].repeat(90, 0).astype(float), np.linspace(0, 13, 90))
    heading = zxy_degrees(fit_skeleton(spinning).rotations)[:, 0, 2]
    assert np.abs(np.diff(heading)).max() < 20, "over two turns without a jump"
    assert heading[-1] - heading[0] == pytest.approx(np.degrees(13), abs=10)


BAD_OUTPUTS = {
    "out.fbx": "Blender",
    "out.txt": "LLaMo writes",
    "out": "no ending",
    "nowhere/out.bvh": "place to write",
}


@pytest.mark.parametrize("name", BAD_OUTPUTS)
def test_bad_outputs(name, tmp_path):
    with pytest.raises(MotionFormatError, match=BAD_OUTPUTS[name]):
        write_motion(tmp_path / name, make_walk(5), 20)
    assert os.listdir(tmp_path) == []


def test_a_failure_spoils_nothing(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    path.write_bytes(b"before")
    monkeypatch.setattr("os.replace", lambda *paths: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(MotionFormatError, match="disk full"):
        write_motion(path, make_walk(5), 20)
    assert path.read_bytes() == b"before" and os.listdir(tmp_path) == ["a.npz"]
    folder = tmp_path / "folder.bvh"
    folder.mkdir()
    with pytest.raises(MotionFormatError, match="folder"):
        write_motion(folder, make_walk(5), 20)


def run(*arguments):
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "in.npz"
    np.savez(path, joints=make_walk(61, fps=30), fps=30.0)
    return path


def test_convert(clip, tmp_path):
    for ending in (".bvh", ".glb", ".npz", ".npy"):
        done = run(clip, tmp_path / f"out{ending}")
        assert done.exit_code == 0, done.output
        assert "in.npz: npz, 2.0 s, 61 frames at 30 fps" in done.stdout
        motion = read_motion(tmp_path / f"out{ending}")
        if ending != ".npy":
            assert motion.fps == 30 and np.abs(motion.joints - make_walk(61, fps=30)).max() < 2e-3
        else:
            assert motion.fps == 20 and len(motion.joints) == 40
    done = run(tmp_path / "out.bvh", tmp_path / "back.npz", "--fps", 60, "--json")
    report = json.loads(done.stdout)
    assert report["input"]["format"] == "bvh" and report["input"]["source_fps"] == 30 and report["input"]["assumed"]
    assert report["output"]["fps"] == 60 and report["output"]["frames"] == 121
    assert np.load(tmp_path / "back.npz")["fps"] == 60


def test_convert_takes_the_rate_of_silent_arrays(tmp_path):
    np.save(tmp_path / "in.npy", make_walk(61, fps=30))
    assert run(tmp_path / "in.npy", tmp_path / "a.npz", "--fps", 30).exit_code == 0
    with np.load(tmp_path / "a.npz") as saved:
        assert saved["fps"] == 30 and saved["joints"].shape == (61, 22, 3)
    assert run(tmp_path / "in.npy", tmp_path / "b.npy", "--fps", 30).exit_code == 0
    assert np.load(tmp_path / "b.npy").shape == (40, 263)
    assert run(tmp_path / "in.npy", tmp_path / "c.npz", "--source-fps", 30, "--fps", 15).exit_code == 0
    with np.load(tmp_path / "c.npz") as saved:
        assert saved["fps"] == 15 and saved["joints"].shape == (31, 22, 3)


def test_convert_refuses(clip, tmp_path):
    (tmp_path / "bad.bvh").write_bytes(b"HIERARCHY\nROOT Hips\n{\n")
    before, original = sorted(os.listdir(tmp_path)), clip.read_bytes()
    for arguments in (
        (tmp_path / "bad.bvh", tmp_path / "out.npz"),
        (tmp_path / "none.bvh", tmp_path / "out.npz"),
        (clip, tmp_path / "out.fbx"),
        (clip, tmp_path / "out.mp4"),
        (clip, tmp_path / "no" / "out.bvh"),
        (clip, tmp_path / "out.npz", "--retarget"),
        (clip, tmp_path / "out.npy", "--fps", 30),
        (clip, tmp_path / "out.npz", "--fps", -3),
        (clip, tmp_path / "out.npz", "--units", "spans"),
        (clip, clip),
    ):
        done = run(*arguments)
        assert done.exit_code == 2, arguments
        assert len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr and not done.stdout
    assert sorted(os.listdir(tmp_path)) == before and clip.read_bytes() == original
