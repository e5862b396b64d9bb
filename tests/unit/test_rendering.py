"""The renderer of the data engine: what it says about camera, clothes and things is what its pictures show."""

import numpy as np
import pytest
import torch
from conftest import make_walk

from llamo.processing.video_reading_llamo import iterate_frames, probe_video
from llamo.train.rendering.camera import KINDS, heading, look_at, random_camera
from llamo.train.rendering.effects import degrade, random_degradation
from llamo.train.rendering.rasterizer import Canvas
from llamo.train.rendering.scene import THINGS, beside, random_scene, render, render_chunks
from llamo.train.rendering.shapes import COLOURS, Block, Capsules
from llamo.train.rendering.video_files import write_video


SIZE = (96, 128)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def stand(num_frames: int = 4, left_up: bool = False) -> np.ndarray:
    joints = make_walk(num_frames, speed=0.0)
    joints[:] = joints[:1]
    if left_up:
        joints[:, 18] = joints[:, 16] + (0.05, 0.25, 0.05)
        joints[:, 20] = joints[:, 18] + (0.0, 0.25, 0.0)
    return joints


def changed(scene, without) -> np.ndarray:
    """Pixels `(num_frames, height, width)` that differ between two scenes."""
    return np.abs(render(scene).astype(int) - render(without).astype(int)).max(-1) > 3


def canvas_in_front(num: int = 1) -> Canvas:
    """A camera at the origin that looks along -Z."""
    eyes = np.zeros((num, 3))
    return Canvas(look_at(eyes, eyes - (0, 0, 1)), eyes, 100.0, (80, 100), (0, 0, 1), 0.4)


def test_depths_are_exact():
    canvas = canvas_in_front()
    ball = np.array([[[0.0, 0.0, -3.0]]])
    canvas.draw_capsules(Capsules(ball, ball, np.array([0.5]), np.array([0.5]), np.ones((1, 3))), slice(0, 1))
    assert canvas.depth[0, 40, 50] == pytest.approx(2.5, abs=0.01)
    seen = canvas.depth[0] < 100
    assert int(seen[40].sum()) == pytest.approx(2 * 0.5 / 3 * 100, abs=2)  # as wide as the sphere

    canvas = canvas_in_front()
    axes = np.eye(3)[None]
    canvas.draw_block(Block(np.array([[0.0, 0, -3]]), axes, (0.5, 0.25, 1.0), np.ones(3)), slice(0, 1))
    assert canvas.depth[0, 40, 50] == pytest.approx(2.0, abs=1e-4)
    seen = canvas.depth[0] < 100
    assert int(seen[40].sum()) == 50 and abs(int(seen[:, 50].sum()) - 25) <= 1  # its front face, 2 m away
    assert canvas.shade[0, 40, 50] == pytest.approx(1.0)  # turned to the light

    canvas = canvas_in_front()
    turned = np.array([[[0.0, 0, 1], [0, 1, 0], [1, 0, 0]]])
    canvas.draw_block(Block(np.array([[0.0, 0, -3]]), turned, (0.1, 0.6, 0.6), np.ones(3), is_round=True), slice(0, 1))
    seen = canvas.depth[0] < 100
    radius = 0.6 / 2.9 * 100
    assert int(seen.sum()) == pytest.approx(np.pi * radius**2, rel=0.03)
    assert canvas.depth[0, 40, 50] == pytest.approx(2.9, abs=1e-4)


def test_a_tapered_capsule_is_thicker_at_its_end_and_nearer_things_hide_it():
    canvas = canvas_in_front()
    start, end = np.array([[-1.0, 0, -3]]), np.array([[1.0, 0, -3]])
    canvas.draw_capsules(Capsules.of([(start, end, 0.1, 0.3, (1, 0, 0))]), slice(0, 1))
    seen = canvas.depth[0] < 100
    assert int(seen[:, 20].sum()) == pytest.approx(2 * 100 / 3 * 0.11, abs=3)
    assert int(seen[:, 80].sum()) == pytest.approx(2 * 100 / 3 * 0.29, abs=3)
    near = np.array([[0.0, 0, -2]])
    canvas.draw_capsules(Capsules.of([(near, near, 0.1, 0.1, (0, 1, 0))]), slice(0, 1))
    behind = np.array([[0.0, 0, -9]])
    canvas.draw_capsules(Capsules.of([(behind, behind, 0.5, 0.5, (0, 0, 1))]), slice(0, 1))
    assert canvas.index[0, 40, 50] == 1 and 2 not in canvas.index.unique().tolist()[:-1]
    lens = np.array([[0.0, 0, 0.2]])
    canvas.draw_capsules(Capsules.of([(lens, lens, 0.5, 0.5, (0, 0, 1))]), slice(0, 1))
    assert canvas.index[0, 40, 50] == 1  # behind the lens


