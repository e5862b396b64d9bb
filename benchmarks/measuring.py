"""How right the measurements are: procedural motions with known truth, clean and with a video estimator's errors.

    python benchmarks/measuring.py [--clips 1] [--counts 1,2,3,5,8,13,21,30] [--actions squat,wave] [--json]

Counts are held against the number of repetitions that the motion was made with (where a clip travels, what it repeats are
steps: such clips are named, not judged), steps against landings on the flat and on stairs, flights against ballistics;
distance and angles against the clean joints and against poses built at given angles. The errors of an estimator: every
coordinate wanders slowly (30 mm for a joint, 0.2-2 Hz), and a tenth of the frames is missing.
"""

import argparse
import json
import statistics
import time

import numpy as np

from llamo.processing.angles_llamo import joint_angles
from llamo.processing.kinematics_llamo import measure_motion
from llamo.train.synthesis.engine import synthesize
from llamo.train.synthesis.noise import wander


EXERCISES = (
    "squat", "jumping_jack", "lunge", "side_lunge", "biceps_curl", "overhead_press", "lateral_raise", "jump", "high_knees",
    "march", "knee_raise", "leg_raise_side", "push_up", "sit_up", "deadlift", "toe_touch", "torso_twist", "side_bend",
    "arm_circles", "raise_hand", "wave", "punch", "kick", "calf_raise",
)  # fmt: skip
WALKS = ("walk", "run", "walk_curve", "walk_backward", "climb_stairs", "descend_stairs")
COUNTS = (1, 2, 3, 5, 8, 13, 21, 30)
NOISE = 0.03  # m, root mean square of a joint's displacement
DROPPED = 0.1  # share of frames


def like_an_estimator(joints: np.ndarray, fps: float, rng: np.random.Generator) -> np.ndarray:
    """Joints `(num_frames, 22, 3)` with slow errors, and NaN in the frames that are missing (never the first or last)."""
    error = wander(rng, len(joints), joints[0].size, fps, low=0.2, high=2.0).reshape(joints.shape)
    noisy = joints + error * (NOISE / 3**0.5)
    dropped = rng.random(len(joints)) < DROPPED
    dropped[[0, -1]] = False
    noisy[dropped] = np.nan
    return noisy


def right_angle_error(angle: float) -> float:
    """Largest error of knee and elbow, degrees, on a body built with both bent by `angle`."""
    joints = np.zeros((1, 22, 3))
    bend = np.radians(angle)
    for side, x in ((0, 0.1), (1, -0.1)):
        joints[0, 1 + side] = x, 0.9, 0
        joints[0, 4 + side] = x, 0.5, 0
        joints[0, 7 + side] = x, 0.5 - 0.4 * np.cos(bend), -0.4 * np.sin(bend)
        joints[0, 10 + side] = joints[0, 7 + side] + [0, -0.05, 0.12]
        joints[0, 16 + side] = 2 * x, 1.4, 0
        joints[0, 18 + side] = 2 * x, 1.12, 0
        joints[0, 20 + side] = 2 * x, 1.12 - 0.25 * np.cos(bend), 0.25 * np.sin(bend)
    joints[0, 12] = 0, 1.45, 0
    angles = joint_angles(joints)
    names = [f"{side}_{name}" for side in ("left", "right") for name in ("knee", "elbow")]
    return max(abs(float(angles[name][0]) - angle) for name in names)


def judge_counts(action: str, counts: tuple[int, ...], clips: int, noisy: bool) -> dict:
    """Share of clips counted exactly, share within one, and the mean error, of the clips that do not travel."""
    errors, travelling = [], 0
    for count in counts:
        for clip in range(clips):
            motion = synthesize(np.random.default_rng(7919 * clip + count), actions=[action], count=count)
            joints = motion.joints.astype(float)
            if noisy:
                joints = like_an_estimator(joints, motion.fps, np.random.default_rng(clip + count))
            measured = measure_motion(joints, motion.fps)
            if "steps" in measured["notes"].get("repetitions", ""):
                travelling += 1
            else:
                errors.append(measured["repetitions"]["count"] - count)
    if not errors:
        return {"clips": 0, "travelling": travelling, "exact": None, "within_one": None, "mean_error": None}
    return {
        "clips": len(errors),
        "travelling": travelling,
        "exact": sum(error == 0 for error in errors) / len(errors),
        "within_one": sum(abs(error) <= 1 for error in errors) / len(errors),
        "mean_error": statistics.fmean(errors),
    }


