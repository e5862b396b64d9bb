"""Small valid motion files of every format, made here: for tests that read them, break them, or compare readers."""

import importlib.util
import io
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from skin_markers import landmarks, write_c3d, write_trc

from llamo.processing.gltf_writer_llamo import write_gltf
from llamo.processing.humanml_features_llamo import joints_to_humanml
from llamo.processing.marker_sets_llamo import MARKER_SETS
from llamo.processing.smpl_body_llamo import pose_body


# A skeleton in Acclaim's words: name, parent, direction, length (in inches / 0.45), axis in degrees, dofs.
ASF_BONES = (
    ("lhipjoint", "root", (0.66, -0.71, 0.25), 2.5, (0, 0, 0), ""),
    ("lfemur", "lhipjoint", (0.34, -0.94, 0.0), 7.2, (0, 0, 20), "rx ry rz"),
    ("ltibia", "lfemur", (0.34, -0.94, 0.0), 7.3, (0, 0, 20), "rx"),
    ("lfoot", "ltibia", (0.09, -0.24, 0.97), 2.2, (-90, 0, 20), "rx rz"),
    ("ltoes", "lfoot", (0.0, 0.0, 1.0), 1.1, (-90, 0, 20), "rx"),
    ("rhipjoint", "root", (-0.66, -0.71, 0.25), 2.5, (0, 0, 0), ""),
    ("rfemur", "rhipjoint", (-0.34, -0.94, 0.0), 7.2, (0, 0, -20), "rx ry rz"),
    ("rtibia", "rfemur", (-0.34, -0.94, 0.0), 7.3, (0, 0, -20), "rx"),
    ("rfoot", "rtibia", (-0.09, -0.24, 0.97), 2.2, (-90, 0, -20), "rx rz"),
    ("rtoes", "rfoot", (0.0, 0.0, 1.0), 1.1, (-90, 0, -20), "rx"),
    ("lowerback", "root", (0.0, 1.0, -0.07), 2.06, (0, 0, 0), "rx ry rz"),
    ("upperback", "lowerback", (0.0, 1.0, -0.03), 2.06, (0, 0, 0), "rx ry rz"),
    ("thorax", "upperback", (0.0, 1.0, 0.0), 2.07, (0, 0, 0), "rx ry rz"),
    ("lowerneck", "thorax", (0.0, 1.0, 0.1), 1.6, (0, 0, 0), "rx ry rz"),
    ("upperneck", "lowerneck", (0.0, 1.0, -0.1), 1.6, (0, 0, 0), "rx ry rz"),
    ("head", "upperneck", (0.0, 1.0, 0.0), 1.6, (0, 0, 0), "rx ry rz"),
    ("lclavicle", "thorax", (0.9, 0.4, -0.2), 3.4, (0, 0, 0), "ry rz"),
    ("lhumerus", "lclavicle", (1.0, 0.0, 0.0), 5.0, (180, 30, 90), "rx ry rz"),
    ("lradius", "lhumerus", (1.0, 0.0, 0.0), 3.2, (180, 30, 90), "rx"),
    ("lwrist", "lradius", (1.0, 0.0, 0.0), 1.6, (180, 0, 90), "ry"),
    ("lhand", "lwrist", (1.0, 0.0, 0.0), 0.7, (180, -90, 90), "rx rz"),
    ("rclavicle", "thorax", (-0.9, 0.4, -0.2), 3.4, (0, 0, 0), "ry rz"),
    ("rhumerus", "rclavicle", (-1.0, 0.0, 0.0), 5.0, (180, -30, -90), "rx ry rz"),
    ("rradius", "rhumerus", (-1.0, 0.0, 0.0), 3.2, (180, -30, -90), "rx"),
    ("rwrist", "rradius", (-1.0, 0.0, 0.0), 1.6, (180, 0, -90), "ry"),
    ("rhand", "rwrist", (-1.0, 0.0, 0.0), 0.7, (180, 90, -90), "rx rz"),
)


