"""Measurements on motions whose truth is known: poses built at given angles, and the procedural ones."""

from itertools import pairwise

import numpy as np
import pytest

from llamo.processing import motion_filters_llamo
from llamo.processing.angles_llamo import ANGLE_NAMES, joint_angles
from llamo.processing.gait_llamo import find_steps
from llamo.processing.kinematics_llamo import measure_motion
from llamo.processing.motion_features_llamo import rotate_yaw
from llamo.processing.motion_filters_llamo import fill_gaps, low_pass, moving_average
from llamo.train.synthesis.engine import synthesize


FIELDS = {
    "seconds", "distance_m", "path_m", "speed_mean_m_s", "speed_peak_m_s", "turn_deg", "jumps", "steps", "repetitions",
    "angles", "symmetry", "postures", "notes", "more",
}  # fmt: skip


@pytest.fixture(scope="session")
def recorded(shared) -> dict[str, tuple[np.ndarray, float]]:
    """Joints and frame rate of the recorded motions, by their names."""
    from llamo.train.recorded import read_recorded

    files = ("cmu_train.parquet", "deepmimic_val.parquet")
    return {clip.id: (clip.joints, clip.fps) for file in files for clip in read_recorded(shared / "data" / file)}


def build_pose(knee=0.0, hip=0.0, elbow=0.0, shoulder=0.0, ankle=0.0, lean=0.0) -> np.ndarray:
    """`(1, 22, 3)`: a body with these angles in degrees, all of them in the plane that one sees from the side."""
    hip, knee, elbow, shoulder, lean = np.radians([hip, knee, elbow, shoulder, lean])

    def swing(length, angle):  # 0 hangs down, positive is forwards
        return np.array([0.0, -length * np.cos(angle), length * np.sin(angle)])

    joints = np.zeros((1, 22, 3))
    trunk = np.array([0.0, np.cos(lean), np.sin(lean)])
    joints[0, 0] = 0, 0.9, 0
    for joint, height in ((3, 0.1), (6, 0.25), (9, 0.3), (12, 0.5), (15, 0.6), (13, 0.42), (14, 0.42)):
        joints[0, joint] = joints[0, 0] + height * trunk
    for side, x in ((0, 0.1), (1, -0.1)):
        joints[0, 1 + side] = x, 0.9, 0
        thigh = hip - lean  # flexion is against the trunk
        joints[0, 4 + side] = joints[0, 1 + side] + swing(0.4, thigh)
        joints[0, 7 + side] = joints[0, 4 + side] + swing(0.4, thigh - knee)
        joints[0, 10 + side] = joints[0, 7 + side] + swing(0.13, thigh - knee + np.pi / 2 + np.radians(ankle))
        joints[0, 16 + side] = joints[0, 0] + 0.45 * trunk + [2 * x, 0, 0]
        joints[0, 18 + side] = joints[0, 16 + side] + swing(0.28, shoulder - lean)
        joints[0, 20 + side] = joints[0, 18 + side] + swing(0.25, shoulder - lean + elbow)
    return joints


@pytest.mark.parametrize("angle", [0, 1, 30, 90, 145])
@pytest.mark.parametrize("heading", [0.0, 2.5])
def test_angles_of_built_poses(angle, heading):
    for name, low in (("knee", 0), ("elbow", 0), ("shoulder", 0), ("hip", -80), ("ankle", -80), ("lean", 0)):
        for value in {angle, max(-angle / 4, low)}:
            if name in ("ankle", "lean") and value > 80:
                continue
            angles = joint_angles(rotate_yaw(build_pose(**{name: value}), heading))
            for quantity in ("trunk",) if name == "lean" else (f"left_{name}", f"right_{name}"):
                assert angles[quantity][0] == pytest.approx(value, abs=0.5), (name, quantity)


def test_all_fields_and_all_angles(walk):
    measured = measure_motion(walk, 20.0)
    assert set(measured) == FIELDS
    assert set(measured["angles"]) == set(ANGLE_NAMES) and len(ANGLE_NAMES) == 11
    assert set(measured["angles"]["trunk"]) == {"min_deg", "max_deg", "range_deg"}
    assert measured["seconds"] == pytest.approx(59 / 20)