@pytest.mark.parametrize("kind", KINDS)
def test_joints_are_where_the_camera_says(kind):
    walk = make_walk(40)
    rng = np.random.default_rng(5)
    scene = random_scene(walk, rng, SIZE, kind)
    nobody = random_scene(walk + (0, -50.0, 0), np.random.default_rng(5), SIZE, scene.camera)
    nobody = type(nobody)(nobody.people, nobody.looks, nobody.shapes, [], scene.camera, scene.place, 20.0)
    mask = changed(scene, nobody)
    pixels, depth = scene.camera.project(scene.people[0])
    assert (depth > 0.5).all()
    inside = (pixels >= 0).all(-1) & (pixels < np.array([SIZE[1], SIZE[0]])).all(-1)
    hits = [
        mask[frame, int(pixels[frame, joint, 1]), int(pixels[frame, joint, 0])]
        for frame in range(40)
        for joint in range(22)
        if inside[frame, joint]
    ]
    assert np.mean(hits) > 0.93
    if kind == "close":
        assert inside[:, 15].all() and not inside[:, [10, 11]].all()  # head yes, feet no
    else:
        assert inside.mean() > 0.99
    # Pure rotations, and whether it stands still.
    assert np.allclose(scene.camera.rotations @ scene.camera.rotations.transpose(0, 2, 1), np.eye(3), atol=1e-9)
    assert np.linalg.det(scene.camera.rotations) == pytest.approx(1.0)
    assert scene.camera.is_static == (kind != "panning")
    if kind == "low":
        assert scene.camera.eyes[0, 1] < 0.6
    if kind == "panning":
        # The person stays near the middle.
        assert np.abs(pixels[:, 0, 0] - SIZE[1] / 2).max() < 0.3 * SIZE[1]


@pytest.mark.parametrize(("yaw", "side"), [(0, "front"), (np.pi / 2, "left"), (-np.pi / 2, "right"), (np.pi, "behind")])
def test_the_side_that_is_said_is_the_side_that_is_seen(yaw, side):
    joints = stand(left_up=True)
    camera = random_camera(joints, np.random.default_rng(0), SIZE, "static", yaw=yaw)
    assert camera.side == side
    pixels, depth = camera.project(joints)
    if side in ("front", "behind"):  # facing the camera, the left arm is on the picture's right
        assert (pixels[0, 20, 0] > pixels[0, 21, 0]) == (side == "front")
    else:
        assert (depth[0, 16] < depth[0, 17]) == (side == "left")
        # Seen from the left, a person looks to the picture's left.
        assert (pixels[0, 10, 0] < pixels[0, 7, 0]) == (side == "left")
    assert pixels[0, 20, 1] < pixels[0, 15, 1] < pixels[0, 10, 1]  # raised hand, head, foot: y is down
    assert heading(joints) == pytest.approx(0, abs=0.1)


def test_clothes_have_the_colour_that_is_said():
    right = 0
    for seed in range(12):
        scene = random_scene(stand(1), np.random.default_rng(seed), SIZE, "static", yaw=0.0)
        pixels, _ = scene.camera.project(scene.people[0])
        x, y = pixels[0, [6, 9], :].mean(0).astype(int)
        seen = render(scene)[0, y, x] / 255
        shirt, direction = scene.looks[0].colours["shirt"], seen / max(np.linalg.norm(seen), 1e-3)
        assert direction @ shirt / np.linalg.norm(shirt) > 0.97
        names = {name: np.array(colour) / np.linalg.norm(colour) for name, colour in COLOURS.items()}
        right += max(names, key=lambda name: names[name] @ direction) == scene.truth()["shirt"]
        assert scene.truth()["trousers"] != scene.truth()["shirt"]
    assert right >= 7  # black, grey and white differ in brightness alone


@pytest.mark.parametrize("name", sorted(THINGS))
def test_things_are_in_the_picture_where_they_are_said_to_be(name):
    joints = make_walk(8)
    scene = random_scene(joints, np.random.default_rng(3), SIZE, "static", held=name, yaw=0.3)
    thing = scene.truth()["things"][0]
    assert thing["name"] == name and thing["colour"] in COLOURS and thing["of"] == 0
    assert thing["hand"] in {"chair": (None,), "barbell": ("both",), "box": ("both",)}.get(name, ("left", "right"))
    without = type(scene)(scene.people, scene.looks, scene.shapes[:-1], [], scene.camera, scene.place, 20.0)
    mask = changed(scene, without)
    assert (mask.sum((1, 2)) > 4).all()
    rows, columns = np.nonzero(mask[0])
    (x, y), _ = (value[0, 0] for value in scene.camera.project(scene.things[0]["centres"][:, None]))
    # A barbell's middle may be behind the person; its ends are seen on both sides.
    assert columns.min() - 3 <= x <= columns.max() + 3 and rows.min() - 3 <= y <= rows.max() + 3
    if thing["hand"] in ("left", "right"):
        wrist = 20 if thing["hand"] == "left" else 21
        assert np.linalg.norm(scene.things[0]["centres"] - joints[:, wrist], axis=-1).max() < 1.0


