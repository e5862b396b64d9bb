"""From landmarks to a motion: skeleton, way, floor, contacts, report, refusal; on people whose motion is known."""

import numpy as np
import pytest
from conftest import make_walk
from pose_samples import SeeingNetworks, filmed, landmarks_of, pictures

from llamo.processing.camera_view_llamo import MIRRORED, level_rotation, ray_angles, ray_rotations, settle_sides
from llamo.processing.motion_estimation_llamo import REPORT_KEYS, MotionEstimationError, MotionEstimator, check_choice
from llamo.processing.motion_features_llamo import canonicalise, heading_angles, rotate_yaw
from llamo.processing.pose_lifting_llamo import LENGTHS, PARENTS, lift_landmarks
from llamo.processing.root_motion_llamo import (
    contacts_of,
    flights,
    free_fall,
    fuse_travel,
    place_on_floor,
    planted,
    reprojection_path,
)


def estimate(joints, fps: float = 20.0, eye=(0.0, 1.0, 6.0), others=(), choice=None, **filming):
    networks = SeeingNetworks(filmed(joints, eye, **filming), *others)
    return MotionEstimator(networks).estimate({"video": pictures(len(joints)), "fps": fps}, **(choice or {}))


def test_lifted_bones_have_the_skeletons_lengths():
    noisy = landmarks_of(make_walk(20)) + 0.05 * np.random.default_rng(0).standard_normal((20, 33, 3))
    joints = lift_landmarks(noisy)
    bones = np.linalg.norm(joints - joints[:, list(PARENTS)], axis=-1)
    assert bones[:, 1:] == pytest.approx(np.broadcast_to(LENGTHS[1:], (20, 21)), abs=1e-6)
    assert (joints[:, 1] + joints[:, 2]) / 2 == pytest.approx(np.zeros((20, 3)), abs=1e-9)


def test_lifting_returns_a_known_motion():
    walk = canonicalise(make_walk(30, speed=0.0), 20.0)
    joints = lift_landmarks(landmarks_of(walk))
    truth = walk - ((walk[:, 1] + walk[:, 2]) / 2)[:, None]
    assert np.linalg.norm(joints - truth, axis=-1).mean() < 0.05  # the walker's bones are not the skeleton's
    limbs = [4, 5, 7, 8, 18, 19, 20, 21]
    parents = [PARENTS[joint] for joint in limbs]
    mine, right = joints[:, limbs] - joints[:, parents], truth[:, limbs] - truth[:, parents]
    cosines = (mine * right).sum(-1) / np.linalg.norm(mine, axis=-1) / np.linalg.norm(right, axis=-1)
    assert cosines.min() > 0.999


def test_lifting_turns_with_the_person():
    landmarks = landmarks_of(make_walk(5, speed=0.0))
    turned = lift_landmarks(rotate_yaw(landmarks, 1.1))
    assert turned == pytest.approx(rotate_yaw(lift_landmarks(landmarks), 1.1), abs=1e-6)
    assert lift_landmarks(landmarks)[0, 16, 0] > 0.1  # the left shoulder is at +X


def test_the_root_is_where_the_landmarks_are_seen():
    walk = make_walk(10)
    poses = filmed(walk)
    world, points = np.stack([p.world for p in poses]), np.stack([p.points for p in poses])
    focal = 0.5 * 320 / np.tan(np.radians(55) / 2)
    path = reprojection_path(points, world, np.ones((10, 33)), focal, np.array([160, 120]))
    hips = (walk[:, 1] + walk[:, 2]) / 2
    assert path == pytest.approx((hips - [0, 1, 6]) * [1, -1, -1], abs=1e-5)


@pytest.mark.parametrize("eye", [(0.0, 1.0, 7.0), (5.0, 1.2, 0.0), (0.0, 1.0, -5.0)])
def test_a_walk_past_a_still_camera_has_its_length(eye):
    walk = make_walk(60, speed=0.8)
    walk[..., 2] -= 1.2
    # Cameras look along -Z, so the world is turned under them until they see the walker.
    angle = -np.arctan2(eye[0], eye[2])
    motion = estimate(rotate_yaw(walk, angle).astype(np.float32), eye=(0.0, eye[1], float(np.hypot(eye[0], eye[2]))))
    way = np.linalg.norm(motion.joints[-1, 0, [0, 2]] - motion.joints[0, 0, [0, 2]])
    assert way == pytest.approx(0.8 * 59 / 20, rel=0.2)
    assert motion.report["static_camera"] is True and motion.report["warnings"] == []
    assert abs(heading_angles(motion.joints)[:10].mean()) < 0.1 and motion.joints[-1, 0, 2] > 1.5  # walks ahead