def test_distance_path_and_speed(walk):
    measured = measure_motion(walk, 20.0)
    assert measured["distance_m"] == pytest.approx(1.3 * 59 / 20, rel=0.01)
    assert measured["path_m"] == pytest.approx(1.3 * 59 / 20, rel=0.01)
    assert measured["speed_mean_m_s"] == pytest.approx(1.3, rel=0.01)
    assert measured["speed_peak_m_s"] == pytest.approx(1.3, rel=0.02)


@pytest.mark.parametrize(("turn", "word"), [(90.0, "left"), (-180.0, "right")])
def test_turns(turn, word):
    angles = np.radians(turn) * np.clip((np.arange(80) - 20) / 40, 0, 1)
    joints = rotate_yaw(np.repeat(build_pose(), 80, axis=0), angles)
    measured = measure_motion(joints, 20.0)
    assert measured["turn_deg"] == pytest.approx(turn, abs=1)
    (span,) = measured["more"]["turns"]
    assert span["side"] == word and span["start_s"] == pytest.approx(1, abs=0.3) and span["end_s"] == pytest.approx(3, abs=0.3)


@pytest.mark.parametrize(
    "action", ["squat", "jumping_jack", "lunge", "biceps_curl", "overhead_press", "high_knees", "knee_raise"]
)
def test_counts_are_exact(action):
    for count in (1 if action != "high_knees" else 4, 3, 7):
        motion = synthesize(np.random.default_rng(11 + count), actions=[action], count=count)
        repetitions = measure_motion(motion.joints, motion.fps)["repetitions"]
        assert repetitions["count"] == count == len(repetitions["items"]), repetitions["signal"]
        assert repetitions["signal"] and all(item["amplitude"] > 0 for item in repetitions["items"])


def test_small_rises_onto_the_toes_are_counted():
    for count in (3, 8):
        motion = synthesize(np.random.default_rng(count), actions=["calf_raise"], count=count)
        assert measure_motion(motion.joints, motion.fps)["repetitions"]["count"] == count


@pytest.mark.parametrize(
    ("action", "count"),
    [
        ("calf_raise", 4),  # arms sway further than the body rises
        ("calf_raise", 13),
        ("burpee", 6),  # six times down, five times up in between
        ("wave", 13),  # raising the hand and lowering it are no waves
        ("hammer", 9),
        ("swim", 6),  # arms take turns
    ],
)
def test_first_and_last_are_counted_and_the_way_into_position_is_not(action, count):
    motion = synthesize(np.random.default_rng(count), actions=[action], count=count)
    repetitions = measure_motion(motion.joints, motion.fps)["repetitions"]
    assert repetitions["count"] == count, repetitions["signal"]


def test_recorded_punches_are_counted(recorded):
    """Nine punches, the first three shorter than the others (seen in the height and reach of the fist)."""
    assert measure_motion(*recorded["trial_02_05"])["repetitions"]["count"] == 9


def test_recorded_walks_and_runs_are_steps(recorded):
    for name in ("trial_07_05", "trial_07_07", "trial_07_08", "trial_07_11", "trial_08_01"):
        # The floor of these recordings rises; the last swing is cut off.
        measured = measure_motion(*recorded[name])
        assert measured["repetitions"]["count"] == 0 and "steps" in measured["notes"]["repetitions"], name
        assert measured["steps"]["count"] >= 1.6 * measured["seconds"] - 1.5, name
    for name in ("trial_02_03", "deepmimic_jog", "deepmimic_run"):
        assert measure_motion(*recorded[name])["jumps"] == [], name
    for name in ("trial_13_11", "deepmimic_jump"):
        assert len(measure_motion(*recorded[name])["jumps"]) == 1, name
    # The hands are on the floor while the feet are drawn in.
    assert measure_motion(*recorded["deepmimic_getup_facedown"])["jumps"] == []
    # On uneven ground; counted by eye on a contact sheet as a step every 0.7 s.
    assert 45 <= measure_motion(*recorded["trial_03_03"])["steps"]["count"] <= 60