def test_the_same_seed_gives_the_same_bytes_in_any_chunks():
    joints = make_walk(20)
    first = render(random_scene(joints, np.random.default_rng(1), SIZE, "panning", "bat"))
    scene = random_scene(joints, np.random.default_rng(1), SIZE, "panning", "bat")
    assert first.dtype == np.uint8 and first.shape == (20, *SIZE, 3)
    assert np.array_equal(first, render(scene))
    some = np.concatenate(list(render_chunks(scene, 5, 17, chunk=5)))
    assert np.abs(some.astype(int) - first[5:17]).max() <= 1
    other = render(random_scene(joints, np.random.default_rng(2), SIZE, "panning", "bat"))
    assert np.abs(other.astype(int) - first).mean() > 10


def test_two_people_never_meet_and_are_both_seen():
    one, other = make_walk(30), make_walk(12, seed=4)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        second = beside(one, other, rng)
        assert second.shape == one.shape
        gaps = np.linalg.norm(one[:, :, None, [0, 2]] - second[:, None, :, [0, 2]], axis=-1)
        assert gaps.min() > 0.7
        bones = [np.linalg.norm(joints[:, 4] - joints[:, 7], axis=-1)[0] for joints in (other, second)]
        assert bones[0] == pytest.approx(bones[1], abs=1e-5)
    scene = random_scene([one, second], rng, SIZE, "static")
    assert scene.truth()["people"] == 2 and len(scene.looks) == 2
    for joints in scene.people:
        pixels, _ = scene.camera.project(joints)
        assert (pixels >= 0).all() and (pixels < np.array([SIZE[1], SIZE[0]])).all()


def test_effects_do_what_they_say():
    frames = np.full((3, 40, 40, 3), 100, dtype=np.uint8)
    noisy = degrade(frames, np.random.default_rng(0), noise=8)
    assert noisy.std() == pytest.approx(8, rel=0.1) and noisy.shape == frames.shape
    assert np.abs(noisy[0].astype(int) - noisy[1]).max() > 0  # new in every frame
    edge = frames.copy()
    edge[:, :, 20:] = 200
    for worse in (degrade(edge, np.random.default_rng(0), blur=1.5), degrade(edge, np.random.default_rng(0), scale=0.3)):
        assert np.abs(np.diff(worse.astype(int), axis=2)).max() < 60 and worse[0, 20, 0, 0] == 100
    assert degrade(frames, np.random.default_rng(0), exposure=0.5).max() == 50
    assert np.array_equal(degrade(frames, np.random.default_rng(0)), frames)
    for seed in range(5):
        degrade(frames, np.random.default_rng(1), **random_degradation(np.random.default_rng(seed)))


def test_written_videos_are_read_back(tmp_path):
    scene = random_scene(make_walk(25), np.random.default_rng(0), SIZE, "static")
    path = tmp_path / "walk.mp4"
    assert write_video(path, render_chunks(scene), fps=20, crf=10) == 25
    info = probe_video(path)
    assert (info.width, info.height, info.fps, info.seconds) == (128, 96, 20.0, pytest.approx(1.25))
    back = [frame.image for frame in iterate_frames(path)]
    assert np.abs(np.stack(back).astype(int) - render(scene)).mean() < 6
    write_video(path, render(scene)[:2, :95], fps=29.97, rotation=90)
    assert (probe_video(path).width, probe_video(path).height, probe_video(path).rotation) == (95, 128, 90)
    with pytest.raises(ValueError, match="Expected frames"):
        write_video(path, [], fps=20)


def test_what_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="camera out of"):
        random_scene(stand(), rng, SIZE, "drone")
    with pytest.raises(ValueError, match="thing out of"):
        random_scene(stand(), rng, SIZE, "static", "cat")
    with pytest.raises(ValueError, match="equal length"):
        random_scene([stand(3), stand(4)], rng, SIZE)
    with pytest.raises(ValueError, match="equal length"):
        random_scene(np.zeros((3, 17, 3)), rng, SIZE)