def test_what_an_estimate_holds():
    walk = make_walk(40, speed=0.0)
    together = np.abs(walk[:, 7, 2] - walk[:, 8, 2]).argmin()
    motion = estimate(np.repeat(walk[together : together + 1], 75, axis=0), fps=25)
    assert motion.joints.shape == (60, 22, 3) and motion.joints.dtype == np.float32 and motion.fps == 20
    assert motion.contacts.shape == (60, 4) and motion.contacts.mean() > 0.8
    assert abs(motion.joints[:, :, 1].min(axis=1)).max() < 0.05 and 0.8 < motion.joints[:, 0, 1].mean() < 1.1
    assert tuple(motion.report) == REPORT_KEYS and motion.report["coverage"] == 1 and motion.start == 0
    assert motion.report["span_s"] == [0.0, 2.96] and motion.report["fps_processed"] > 0
    assert len(motion.landmarks) == len(motion.times) == 75 and motion.landmarks[0].shape == (33, 3)


def test_a_person_who_comes_late_starts_late():
    person = filmed(make_walk(60, speed=0.0))
    person[:20] = [None] * 20
    motion = MotionEstimator(SeeingNetworks(person)).estimate({"video": pictures(60), "fps": 20})
    assert motion.start == pytest.approx(1.0) and len(motion.joints) == 40 and motion.landmarks[5] is None
    assert motion.report["coverage"] == pytest.approx(2 / 3, abs=1e-3) and motion.report["redetections"] == 0
    assert any("67 %" in warning for warning in motion.report["warnings"])


def test_unseen_legs_are_said_and_do_not_walk():
    poses = filmed(make_walk(40, speed=1.0), visibility=0.9)
    for pose in poses:
        pose.visibility[[25, 26, 27, 28, 29, 30, 31, 32]] = 0.1
    motion = MotionEstimator(SeeingNetworks(poses)).estimate({"video": pictures(40), "fps": 20})
    assert motion.report["leg_visibility"] == pytest.approx(0.1) and "legs" in motion.report["warnings"][0]


def test_many_people_are_listed_and_one_is_followed():
    other = filmed(make_walk(30, speed=0.0) + np.array([1.6, 0, -4], dtype=np.float32))
    near = make_walk(30, speed=0.0) + np.array([-0.7, 0, 0], dtype=np.float32)
    motion = estimate(near, others=[other])
    people = motion.report["people"]
    assert [each["person"] for each in people] == [1, 2] and [each["followed"] for each in people] == [True, False]
    assert people[0]["box"][2] < people[1]["box"][0] and any("2 people" in warning for warning in motion.report["warnings"])
    box = np.clip(np.array(people[1]["box"]), 0, 1).tolist()
    for choice in ({"person": 2}, {"box": box}):
        chosen = estimate(near, others=[other], choice=choice)
        assert [each["followed"] for each in chosen.report["people"]] == [False, True]


def test_nobody_and_hardly_anybody_are_refused():
    for person, message in (
        ([None] * 40, "nobody in 40 frames"),
        ([*filmed(make_walk(6)), *[None] * 240], "one for 0.2 s|2 %"),
    ):
        with pytest.raises(MotionEstimationError, match=message) as error:
            MotionEstimator(SeeingNetworks(person)).estimate({"video": pictures(len(person)), "fps": 20})
        assert error.value.remedy
    with pytest.raises(MotionEstimationError, match=r"person 3.*1 at most"):
        estimate(make_walk(20), choice={"person": 3})
    with pytest.raises(MotionEstimationError, match="in the box"):
        estimate(make_walk(20), choice={"box": [0, 0, 0.01, 0.01]})


@pytest.mark.parametrize(
    "person, box", [(0, None), (True, None), (1.5, None), (1, [0, 0, 1, 1]), (None, [0, 0, 2, 1]), (None, [1])]
)
def test_impossible_choices_are_refused(person, box):
    with pytest.raises(ValueError, match="Expected"):
        check_choice(person, box)


def test_jumps_leave_the_floor_and_noise_does_not():
    fps, time = 20.0, np.arange(80) / 20
    up = np.clip(2.6 * (time - 1.5) - 9.81 / 2 * (time - 1.5) ** 2, 0, None) * (time > 1.5)
    joints = np.repeat(make_walk(1, speed=0.0), 80, axis=0)
    joints = joints - (joints[:, 1:2] + joints[:, 2:3]) / 2
    placed = place_on_floor(joints, 0.85 + up, fps, True)
    rise = placed[:, 0, 1] - placed[0, 0, 1]
    assert rise.max() == pytest.approx(up.max(), abs=0.1) and abs(rise[:20]).max() < 0.02
    assert place_on_floor(joints, 0.85 + up, fps, False)[:, :, 1].min(axis=1).max() < 0.02
    assert flights(0.05 * np.sin(9 * time), fps).max() <= 0.06
    assert free_fall(np.full(30, 0.9), np.zeros(30), fps) == pytest.approx(0.9)