@pytest.mark.parametrize("action", ["climb_stairs", "descend_stairs"])
def test_steps_on_stairs(action):
    motion = synthesize(np.random.default_rng(40), actions=[action])
    landings = [event for event in motion.segments[0].event_times if event < motion.seconds - 0.05]
    assert abs(measure_motion(motion.joints, motion.fps)["steps"]["count"] - len(landings)) <= 1


def test_thirty_repetitions_lie_where_they_were_made():
    motion = synthesize(np.random.default_rng(4), actions=["squat"], count=30)
    items = measure_motion(motion.joints, motion.fps)["repetitions"]["items"]
    assert len(items) == 30
    for item, event in zip(items, motion.segments[0].event_times, strict=True):
        assert item["start_s"] < event < item["end_s"]
    assert all(first["end_s"] <= second["start_s"] + 0.05 for first, second in pairwise(items))


@pytest.mark.parametrize("action, seed", [("torso_twist", 30), ("side_bend", 30), ("wave", 30)])
def test_thirty_swings_about_the_middle_with_the_first_of_half_the_way(action, seed):
    motion = synthesize(np.random.default_rng(seed), actions=[action], count=30)
    assert measure_motion(motion.joints, motion.fps)["repetitions"]["count"] == 30


def test_a_walk_is_steps_and_no_repetitions():
    for seed in range(3):
        motion = synthesize(np.random.default_rng(seed), actions=["walk"])
        measured = measure_motion(motion.joints, motion.fps)
        landings = [event for event in motion.segments[0].event_times if event < motion.seconds - 0.05]
        assert abs(measured["steps"]["count"] - len(landings)) <= 1
        assert measured["repetitions"] == {"count": 0, "signal": None, "items": []}
        assert "steps" in measured["notes"]["repetitions"]
        assert 60 < measured["steps"]["cadence_per_min"] < 180


def test_squats_after_a_walk_are_counted():
    motion = synthesize(np.random.default_rng(3), actions=["walk", "squat"])
    measured = measure_motion(motion.joints, motion.fps)
    assert measured["repetitions"]["count"] == motion.segments[1].count
    assert measured["repetitions"]["items"][0]["start_s"] > motion.segments[1].start - 0.3


@pytest.mark.parametrize("fps", [20.0, 100.0])
def test_jumps_fly_as_gravity_says(fps):
    """A body thrown up by 0.3 m, of which flight time and height are known."""
    height, crouch = 0.3, 0.2
    flight = 2 * np.sqrt(2 * height / 9.81)
    time = np.arange(0, 4, 1 / fps)
    up = np.clip(time - 2, 0, flight)
    rise = 0.5 * 9.81 * up * (flight - up)
    dip = crouch * np.where(time < 2, np.sin(np.pi * np.clip((time - 1.2) / 0.8, 0, 1)), 0)
    joints = np.repeat(build_pose(), len(time), axis=0)
    joints[..., 1] += rise[:, None]
    joints[:, [0, *range(12, 22)], 1] -= dip[:, None]
    (jump,) = measure_motion(joints, fps)["jumps"]
    assert jump["start_s"] == pytest.approx(2, abs=0.04)
    assert jump["flight_s"] == pytest.approx(flight, abs=0.05)
    assert jump["height_m"] == pytest.approx(height, abs=0.04)


@pytest.mark.parametrize("action", ["crawl", "lunge", "hop"])
def test_crawling_lunging_and_hopping_are_no_steps(action):
    motion = synthesize(np.random.default_rng(40 if action != "hop" else 42), actions=[action])
    assert measure_motion(motion.joints, motion.fps)["steps"]["count"] == 0