def asf(order: str = "XYZ", radians: bool = False, length: float = 0.45) -> bytes:
    """The skeleton ASF_BONES, its axes written in degrees or radians."""
    lines = [
        "# made for a test", ":version 1.10", ":name TEST", ":units", "  mass 1.0", f"  length {length}",
        f"  angle {'rad' if radians else 'deg'}", ":documentation", "   begin nothing end", ":root",
        "   order TX TY TZ RX RY RZ", "   axis XYZ", "   position 0 0 0", "   orientation 0 0 0", ":bonedata",
    ]  # fmt: skip
    for index, (name, _, direction, size, axis, dof) in enumerate(ASF_BONES, 1):
        turn = np.radians(axis) if radians else axis
        lines += ["  begin", f"     id {index}", f"     name {name}", "     direction {} {} {}".format(*direction)]
        lines += [f"     length {size}", "     axis {} {} {}   {}".format(*turn, order)]
        if dof:
            lines += [f"    dof {dof}", "    limits (-180.0 180.0)"] + ["           (-180.0 180.0)"] * dof.count(" ")
        lines.append("  end")
    lines += [":hierarchy", "  begin"]
    below: dict[str, list[str]] = {}
    for name, parent, *_ in ASF_BONES:
        below.setdefault(parent, []).append(name)
    lines += [f"    {parent} {' '.join(children)}" for parent, children in below.items()] + ["  end"]
    return "\n".join(lines).encode()


def amc_values(num_frames: int = 12, seed: int = 0) -> dict[str, np.ndarray]:
    """Degrees and file units per bone, `(num_frames, dofs)`: somebody walks."""
    generator = np.random.default_rng(seed)
    phase = np.linspace(0, 4, num_frames)
    values = {"root": np.stack([0 * phase, 17.0 + 0 * phase, 2 * phase, 0 * phase, 5 * phase, 0 * phase], axis=1)}
    for name, _, _, _, _, dof in ASF_BONES:
        count = len(dof.split())
        if count:
            values[name] = generator.normal(0, 4, count) + 4 * np.sin(phase)[:, None] * generator.normal(0, 1, count)
    for side, sign in (("l", 1), ("r", -1)):
        values[f"{side}femur"][:, 0] -= 20 * sign * np.sin(phase)
        values[f"{side}tibia"][:, 0] = 25 + 20 * np.cos(phase)
        values[f"{side}foot"] *= 0.2
        values[f"{side}humerus"][:, 2] += 60 * sign
    return values


def amc(values: dict[str, np.ndarray], radians: bool = False) -> bytes:
    """The AMC text of `amc_values`."""
    lines = ["#!OML:ASF made for a test", ":FULLY-SPECIFIED", ":RADIANS" if radians else ":DEGREES"]
    for frame in range(len(values["root"])):
        lines.append(str(frame + 1))
        for name, numbers in values.items():
            row = numbers[frame].copy()
            if radians:
                row[3 if name == "root" else 0 :] *= np.pi / 180
            lines.append(f"{name} " + " ".join(f"{number:.7g}" for number in row))
    return "\n".join(lines).encode() + b"\n"


def npz(**arrays) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def smpl_arrays(num_frames: int = 20, num_joints: int = 52, z_up: bool = True, seed: int = 0) -> dict[str, np.ndarray]:
    """AMASS's arrays of somebody who walks: axis times angle in radians, metres, Z up or Y up."""
    generator = np.random.default_rng(seed)
    phase = np.linspace(0, 8, num_frames)
    poses = np.zeros((num_frames, num_joints, 3))
    poses[:, 3:22] = generator.normal(0, 0.05, (19, 3)) + 0.05 * np.sin(phase)[:, None, None] * generator.normal(0, 1, (19, 3))
    poses[:, 1, 0], poses[:, 2, 0] = -0.4 * np.sin(phase) - 0.2, 0.4 * np.sin(phase) - 0.2
    poses[:, 4, 0], poses[:, 5, 0] = 0.4 - 0.3 * np.cos(phase), 0.4 + 0.3 * np.cos(phase)
    poses[:, 16, 2], poses[:, 17, 2] = -1.2, 1.2
    if z_up:
        poses[:, 0, 0] = np.pi / 2
        trans = np.stack([0 * phase, -0.2 * phase, 0.93 + 0.02 * np.sin(2 * phase)], axis=1)
    else:
        trans = np.stack([0 * phase, 1.17 + 0.02 * np.sin(2 * phase), 0.2 * phase], axis=1)
    return {"poses": poses.reshape(num_frames, -1), "trans": trans}


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def walker(num_frames: int = 16) -> np.ndarray:
    """A person who walks, `(num_frames, 22, 3)` metres, Y up; knees and elbows bend."""
    arrays = smpl_arrays(num_frames, 22, z_up=False)
    arrays["poses"][:, 3 * 18 + 1], arrays["poses"][:, 3 * 19 + 1] = -0.6, 0.6
    return pose_body(arrays["poses"].reshape(num_frames, 22, 3), arrays["trans"]).astype(np.float32)