def test_standing_feet_touch_and_lifted_ones_do_not():
    joints = np.repeat(make_walk(1, speed=0.0), 20, axis=0).astype(float)
    joints[:, [8, 11], 1] += 0.3
    assert contacts_of(joints, 20.0).all(axis=0).tolist() == [True, True, False, False]
    assert contacts_of(joints[:1], 20.0).shape == (1, 4)


def test_no_estimator_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="llamo init"):
        MotionEstimator.from_pretrained(tmp_path)


def test_backs_taken_for_fronts_are_turned_again():
    world = np.stack([pose.world for pose in filmed(make_walk(40, speed=0.0))])
    wrong = world.copy()
    wrong[12:20] = world[12:20][:, list(MIRRORED)] * [1, 1, -1]
    assert settle_sides(wrong) == pytest.approx(world) and settle_sides(world) == pytest.approx(world)
    assert settle_sides(world[:1]) == pytest.approx(world[:1])


def test_people_of_whom_the_network_is_unsure_walk_forwards():
    walk = make_walk(40, speed=1.2)
    poses = filmed(walk, eye=(0, 1, 9))
    world = np.stack([pose.world for pose in poses])
    velocity = np.gradient((walk[:, 1] + walk[:, 2]) / 2, 1 / 20, axis=0) * [1, -1, -1]
    wrong = world[:, list(MIRRORED)] * [1, 1, -1]
    unsure = np.where((np.arange(40) % 4 == 0)[:, None, None], world, wrong)  # mostly taken for its back
    assert settle_sides(unsure, velocity) == pytest.approx(world) and settle_sides(unsure) == pytest.approx(wrong)
    assert settle_sides(wrong, velocity) == pytest.approx(wrong)  # sure: the person walks backwards


def test_a_camera_that_looks_down_does_not_make_people_lean():
    joints = canonicalise(make_walk(40, speed=0.0), 20.0).astype(float)
    tilt = 0.3
    lean = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    leaning = joints @ lean.T
    upright, expected = leaning @ level_rotation(leaning, 20.0).T, joints @ level_rotation(joints, 20.0).T
    assert np.linalg.norm(upright - expected, axis=-1).max() < 0.05 < np.linalg.norm(leaning - expected, axis=-1).max()
    assert np.trace(level_rotation(joints, 20.0)) > 2.97
    lying = joints[..., [0, 2, 1]] * [1, 1, -1]
    assert level_rotation(lying * [1, 0.2, 1], 20.0) == pytest.approx(np.eye(3))


def test_rays_point_at_what_is_seen():
    size = (240, 320)
    rng = np.random.default_rng(0)
    points = rng.uniform([-2, -1, 3], [2, 1, 8], (20, 3))
    pixels = points[:, :2] / points[:, 2:] * (160 / np.tan(np.radians(55) / 2)) + [160, 120]
    rotations = ray_rotations(ray_angles(pixels, np.zeros((20, 2)), size))
    assert rotations[..., 2] == pytest.approx(points / np.linalg.norm(points, axis=1, keepdims=True), abs=1e-6)
    assert np.linalg.det(rotations) == pytest.approx(1)
    # A camera that turns right by 0.1 radians moves its background left, and sees what it saw straight ahead to the left.
    focal = 160 / np.tan(np.radians(55) / 2)
    angles = ray_angles(np.array([[160.0, 120], [160, 120]]), np.array([[0.0, 0], [-0.1 * focal, 0]]), size)
    assert angles == pytest.approx(np.array([[0, 0], [0.1, 0]]))


def test_planted_feet_hold_the_way_and_walking_ones_do_not():
    standing = np.repeat(make_walk(1, speed=0.0), 80, axis=0).astype(float)
    assert planted(standing, 20.0).min() > 0.9 and planted(make_walk(80).astype(float), 20.0).mean() < 0.3
    sway = 0.3 * np.sin(np.arange(80) / 20 * 3)[:, None] * [0, 1]
    still = np.zeros((80, 2))
    held, loose = fuse_travel(sway, still, np.ones(80), 20.0), fuse_travel(sway, still, np.zeros(80), 20.0)
    assert np.ptp(held) < 0.3 * np.ptp(sway) < np.ptp(loose)
    ahead = np.arange(80)[:, None] / 20 * [0.0, 1.2]
    assert fuse_travel(ahead, 0.3 * ahead, np.zeros(80), 20.0)[-1, 1] == pytest.approx(ahead[-1, 1], rel=0.1)
