# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""3D keypoints of pose estimators and depth cameras in NumPy files, `(num_frames, num_joints, 3)`, to LLaMo's 22 joints.

The order of the joints is the estimator's, told by the caller (`skeleton="mediapipe33"`) or by the number of joints and
where they lie. Rules, where a layout has no such joint (joint_completion_llamo.py does the trunk):

* hips, knees, ankles, shoulders, elbows and wrists are taken as they are; pelvis, spine and collars lie in fixed proportions
  on the lines between hips and shoulders, or on the layout's own spine joints where it has them;
* the head joint is at the base of the skull: 55 % of the way from the neck to the middle of the ears;
* the ball of the foot is 72 % of the way from heel to toe; without toes it is built ahead of the ankle.

Keypoints in the image alone (no depth) are refused: a body cannot be measured in them.
"""

import io
from dataclasses import dataclass, field

import numpy as np

from .humanml_format_llamo import kit_to_joints
from .joint_completion_llamo import complete_joints
from .joints_format_llamo import JOINT_KEYS, MAX_NUMBER, archive_fps, as_joints, choose_fps, read_joints_npy, read_joints_npz
from .motion_errors_llamo import MotionFormatError
from .motion_source_llamo import MotionSource, ReadOptions
from .numpy_files_llamo import NumpyArchive, read_array
from .raw_motion_llamo import SAMPLE_FRAMES, RawMotion, joints_motion
from .skeleton_mapping_llamo import SIDES, TARGET_NAMES, check_human


LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
MAX_GAP_SECONDS = 0.5
LIFT = (
    "Save 3D positions: MediaPipe's world landmarks (pose_world_landmarks), or the output of a 2D-to-3D lifter such as "
    "MotionBERT; or give LLaMo the video itself."
)


@dataclass(frozen=True)
class Layout:
    """The order of the joints of one estimator.

    Attributes:
        name (`str`): as in `skeleton=`.
        count (`int`): joints.
        words (`str`): what it is called.
        limbs (`dict[str, tuple[int, int]]`): "shoulder" ... -> index of the left and of the right joint.
        ears, heels, toes (`tuple[int, int]`, *optional*): left and right.
        spine (`tuple[int, int, int]`, *optional*): joints at the middle of the hips, half-way up, and between the shoulders.
        skull (`tuple[int, int, float]`, *optional*): the head joint is this share of the way from the first to the second.
        feet (`tuple[int, int]`, *optional*): joints at the balls of the feet.
        near (`tuple[tuple[int, tuple[int, ...]], ...]`): a joint, and those in whose middle it lies in every person: by
            this layouts of as many joints are told apart.
        fps (`float`): the usual rate, where the file does not say.
    """

    name: str
    count: int
    words: str
    limbs: dict = field(default_factory=dict)
    ears: tuple[int, int] | None = None
    heels: tuple[int, int] | None = None
    toes: tuple[int, int] | None = None
    spine: tuple[int, int, int] | None = None
    skull: tuple[int, int, float] | None = None
    feet: tuple[int, int] | None = None
    near: tuple = ()
    fps: float = 30.0

    def used(self) -> list[int]:
        """Joints that count; those of hands and face do not."""
        if not self.limbs:
            return list(range(min(self.count, len(TARGET_NAMES))))
        groups = [*self.limbs.values(), self.ears, self.heels, self.toes, self.spine, self.feet]
        return sorted({joint for group in groups if group for joint in group} | set(self.skull[:2] if self.skull else ()))

    def to_joints(self, keypoints: np.ndarray, where: str) -> tuple[np.ndarray, list[str]]:
        """`(num_frames, count, 3)` to `(num_frames, 22, 3)` in the same units and axes, and what was placed."""
        if self.name == "kit21":
            return kit_to_joints(keypoints, where)
        if not self.limbs:  # SMPL's family: the first 22 are LLaMo's
            return keypoints[:, : len(TARGET_NAMES)], []
        points = {}
        for part, pair in self.limbs.items():
            for side, joint in zip(SIDES, pair, strict=True):
                points[f"{side}_{part}"] = keypoints[:, joint]
        hips = (points["left_hip"] + points["right_hip"]) / 2
        shoulders = (points["left_shoulder"] + points["right_shoulder"]) / 2
        points["neck"] = hips + 1.08 * (shoulders - hips)
        if self.spine:
            low, middle, high = (keypoints[:, joint] for joint in self.spine)
            # Where the joints of a mean body lie along hips, half-way point and shoulders.
            points["spine1"] = 0.28 * low + 0.72 * middle
            points["spine2"] = 0.78 * middle + 0.22 * high
            points["spine3"] = 0.58 * middle + 0.42 * high
            points["neck"] = high + 0.16 * (high - middle)
        if self.skull:
            low, high, share = self.skull
            points["head"] = (1 - share) * keypoints[:, low] + share * keypoints[:, high]
        elif self.ears:
            points["head"] = 0.45 * points["neck"] + 0.55 * keypoints[:, list(self.ears)].mean(1)
        for index, side in enumerate(SIDES):
            if self.feet:
                points[f"{side}_foot"] = keypoints[:, self.feet[index]]
            elif self.toes and self.heels:
                points[f"{side}_foot"] = 0.28 * keypoints[:, self.heels[index]] + 0.72 * keypoints[:, self.toes[index]]
        return complete_joints(points, where)


def _limbs(*pairs: tuple[int, int]) -> dict:
    return dict(zip(LIMBS, pairs, strict=True))


COCO = _limbs((5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16))
# Left and right as each layout's own documents name them.
LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout(
            "mediapipe33", 33, "MediaPipe / BlazePose landmarks",
            _limbs((11, 12), (13, 14), (15, 16), (23, 24), (25, 26), (27, 28)),
            ears=(7, 8), heels=(29, 30), toes=(31, 32), near=((0, (9, 10)), (0, (2, 5))),
        ),
        Layout("coco17", 17, "COCO keypoints", COCO, ears=(3, 4), near=((0, (1, 2)), (0, (3, 4)))),
        Layout(
            "h36m17", 17, "Human3.6M joints",
            _limbs((11, 14), (12, 15), (13, 16), (4, 1), (5, 2), (6, 3)),
            spine=(0, 7, 8), skull=(8, 10, 0.35), near=((0, (1, 4)), (8, (11, 14))),
        ),
        Layout(
            "body25", 25, "OpenPose BODY_25 keypoints",
            _limbs((5, 2), (6, 3), (7, 4), (12, 9), (13, 10), (14, 11)),
            ears=(18, 17), heels=(21, 24), toes=(19, 22), near=((8, (9, 12)), (1, (2, 5)), (0, (15, 16))),
        ),
        Layout(
            "ntu25", 25, "Kinect v2 / NTU joints",
            _limbs((4, 8), (5, 9), (6, 10), (12, 16), (13, 17), (14, 18)),
            spine=(0, 1, 20), skull=(2, 3, 0.5), feet=(15, 19), near=((0, (12, 16)), (20, (4, 8)), (7, (21, 22))),
        ),
        Layout(
            "kinect20", 20, "Kinect v1 joints",
            _limbs((4, 8), (5, 9), (6, 10), (12, 16), (13, 17), (14, 18)),
            spine=(0, 1, 2), skull=(2, 3, 0.5), feet=(15, 19),
        ),
        Layout("coco133", 133, "COCO-WholeBody keypoints", COCO, ears=(3, 4), heels=(19, 22), toes=(17, 20)),
        Layout("kit21", 21, "KIT-ML joints", fps=12.5),
        Layout("smpl24", 24, "SMPL joints", fps=20.0),
        Layout("smplh52", 52, "SMPL-H joints", fps=20.0),
        Layout("smplx55", 55, "SMPL-X joints", fps=20.0),
    )
}  # fmt: skip
ALIASES = {"mediapipe": "mediapipe33", "blazepose": "mediapipe33", "coco": "coco17", "h36m": "h36m17", "openpose": "body25"}
ALIASES |= {"body_25": "body25", "kinect": "ntu25", "kinect25": "ntu25", "ntu": "ntu25", "smpl": "smpl24", "smplh": "smplh52"}
ALIASES |= {"smplx": "smplx55", "wholebody": "coco133", "human36m": "h36m17"}
COUNTS = {layout.count for layout in LAYOUTS.values()}
HINT = f"Say the order of the joints (skeleton= or --skeleton, one of {', '.join(LAYOUTS)}), or give a joint map."


def is_keypoints(source: MotionSource) -> bool:
    """True for `.npy` files of shape `(num_frames, J, 2 to 4)` with a known number of joints J, and `.npz` files with one."""
    if source.npy is not None:
        return _fits(source.npy)
    return _array_name(source.npz) is not None


def read_keypoints_motion(source: MotionSource, options: ReadOptions) -> RawMotion:
    """Keypoints to a motion.

    Raises:
        MotionFormatError: damaged files, keypoints without depth, gaps that are too long, an unknown or ambiguous layout, or
            joints that are not a person's.
    """
    zipped = source.data[:4] == b"PK\x03\x04"
    if options.joint_map:
        return read_joints_npz(source, options) if zipped else read_joints_npy(source, options)
    array, file_fps, where = _load(source, zipped, options)
    assumed: list[str] = []
    keypoints = _three(array, where, options, assumed)
    # The layout comes first where the caller names it, so that joints nobody needs may have gaps.
    layout = _named(options.skeleton, keypoints.shape[1], where)
    candidates = [layout] if layout else [row for row in LAYOUTS.values() if row.count == keypoints.shape[1]]
    _refuse_flat(keypoints, candidates[0], where)
    fps = choose_fps(file_fps, options, assumed, default=candidates[0].fps)
    if layout is None:
        layout = _tell(keypoints, candidates, where)
        assumed.append(f"joints taken as {layout.words} ({layout.name}), by their number and place; pass `skeleton` to set it")
    keypoints = _fill_gaps(keypoints, layout, fps, where, assumed)
    joints, notes = layout.to_joints(keypoints, where)
    assumed += notes
    joints = as_joints(joints, where, options.max_frames)
    hips = joints[:, 1:3].mean(1)
    if len(joints) > 1 and np.ptp(hips, axis=0).max() < 0.02 * np.ptp(joints[0], axis=0).max():
        assumed.append("hips stay in one place in every frame: the person's way through the room is not in the file")
    return joints_motion(
        joints,
        fps,
        "keypoints",
        options,
        where,
        assumed,
        source_joints=layout.count,
        skeleton=layout.name,
    )


def _fits(shape: tuple[int, ...] | None) -> bool:
    return shape is not None and len(shape) == 3 and shape[1] in COUNTS and shape[2] in (2, 3, 4)


def _array_name(shapes: dict) -> str | None:
    """The array of a `.npz` that holds keypoints: by its name, else the only one that fits."""
    named = next((key for key in JOINT_KEYS if key in shapes), None)
    if named is not None:
        return named if _fits(shapes[named]) else None
    fitting = [name for name, shape in shapes.items() if _fits(shape)]
    return fitting[0] if len(fitting) == 1 else None


def _load(source: MotionSource, zipped: bool, options: ReadOptions) -> tuple[np.ndarray, float | None, str]:
    where, fps = source.where, None
    if zipped:
        archive = NumpyArchive(source.data, where, options.max_bytes)
        name = _array_name(archive.shapes)
        if name is None:
            raise MotionFormatError("one array of keypoints (num_frames, num_joints, 3)", archive.listing(), where, HINT)
        array, fps, where = archive.load(name, options.max_frames), archive_fps(archive), f"{where}, array {name!r}"
    else:
        array = read_array(io.BytesIO(source.data), len(source.data), where, options.max_bytes, options.max_frames)
    if not _fits(array.shape) or array.dtype.kind not in "fiu":
        raise MotionFormatError(
            f"numbers of shape (num_frames, {', '.join(map(str, sorted(COUNTS)))}, 3)",
            f"{array.dtype} {array.shape}",
            where,
            HINT,
        )
    options.check_frames(len(array), where)
    with np.errstate(invalid="ignore"):  # damaged numbers are found and named later
        return array.astype(np.float64), fps, where


def _three(array: np.ndarray, where: str, options: ReadOptions, assumed: list[str]) -> np.ndarray:
    """The coordinates `(num_frames, num_joints, 3)` out of 3 or 4 columns; NaN where a point is missing."""
    if array.shape[2] == 2:
        raise MotionFormatError("keypoints in three dimensions", f"two ({array.shape})", where, LIFT)
    if array.shape[2] == 4:
        score = array[..., 3][np.isfinite(array[..., 3])]
        if score.size and not (score.min() >= -1e-6 and score.max() <= 1 + 1e-6):
            raise MotionFormatError(
                "x, y, z and a confidence between 0 and 1",
                f"a fourth column from {score.min():.4g} to {score.max():.4g}",
                where,
                "Save x, y and z only.",
            )
        array = array[..., :3]
        assumed.append("the fourth column is taken as a confidence and not used")
    array = np.where(np.isinf(array), np.nan, array)
    known = array[np.isfinite(array).all(-1)]
    if not len(known):
        raise MotionFormatError("keypoints", "no number at all", where, "Check how the file was written.")
    if not np.abs(known).max() <= MAX_NUMBER:
        raise MotionFormatError(f"numbers up to {MAX_NUMBER:g}", f"{np.abs(known).max():.4g}", where, LIFT)
    inside = (known[:, :2].min() >= -0.05) and (known[:, :2].max() <= 1.05) and (known[:, :2].mean(0) > 0.15).all()
    if inside and options.units is None:
        raise MotionFormatError(
            "positions in space",
            "x and y between 0 and 1 everywhere, as shares of an image's width and height",
            where,
            f"{LIFT} If these are metres, say so (units='m').",
        )
    return array


def layout_called(name: str) -> Layout:
    """The layout of a name, however it is spelt.

    Raises:
        MotionFormatError: an unknown name.
    """
    key = str(name).strip().lower().replace("-", "").replace(" ", "")
    layout = LAYOUTS.get(ALIASES.get(key, key))
    if layout is None:
        raise MotionFormatError(f"a skeleton out of {', '.join(LAYOUTS)}", f"{name!r}", "skeleton", HINT)
    return layout


def _named(name: str | None, count: int, where: str) -> Layout | None:
    """The layout that the caller names.

    Raises:
        MotionFormatError: an unknown name, or one of another number of joints.
    """
    if name is None:
        return None
    layout = layout_called(name)
    if layout.count != count:
        raise MotionFormatError(f"{layout.count} joints, as {layout.name} has", f"{count}", where, HINT)
    return layout


def _tell(keypoints: np.ndarray, candidates: list[Layout], where: str) -> Layout:
    """The one layout of this many joints in which the points are a person.

    Raises:
        MotionFormatError: none, or several.
    """
    frames = np.flatnonzero(np.isfinite(keypoints).all((1, 2)))
    frames = frames if len(frames) else np.arange(len(keypoints))
    sample = keypoints[frames[np.unique(np.linspace(0, len(frames) - 1, min(SAMPLE_FRAMES, len(frames))).astype(int))]]
    fitting, reason = [], None
    for layout in candidates:
        try:
            check_human(layout.to_joints(sample, where)[0], where)
            if not _near(sample, layout):
                raise MotionFormatError(f"the joints of {layout.words}", "points in other places", where, HINT)
            fitting.append(layout)
        except MotionFormatError as error:
            reason = error
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = " and ".join(layout.name for layout in fitting)
        raise MotionFormatError(f"joints in an order that tells itself from {names}", "points that fit both", where, HINT)
    if len(candidates) == 1:
        raise reason
    names = " or ".join(layout.name for layout in candidates)
    raise MotionFormatError(f"a person's joints in the order of {names}", "points that form none", where, HINT)


def _near(sample: np.ndarray, layout: Layout) -> bool:
    """Whether every joint that lies in the middle of others does so, to 30 % of the trunk's length."""
    shoulders, hips = (sample[:, list(layout.limbs[part])].mean(1) for part in ("shoulder", "hip")) if layout.limbs else (0, 0)
    trunk = np.median(np.linalg.norm(shoulders - hips, axis=-1)) if layout.limbs else 0.0
    for joint, others in layout.near:
        if not np.median(np.linalg.norm(sample[:, joint] - sample[:, list(others)].mean(1), axis=-1)) < 0.3 * trunk:
            return False
    return True