def judge_walks(clips: int, noisy: bool) -> dict:
    """Steps against landings, distance and knee range against the clean joints."""
    steps, distances, ranges, repeated = [], [], [], 0
    for action in WALKS:
        for clip in range(clips):
            motion = synthesize(np.random.default_rng(104729 * clip + 1), actions=[action])
            clean = motion.joints.astype(float)
            joints = like_an_estimator(clean, motion.fps, np.random.default_rng(clip)) if noisy else clean
            measured = measure_motion(joints, motion.fps)
            landings = sum(event < motion.seconds - 0.05 for event in motion.segments[0].event_times)
            steps.append(abs(measured["steps"]["count"] - landings))
            repeated += measured["repetitions"]["count"] > 0
            way = clean[-1, 0, [0, 2]] - clean[0, 0, [0, 2]]
            distances.append(abs(measured["distance_m"] - float(np.linalg.norm(way))) / max(float(np.linalg.norm(way)), 0.1))
            truth = joint_angles(clean)
            ranges += [
                abs(measured["angles"][f"{side}_knee"]["range_deg"] - float(np.ptp(truth[f"{side}_knee"])))
                for side in ("left", "right")
            ]
    return {
        "clips": len(steps),
        "steps_mean_error": statistics.fmean(steps),
        "steps_within_one": sum(error <= 1 for error in steps) / len(steps),
        "distance_error_percent": 100 * statistics.fmean(distances),
        "knee_range_error_deg": statistics.fmean(ranges),
        "walks_with_repetitions": repeated,
    }


def judge_jumps(clips: int, noisy: bool) -> dict:
    """Number of flights, and how far heights are from the ballistics of the flight time (g t^2 / 8), or from clean ones."""
    exact, number, height = 0, 0, []
    for clip in range(clips):
        motion = synthesize(np.random.default_rng(31 * clip + 5), actions=["jump"], count=3 + clip % 4)
        joints = motion.joints.astype(float)
        jumps = measure_motion(joints, motion.fps)["jumps"]
        truth = [9.81 * jump["flight_s"] ** 2 / 8 for jump in jumps]
        if noisy:
            truth = [jump["height_m"] for jump in jumps]
            jumps = measure_motion(like_an_estimator(joints, motion.fps, np.random.default_rng(clip)), motion.fps)["jumps"]
        number += 1
        exact += len(jumps) == 3 + clip % 4
        if len(jumps) == len(truth):
            height += [abs(jump["height_m"] - known) for jump, known in zip(jumps, truth, strict=True)]
    return {"clips": number, "exact": exact / number, "height_error_m": statistics.fmean(height) if height else None}


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1, help="clips for each action and count")
    parser.add_argument("--counts", default=",".join(map(str, COUNTS)), help="numbers of repetitions")
    parser.add_argument("--actions", default=",".join(EXERCISES), help="exercises to count")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def main(arguments: list[str] | None = None) -> dict:
    options = make_parser().parse_args(arguments)
    counts = tuple(int(count) for count in options.counts.split(","))
    actions = options.actions.split(",")
    started = time.perf_counter()
    report: dict = {"angle_error_deg": max(right_angle_error(angle) for angle in range(0, 151, 10)), "clean": {}, "noisy": {}}
    for kind in ("clean", "noisy"):
        noisy = kind == "noisy"
        report[kind]["counts"] = {action: judge_counts(action, counts, options.clips, noisy) for action in actions}
        report[kind]["walks"] = judge_walks(max(2, options.clips), noisy)
        report[kind]["jumps"] = judge_jumps(max(4, options.clips), noisy)
    report["seconds"] = round(time.perf_counter() - started, 1)
    print(json.dumps(report) if options.json else table(report))
    return report


def shares(judged: dict) -> str:
    if not judged["clips"]:
        return f"{'-':>8}{'-':>7}{'-':>8}"
    return f"{judged['exact']:>8.0%}{judged['within_one']:>7.0%}{judged['mean_error']:>+8.2f}"


def table(report: dict) -> str:
    lines = [
        f"{'repetitions':<18}{'clips':>6}{'exact':>8}{'+-1':>7}{'error':>8}   with noise:{'exact':>8}{'+-1':>7}{'error':>8}"
    ]
    clean, noisy = report["clean"]["counts"], report["noisy"]["counts"]
    for action in clean:
        one, two = clean[action], noisy[action]
        travelling = f"   ({one['travelling']} more travel)" if one["travelling"] else ""
        lines.append(f"{action:<18}{one['clips']:>6}{shares(one)}{'':>14}{shares(two)}{travelling}")
    for kind in ("clean", "noisy"):
        walks, jumps = report[kind]["walks"], report[kind]["jumps"]
        total = [each for each in report[kind]["counts"].values() if each["clips"]]
        height = "-" if jumps["height_error_m"] is None else f"{100 * jumps['height_error_m']:.1f} cm"
        lines.append(
            f"{kind}: counts exact {statistics.fmean(each['exact'] for each in total):.1%}; steps off by "
            f"{walks['steps_mean_error']:.2f} ({walks['steps_within_one']:.0%} within one); distance off by "
            f"{walks['distance_error_percent']:.2f} %; knee range off by {walks['knee_range_error_deg']:.1f} deg; "
            f"{walks['walks_with_repetitions']} of {walks['clips']} walks taken for repetitions; jumps counted "
            f"{jumps['exact']:.0%}, height off by {height}"
        )
    lines.append(f"built poses: angles off by at most {report['angle_error_deg']:.2g} deg; {report['seconds']} s")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