@pytest.mark.parametrize("stride", [False, True])
def test_the_flight_of_a_run_is_no_jump(stride):
    """The same low flight, from both feet to both feet or from the left foot to the right one."""
    fps, height = 40.0, 0.1
    flight = 2 * np.sqrt(2 * height / 9.81)
    time = np.arange(0, 4, 1 / fps)
    up = np.clip(time - 2, 0, flight)
    joints = np.repeat(build_pose(), len(time), axis=0)
    joints[..., 1] += (0.5 * 9.81 * up * (flight - up))[:, None]
    if stride:
        middle = 2 + flight / 2
        joints[:, [8, 11], 1] += 0.2 * ((time > 1.6) & (time < middle))[:, None]
        joints[:, [7, 10], 1] += 0.2 * ((time > middle) & (time < 2.7))[:, None]
    assert len(measure_motion(joints, fps)["jumps"]) == (0 if stride else 1)


def test_postures_stillness_and_raised_hand():
    stand, raised = build_pose(), build_pose(shoulder=178)
    raised[:, [19, 21]] = stand[:, [19, 21]]
    joints = np.concatenate([np.repeat(stand, 40, axis=0), np.repeat(raised, 40, axis=0)])
    measured = measure_motion(joints, 20.0)
    assert measured["postures"] == [{"name": "standing", "start_s": 0.0, "end_s": 3.95}]
    assert not measured["more"]["hand_above_head"]["right"]
    (span,) = measured["more"]["hand_above_head"]["left"]
    assert span["start_s"] == pytest.approx(2, abs=0.1)
    assert measured["more"]["limbs"]["most"] == "left arm"
    assert len(measured["more"]["still"]) == 2
    assert measured["symmetry"] < 0.1


def test_sitting_and_lying_are_told():
    for action, name in (("sit_down", "sitting"), ("lie_down", "lying")):
        motion = synthesize(np.random.default_rng(1), actions=[action])
        names = [posture["name"] for posture in measure_motion(motion.joints, motion.fps)["postures"]]
        assert names[0] == "standing" and names[-1] == name


def test_what_cannot_be_measured_is_none_with_a_reason():
    measured = measure_motion(build_pose(), 20.0)
    for name in ("speed_mean_m_s", "speed_peak_m_s", "symmetry"):
        assert measured[name] is None and measured["notes"][name]
    motion = synthesize(np.random.default_rng(2), actions=["lie"])
    measured = measure_motion(motion.joints, motion.fps)
    assert measured["turn_deg"] is None and measured["notes"]["turn_deg"]


def test_noise_and_gaps():
    """30 mm of slow error and missing frames: filtered, counted, and said."""
    motion = synthesize(np.random.default_rng(21), actions=["squat"], count=5)
    rng = np.random.default_rng(0)
    time = np.arange(len(motion.joints))[:, None, None] / motion.fps
    waves = np.sin(2 * np.pi * (rng.uniform(0.2, 1.5, (22, 3)) * time + rng.uniform(0, 1, (22, 3))))
    noisy = motion.joints + waves * 0.03 * (2 / 3) ** 0.5
    noisy[[10, 11, 30, 47]] = np.nan
    measured = measure_motion(noisy, motion.fps)
    assert measured["repetitions"]["count"] == 5
    assert "Butterworth" in measured["more"]["filter"] and measured["more"]["filled_frames"] == 4
    assert measure_motion(motion.joints, motion.fps)["more"]["filter"] == "none"


def test_filters_keep_a_line_and_take_jitter():
    line = np.linspace(0, 1, 60)[:, None]
    jitter = line + 0.02 * (-1.0) ** np.arange(60)[:, None]
    assert np.allclose(moving_average(line, 7), line)
    for name in ("butterworth", "savgol"):
        smooth, said = low_pass(jitter, 60.0, name)
        assert np.abs(smooth - line)[5:-5].max() < 0.008 and said != "none"
    assert low_pass(jitter, 60.0, "none")[0] is jitter