def _refuse_flat(keypoints: np.ndarray, layout: Layout, where: str) -> None:
    """Refuses points that all lie in one plane of the axes: pixels with a zero, or with a confidence, as the third number."""
    points = keypoints[:, layout.used()]
    known = np.isfinite(points).all(-1)
    low = np.where(known[..., None], points, np.inf).min(1)
    high = np.where(known[..., None], points, -np.inf).max(1)
    extents = (high - low)[known.sum(1) > 3]
    if len(extents) == 0:
        return
    extent = np.median(extents, axis=0)
    if extent.min() < 0.02 * extent.max():
        axis = "xyz"[int(extent.argmin())]
        raise MotionFormatError(
            "keypoints in three dimensions", f"points that all have about the same {axis}: no depth", where, LIFT
        )


def _fill_gaps(keypoints: np.ndarray, layout: Layout, fps: float, where: str, assumed: list[str]) -> np.ndarray:
    """Straight lines over frames in which a needed joint is missing (NaN).

    Raises:
        MotionFormatError: a joint that is missing for longer than MAX_GAP_SECONDS, or always.
    """
    used = layout.used()
    missing = ~np.isfinite(keypoints[:, used]).all(-1)
    if not missing.any():
        return keypoints
    longest = max(1, int(MAX_GAP_SECONDS * fps))
    filled, frames = keypoints.copy(), np.arange(len(keypoints))
    for column, joint in enumerate(used):
        gone = missing[:, column]
        if not gone.any():
            continue
        edges = np.flatnonzero(np.diff(np.concatenate([[0], gone.astype(np.int8), [0]])))
        lengths = edges[1::2] - edges[::2]
        if gone.all() or lengths.max() > longest:
            at = int(edges[2 * int(lengths.argmax())])
            raise MotionFormatError(
                f"gaps of at most {longest} frames ({MAX_GAP_SECONDS:g} s)",
                f"joint {joint} missing for {int(lengths.max())} frames",
                f"{where}, frame {at}",
                "Cut the motion there, or fill the gap in the program that made it.",
            )
        for axis in range(3):
            filled[gone, joint, axis] = np.interp(frames[gone], frames[~gone], keypoints[~gone, joint, axis])
    assumed.append(f"{int(missing.sum())} missing points filled by straight lines over at most {longest} frames")
    return filled