def bvh(num_frames: int = 8) -> bytes:
    writer = _bvh_writer()
    nodes, parts = writer.make_rig("motionbuilder")
    return writer.write_bvh(nodes, *writer.walk(nodes, parts, num_frames=num_frames), scale=100, form="{:.3f}")


def _bvh_writer():
    if "bvh_writer" not in sys.modules:
        spec = importlib.util.spec_from_file_location("bvh_writer", Path(__file__).with_name("unit") / "bvh_writer.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules["bvh_writer"] = module
        spec.loader.exec_module(module)
    return sys.modules["bvh_writer"]


def markers(num_frames: int = 12) -> tuple[list[str], np.ndarray]:
    """Plug-in Gait on `walker`: names, and `(num_frames, num_markers, 3)` metres."""
    table = next(one for one in MARKER_SETS if one.name == "Vicon Plug-in Gait").table()
    marks = landmarks(walker(num_frames))
    chosen = {landmark: names[0].upper() for landmark, names in table.items() if not landmark.endswith("_in")}
    return list(chosen.values()), np.stack([marks[landmark] for landmark in chosen], axis=1)


@dataclass
class Sample:
    """A small valid file.

    Attributes:
        format: as `read_motion` calls it.
        make: makes the file.
        options: for `read_motion`.
        wrap: the bytes that are read -> the arguments of `read_motion`, where they are not the motion file itself.
    """

    format: str
    make: Callable[[], bytes]
    options: dict = field(default_factory=dict)
    wrap: Callable[[bytes], dict] | None = None

    def arguments(self, data: bytes) -> dict:
        """The arguments of `read_motion` for this file, or a damaged one in its place."""
        return {"source": data, **self.options} if self.wrap is None else {**self.options, **self.wrap(data)}


# One row per reader. What is here is read, broken and reported on by the tests of all readers.
SAMPLES = {
    "bvh": Sample("bvh", bvh),
    "amc": Sample("amc", lambda: amc(amc_values(6)), {"asf": asf()}),
    "asf": Sample("amc", asf, wrap=lambda data: {"source": amc(amc_values(3)), "asf": data}),
    "smpl": Sample("smpl", lambda: npz(**smpl_arrays(6, 22), mocap_frame_rate=60.0)),
    "c3d": Sample("c3d", lambda: write_c3d(*_millimetres(), groups={"ANGLES": ["LKneeAngles"]}, num_analog=2)),
    "c3d integers": Sample("c3d", lambda: write_c3d(*_millimetres(), integers=True, big_endian=True)),
    "trc": Sample("trc", lambda: write_trc(*_millimetres())),
    "npz": Sample("npz", lambda: npz(joints=walker(), fps=np.float32(30))),
    # Damage inside an archive whose checksums are right.
    "npz inside": Sample("npz", lambda: npy(walker()), wrap=lambda data: {"source": zipped(joints=data)}),
    "smpl inside": Sample("smpl", lambda: npy(smpl_arrays(6, 22)["poses"]), wrap=lambda data: {"source": zipped(poses=data)}),
    "npy": Sample("npy", lambda: npy(walker().reshape(-1, 66))),
    "gltf": Sample("gltf", lambda: write_gltf(walker(), 30)),
    "humanml3d": Sample("humanml3d", lambda: npy(joints_to_humanml(walker(30)).astype(np.float32))),
    "keypoints": Sample("keypoints", lambda: npz(keypoints3d=_smpl24(), fps=30), {"skeleton": "smpl24"}),
}


def zipped(**files: bytes) -> bytes:
    """A `.npz` of these `.npy` files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(f"{name}.npy", data)
    return stream.getvalue()


def _millimetres():
    names, points = markers()
    return names, points * 1000


def _smpl24() -> np.ndarray:
    joints = walker()
    return np.concatenate([joints, joints[:, 20:22] + 0.05], axis=1)