def test_scipy_is_needed_only_for_filters(monkeypatch, walk):
    def missing(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(motion_filters_llamo, "importlib", type("Importer", (), {"import_module": staticmethod(missing)}))
    assert measure_motion(walk, 20.0, "none")["seconds"] > 0
    with pytest.raises(ImportError, match="pip install scipy"):
        measure_motion(walk, 20.0, "savgol")


def test_bad_input_is_refused(walk):
    with pytest.raises(ValueError, match="22, 3"):
        measure_motion(walk[:, :20], 20.0)
    with pytest.raises(ValueError, match="positive fps"):
        measure_motion(walk, 0.0)
    with pytest.raises(ValueError, match="smoothing"):
        measure_motion(walk, 20.0, "wavelets")
    walk = walk.astype(float)
    walk[5:40, 3] = np.nan
    with pytest.raises(ValueError, match="missing for"):
        fill_gaps(walk, 20.0)


def test_standing_feet_make_no_steps():
    motion = synthesize(np.random.default_rng(5), actions=["squat"], count=4)
    assert find_steps(motion.joints.astype(float), motion.fps) == []


def with_legs(left: dict, right: dict, lean: float) -> np.ndarray:
    """`(1, 22, 3)`: `build_pose` with angles of each leg."""
    joints, other = build_pose(lean=lean, **left), build_pose(lean=lean, **right)
    joints[:, [2, 5, 8, 11]] = other[:, [2, 5, 8, 11]]
    return joints


# Angles of a leg while it goes from 0 to 1 and back, taking turns with the other one; lean of the trunk.
SEATED = {
    "dangling": (lambda swing: {"hip": 88, "knee": 50 + 70 * swing}, 0),
    "dangling, leaning back": (lambda swing: {"hip": 78, "knee": 50 + 70 * swing}, -10),
    "on a high stool": (lambda swing: {"hip": 65, "knee": 30 + 70 * swing}, 0),
    "marching on a chair": (lambda swing: {"hip": 90 + 25 * swing, "knee": 90}, 0),
    "legs stretched on the floor": (lambda swing: {"hip": 90 + 12 * swing, "knee": 5}, 0),
}


def alternating(legs, lean: float, fps: float) -> np.ndarray:
    """Eight seconds of legs that take turns, 0.8 times a second."""
    phases = np.sin(2 * np.pi * 0.8 * np.arange(0, 8, 1 / fps))
    return np.concatenate([with_legs(legs((1 + phase) / 2), legs((1 - phase) / 2), lean) for phase in phases])


@pytest.mark.parametrize("name", SEATED)
@pytest.mark.parametrize("fps", [20.0, 60.0])
def test_who_sits_takes_no_steps(name, fps):
    legs, lean = SEATED[name]
    joints = alternating(legs, lean, fps)
    assert find_steps(joints, fps) == []
    turned = rotate_yaw(joints * 0.6, np.full(len(joints), 2.0))  # a child that faces another way
    assert find_steps(turned, fps) == []


def test_a_walk_to_a_seat_keeps_its_steps():
    walk = synthesize(np.random.default_rng(0), actions=["walk"])
    joints = walk.joints.astype(float)
    walked = find_steps(joints, walk.fps)
    seated = alternating(*SEATED["dangling"], walk.fps)
    seated += joints[-1, 0] - seated[0, 0] - [0, 0.35, 0]
    both = find_steps(np.concatenate([joints, seated]), walk.fps)
    assert [(step.side, step.end) for step in both if step.end < len(joints) - 10] == [
        (step.side, step.end) for step in walked if step.end < len(joints) - 10
    ]
    assert all(step.end < len(joints) + 10 for step in both)


@pytest.mark.parametrize("action", ["sneak", "march", "high_knees", "climb_stairs", "walk_in_place"])
def test_bent_legs_that_carry_the_body_take_steps(action):
    motion = synthesize(np.random.default_rng(1), actions=[action])
    assert len(find_steps(motion.joints.astype(float), motion.fps)) >= 10


def test_walking_on_the_heels_of_a_squat_is_steps():
    """Thighs as level as on a chair, but the feet are below the trunk."""
    joints = alternating(lambda swing: {"hip": 95 + 40 * swing, "knee": 135}, 25, 20.0)
    assert len(find_steps(joints, 20.0)) >= 10
