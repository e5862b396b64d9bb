"""How right and how fast the Motion Estimator is: known motions filmed by known cameras, encoded, estimated, compared.

    python benchmarks/estimating.py [--estimator llamo/motion_estimator] [--actions walk,squat] [--cameras front,behind]
                                    [--recorded PARQUET] [--num 12] [--seconds 5] [--seed 0] [--json]

Every motion has its own person, clothes, place and light. The truth is scaled to the estimate's limbs, because no single camera
sees a person's size. Root-relative error: mean distance of the joints, pelvis and first facing aligned; bodies of other
proportions than the estimator's skeleton cost some 30 mm. Limbs: mean angle between estimated and true bones. Height: of the
pelvis. Way: length of its path over the floor, smoothed over half a second, of motions that go further than a metre; drift: how
far it seems to go in motions that stay within half a metre, per second. Facing: mean error of where the body faces, against
where it faced at first. "plain" is the same estimate without the corrections for camera and travel.
"""

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d

from llamo.processing.camera_view_llamo import focal_length
from llamo.processing.motion_estimation_llamo import (
    FPS,
    UP,
    MotionEstimationError,
    MotionEstimator,
    Observation,
    find_track,
    solve_motion,
    stands_still,
)
from llamo.processing.motion_features_llamo import PARENTS, canonicalise, heading_angles, resample
from llamo.processing.pose_lifting_llamo import LEGS, LENGTHS, lift_landmarks
from llamo.processing.pose_track_llamo import PoseTrack, smooth
from llamo.processing.root_motion_llamo import CAMERA_SECONDS, camera_distances, place_on_floor, stance_path
from llamo.train.recorded import read_recorded
from llamo.train.rendering.scene import random_scene, render_chunks
from llamo.train.rendering.video_files import write_video
from llamo.train.synthesis.engine import synthesize


ACTIONS = (
    "walk", "squat", "run", "jumping_jack", "walk_curve", "kick", "sit_down", "sidestep", "push_up", "jump_forward", "punch",
    "lunge", "turn", "wave", "walk_backward", "deadlift",
)  # fmt: skip
# Name -> (kind of camera, radians from where the person faces, positive to the person's left; None: random).
CAMERAS = {
    "front": ("static", 0.3),
    "side": ("static", 1.4),
    "behind": ("behind", None),
    "low": ("low", -0.6),
    "panning": ("panning", 0.9),
    "close": ("close", 0.4),
}
LIMBS = (4, 5, 7, 8, 18, 19, 20, 21)  # joints at the ends of upper legs, lower legs, upper arms and forearms


@dataclass
class Clip:
    """A motion that was filmed."""

    name: str
    joints: np.ndarray  # (num_frames, 22, 3) metres at FPS


def make_clips(actions: list[str], num: int, seconds: float, seed: int, recorded: str | None) -> list[Clip]:
    """`num` motions of at most `seconds`: procedural ones, action by action, and of a file as many."""
    clips = []
    for index in range(num):
        action = actions[index % len(actions)]
        motion = synthesize(np.random.default_rng([seed, index]), actions=[action])
        clips.append(Clip(action, resample(motion.joints, motion.fps, FPS)[: int(seconds * FPS)]))
    if recorded is not None:
        found = [clip for clip in read_recorded(recorded, "val") if clip.fps == FPS and clip.seconds >= 2]
        rng = np.random.default_rng(seed)
        for clip in (found[index] for index in rng.choice(len(found), min(num, len(found)), replace=False)):
            clips.append(Clip(clip.id, clip.joints[: int(seconds * FPS)]))
    return clips


def film(clip: Clip, camera: str, path: Path, seed: int, height: int = 360, fps: float = 25.0) -> None:
    """Renders a clip by a camera into a video file of 16 to 9."""
    kind, yaw = CAMERAS[camera]
    size = (height, 2 * (height * 16 // 18))
    scene = random_scene(resample(clip.joints, FPS, fps), np.random.default_rng(seed), size, kind, fps=fps, yaw=yaw)
    write_video(path, render_chunks(scene), fps)


def solve_plainly(track: PoseTrack, shifts: np.ndarray, size: tuple[int, int], is_static: bool) -> np.ndarray:
    """A track -> joints as they come, for comparison: people stand as the network sees them in its crop, the camera is level,
    a camera that pans says nothing about the way. Arguments and result as those of `solve_motion`."""
    hips = (track.points[:, 23] + track.points[:, 24]) / 2 - np.array([size[1], size[0]]) / 2 - (shifts - shifts[0])
    depth = camera_distances(track, size)[:, None]
    path = np.concatenate([hips / focal_length(size) * depth, depth], axis=1)
    world = smooth(track.resample(track.world * UP, FPS))
    legs = np.linalg.norm(world[:, list(LEGS)] - world[:, [23, 24, 25, 26]], axis=-1).mean() * 2
    path = smooth(track.resample(path * UP, FPS)) * 2 * np.mean([LENGTHS[joint] for joint in (4, 5, 7, 8)]) / legs
    placed = place_on_floor(lift_landmarks(world), path[:, 1], FPS, is_static)
    travel = stance_path(placed, FPS)
    if is_static:
        travel = travel + gaussian_filter1d(path[:, [0, 2]] - travel, CAMERA_SECONDS * FPS, axis=0, mode="nearest")
    placed[..., [0, 2]] += travel[:, None]
    return canonicalise(placed, FPS)


def solve(seen: Observation, track: PoseTrack, solver) -> np.ndarray:
    """Joints `(num_frames, 22, 3)` by `solve_motion` or `solve_plainly`."""
    shifts = np.stack(seen.camera.shifts)[track.frames]
    return solver(track, shifts, seen.size, stands_still(seen.camera, track, seen.size[1]))


def compare(joints: np.ndarray, track: PoseTrack, truth: np.ndarray) -> dict:
    """What estimated joints are off by; `truth` `(num_frames, 22, 3)` at FPS from the video's beginning."""
    first = int(round(track.times[0] * FPS))
    count = min(len(joints), len(truth) - first)
    estimate = canonicalise(joints[:count], FPS).astype(np.float64)
    truth = truth[first : first + count]
    truth = canonicalise(truth * (limb_length(estimate) / limb_length(truth)), FPS).astype(np.float64)
    relative = (estimate - estimate[:, :1]) - (truth - truth[:, :1])
    turned = heading_angles(estimate) - heading_angles(truth)
    way, true_way = way_length(estimate), way_length(truth)
    spread = float(np.linalg.norm(truth[:, 0, [0, 2]] - truth[:, 0, [0, 2]].mean(0), axis=-1).max())
    return {
        "mpjpe_mm": 1000 * float(np.linalg.norm(relative, axis=-1).mean()),
        "bones_deg": float(np.degrees(bone_angles(estimate, truth)).mean()),
        "way_error": way / true_way - 1 if true_way > 1 else None,
        "drift_m_s": way / (count / FPS) if spread < 0.5 else None,
        "height_mm": 1000 * float(np.abs(estimate[:, 0, 1] - truth[:, 0, 1]).mean()),
        "facing_deg": float(np.degrees(np.abs((turned + np.pi) % (2 * np.pi) - np.pi)).mean()),
        "coverage": track.coverage,
    }


def limb_length(joints: np.ndarray) -> float:
    """Mean length of the bones of arms and legs: a person's size, which no single camera sees."""
    return float(np.linalg.norm(joints[:, list(LIMBS)] - joints[:, [PARENTS[joint] for joint in LIMBS]], axis=-1).mean())


def bone_angles(estimate: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Angles between the bones of arms and legs `(num_frames, num_bones)`, radians."""
    parents = [PARENTS[joint] for joint in LIMBS]
    first, second = (joints[:, list(LIMBS)] - joints[:, parents] for joints in (estimate, truth))
    cosine = (first * second).sum(-1) / (np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1) + 1e-9)
    return np.arccos(cosine.clip(-1, 1))


def way_length(joints: np.ndarray) -> float:
    """Length of the hips' way over the floor, metres."""
    path = gaussian_filter1d(joints[:, 0, [0, 2]], 0.2 * FPS, axis=0, mode="nearest")
    return float(np.linalg.norm(np.diff(path, axis=0), axis=-1).sum())


def mean(rows: list[dict], key: str, absolute: bool = False) -> float | None:
    values = [row[key] for row in rows if row.get(key) is not None]
    return float(np.mean(np.abs(values) if absolute else values)) if values else None


def summarise(rows: list[dict]) -> dict:
    """The means of some rows."""
    seen = [row for row in rows if "mpjpe_mm" in row]
    return {
        "clips": len(rows),
        "refused": len(rows) - len(seen),
        **{key: mean(seen, key) for key in ("mpjpe_mm", "bones_deg", "height_mm", "facing_deg", "drift_m_s", "coverage")},
        "way_error": mean(seen, "way_error", absolute=True),
        "way_bias": mean(seen, "way_error"),
    }


def measure_speed(estimator: MotionEstimator, path: Path, threads: int) -> float:
    """Frames per second of video, decoding and everything else included."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        started = time.perf_counter()
        motion = estimator.estimate(path)
        return len(motion.times) / (time.perf_counter() - started)
    finally:
        torch.set_num_threads(before)


def table(summaries: dict[str, dict]) -> str:
    """The result, in Markdown."""
    columns = (
        ("clips", "clips", "{:d}", 1), ("refused", "refused", "{:d}", 1), ("mpjpe_mm", "root-relative mm", "{:.0f}", 1),
        ("bones_deg", "limbs °", "{:.0f}", 1), ("height_mm", "height mm", "{:.0f}", 1),
        ("way_error", "way, error %", "{:.0f}", 100),
        ("way_bias", "way, bias %", "{:+.0f}", 100), ("drift_m_s", "drift m/s", "{:.2f}", 1),
        ("facing_deg", "facing °", "{:.0f}", 1), ("coverage", "coverage", "{:.2f}", 1),
    )  # fmt: skip
    lines = ["| camera | " + " | ".join(title for _, title, _, _ in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, summary in summaries.items():
        cells = [form.format(summary[key] * factor) if summary[key] is not None else "-" for key, _, form, factor in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def run(arguments: argparse.Namespace) -> dict:
    """Films, estimates and compares everything."""
    estimator = MotionEstimator.from_pretrained(arguments.estimator)
    cameras = arguments.cameras.split(",")
    clips = make_clips(arguments.actions.split(","), arguments.num, arguments.seconds, arguments.seed, arguments.recorded)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        for index, clip in enumerate(clips):
            for camera in cameras:
                film(clip, camera, path, arguments.seed + index, arguments.height, arguments.video_fps)
                row = {"motion": clip.name, "camera": camera}
                seen = estimator.watch(path)
                try:
                    track = find_track(seen)
                except MotionEstimationError as error:
                    rows += [{**row, "solver": solver, "refused": str(error)} for solver in SOLVERS]
                    continue
                for solver, solve_by in SOLVERS.items():
                    rows.append({**row, "solver": solver, **compare(solve(seen, track, solve_by), track, clip.joints)})
        speed = {}
        if not arguments.no_speed:
            film_large(clips[0], path, arguments.seed)
            speed = {threads: measure_speed(estimator, path, threads) for threads in (1, 2)}
    summaries = {}
    for camera in [*cameras, "all"]:
        for solver in SOLVERS:
            chosen = [row for row in rows if row["solver"] == solver and camera in (row["camera"], "all")]
            summaries[f"{camera}, {solver}"] = summarise(chosen)
    return {"rows": rows, "cameras": summaries, "frames_per_second_720p": speed}


# "plain" is the estimator without what camera_view_llamo.py and the fusion in root_motion_llamo.py do.
SOLVERS = {"plain": solve_plainly, "LLaMo": solve_motion}


def film_large(clip: Clip, path: Path, seed: int) -> None:
    """A clip at 720p and 30 frames per second, for the speed."""
    joints = resample(clip.joints, FPS, 30.0)
    scene = random_scene(joints, np.random.default_rng(seed), (720, 1280), "static", fps=30.0, yaw=0.3)
    write_video(path, render_chunks(scene, chunk=4), 30.0)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--estimator", default="llamo/motion_estimator", help="folder of the Motion Estimator")
    parser.add_argument("--actions", default=",".join(ACTIONS), help="procedural motions, in turn")
    parser.add_argument("--cameras", default=",".join(CAMERAS), help="out of: " + ", ".join(CAMERAS))
    parser.add_argument("--recorded", help="Parquet file of recorded motions, for as many more")
    parser.add_argument("--num", type=int, default=len(ACTIONS), help="motions, each filmed by every camera")
    parser.add_argument("--seconds", type=float, default=5.0, help="longest motion")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--height", type=int, default=360, help="of the pictures, pixels")
    parser.add_argument("--video-fps", type=float, default=25.0, help="frames per second of the videos")
    parser.add_argument("--no-speed", action="store_true", help="leave out the timing")
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object")
    return parser


def main() -> None:
    arguments = make_parser().parse_args()
    result = run(arguments)
    if arguments.json:
        print(json.dumps(result))
        return
    print(table(result["cameras"]))
    for threads, fps in result["frames_per_second_720p"].items():
        print(f"720p, {threads} thread{'s' if threads > 1 else ''}: {fps:.1f} frames/s")


if __name__ == "__main__":
    main()
