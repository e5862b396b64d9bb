"""Whom the tracker follows, what it does when it loses the person, and which span is taken."""

from itertools import pairwise

import numpy as np
import pytest
from conftest import make_walk
from pose_samples import SIZE, SeeingNetworks, filmed, pictures

from llamo.processing.camera_motion_llamo import CameraMotion, background_shift, measure_shift
from llamo.processing.pose_track_llamo import best_track, continues, is_seen, smooth
from llamo.processing.pose_tracking_llamo import PoseTracker, distinct, overlap, tile_starts


def standing(num_frames: int = 30, x: float = 0.0, z: float = 0.0, **filming):
    joints = make_walk(num_frames, speed=0.0) + np.array([x, 0, z], dtype=np.float32)
    return filmed(joints, **filming)


def follow(networks, count: int, **choice):
    tracker = PoseTracker(networks, **choice)
    return tracker, [tracker.step(image) for image in pictures(count)]


def test_detects_once_and_then_follows():
    networks = SeeingNetworks(standing())
    tracker, poses = follow(networks, 30)
    assert networks.detections == 1 and tracker.redetections == 0 and all(pose is not None for pose in poses)


def test_a_lost_person_is_searched_and_found_again():
    person = standing()
    person[10:14] = [None] * 4
    tracker, poses = follow(SeeingNetworks(person), 30)
    assert [pose is None for pose in poses] == [10 <= index < 14 for index in range(30)]
    assert tracker.redetections == 5  # four frames without the person, and the one in which it is back


def test_the_largest_person_in_the_middle_is_followed_and_all_are_listed():
    near, far = standing(x=-0.8, z=1.0), standing(x=1.5, z=-4.0)
    tracker, poses = follow(SeeingNetworks(far, near), 5)
    assert len(tracker.people) == 2 and tracker.chosen == 0
    assert poses[-1].region.x == pytest.approx(near[4].region.x)


@pytest.mark.parametrize("by_box", [False, True])
def test_another_person_can_be_chosen(by_box):
    near, far = standing(x=-0.8, z=1.0), standing(x=1.5, z=-4.0)
    choice = {"box": far[0].box + [-3, -3, 3, 3]} if by_box else {"person": 2}
    tracker, poses = follow(SeeingNetworks(near, far), 10, **choice)
    assert tracker.chosen == 1 and poses[-1].region.x == pytest.approx(far[9].region.x)


def test_a_person_who_comes_later_can_be_chosen():
    near, far = standing(x=-0.8, z=1.0), standing(x=1.5, z=-4.0)
    far[:6] = [None] * 6
    _, poses = follow(SeeingNetworks(near, far), 10, person=2)
    assert poses[:6] == [None] * 6 and poses[6].region.x == pytest.approx(far[6].region.x)


def test_nobody_is_found_where_nobody_is():
    tracker, poses = follow(SeeingNetworks([None] * 8), 8)
    assert poses == [None] * 8 and tracker.people == [] and tracker.chosen is None


def test_small_people_are_looked_for_in_tiles():
    class FarSighted(SeeingNetworks):
        def detect(self, image):
            return [] if image.shape[:2] == SIZE else super().detect(image)

    person = standing()
    tracker, poses = follow(FarSighted(person), 3)
    # Several tiles overlap where the person is: still one person, where it is in the whole picture.
    assert len(tracker.people) == 1 and poses[2].region.x == pytest.approx(person[2].region.x)


def test_a_lost_person_is_not_mixed_up_with_another():
    person, other = standing(60), standing(60, x=1.6, z=0.5)
    person[10:20] = [None] * 10
    tracker, poses = follow(SeeingNetworks(person, other), 30, box=person[0].box)
    assert poses[10:20] == [None] * 10 and poses[20].region.x == pytest.approx(person[20].region.x)
    person[10:] = [None] * 50  # never comes back
    tracker, poses = follow(SeeingNetworks(person, other), 30, box=person[0].box)
    assert poses[24] is None and poses[29].region.x == pytest.approx(other[29].region.x)
    assert tracker.redetections >= 15


def test_tiles_cover_everything():
    for length in (100, 120, 151, 300):
        starts = tile_starts(length, 100)
        assert starts[0] == 0 and starts[-1] + 100 >= length
        assert all(after - before <= 50 for before, after in pairwise(starts))


def test_the_same_person_seen_twice_is_one():
    person = standing(2)
    assert len(distinct([person[0], person[1]])) == 1 and len(distinct([person[0], standing(1, x=1.5)[0]])) == 2
    assert overlap(person[0].box, person[0].box) == pytest.approx(1)


def test_gaps_are_bridged_and_cuts_end_the_track():
    times = list(np.arange(60) / 20)
    person = standing(60)
    person[10:20] = [None] * 10  # half a second
    track = best_track(person, times)
    assert track.frames.tolist() == [*range(10), *range(20, 60)] and track.coverage == pytest.approx(50 / 60)
    person[20:35] = [None] * 15  # more than a second now
    assert best_track(person, times).frames.tolist() == list(range(35, 60))
    other = [*standing(20), *standing(40, x=2.5)]  # somebody else, or a cut in the film
    assert best_track(other, times).frames.tolist() == list(range(20, 60))
    assert best_track([None] * 60, times) is None and best_track(person[:4], times[:4]) is None


def test_guessed_poses_do_not_count():
    assert is_seen(standing(1)[0]) and not is_seen(None) and not is_seen(standing(1, visibility=0.3)[0])
    assert best_track(standing(30, visibility=0.2), list(np.arange(30) / 20)) is None


def test_fast_people_may_move_more_between_slow_frames():
    first, moved = standing(1)[0], standing(1, x=1.2)[0]
    assert not continues(first, moved, 1 / 30) and continues(first, moved, 0.2) and not continues(first, moved, 1.1)


def test_uneven_frame_times_land_on_the_even_grid():
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(2.0, 5.0, 90))
    walk = make_walk(90, fps=30, speed=0)
    person = filmed(walk)
    track = best_track(person, list(times))
    values = np.stack([np.sin(times[track.frames]), times[track.frames]], axis=1)
    sampled = track.resample(values, 20.0)
    grid = track.grid(20.0)
    assert np.diff(grid) == pytest.approx(0.05) and grid[0] == times[0] and grid[-1] <= times[-1] < grid[-1] + 0.05
    assert sampled[:, 1] == pytest.approx(grid) and sampled[:, 0] == pytest.approx(np.sin(grid), abs=0.01)


def test_smoothing_keeps_what_is_smooth():
    time = np.arange(40) / 20
    curve = np.stack([1 + 2 * time + 3 * time**2, -time], axis=1)
    assert smooth(curve) == pytest.approx(curve) and smooth(curve[:3]) is not None
    noisy = np.random.default_rng(0).standard_normal(400)
    assert smooth(noisy).std() < 0.7 * noisy.std()


def test_a_turning_camera_is_noticed_and_measured():
    rng = np.random.default_rng(1)
    wide = np.kron(rng.uniform(60, 180, (30, 60, 3)), np.ones((10, 10, 1))).astype(np.uint8)
    turning, still, flat = CameraMotion(), CameraMotion(), CameraMotion()
    for step in range(40):
        noise = rng.integers(-3, 4, (240, 320, 3))
        box = np.array([100 + 2 * step, 50, 140 + 2 * step, 200])
        person = np.zeros((240, 320, 3), dtype=bool)
        person[50:200, box[0] : box[2]] = True
        view = np.clip(wide[:240, 3 * step : 3 * step + 320] + noise, 0, 255)
        turning.step(np.where(person, 255, view).astype(np.uint8), box)
        still.step(np.where(person, 255, np.clip(wide[:240, :320] + noise, 0, 255)).astype(np.uint8), box)
        flat.step(np.where(person, 255, 100 + 4 * (step % 2) + noise).astype(np.uint8), None)
    assert turning.shifts[-1] == pytest.approx([-3 * 39, 0], abs=6) and np.mean(turning.still) < 0.3
    assert still.shifts[-1].tolist() == [0, 0] and all(still.still)
    # A bare wall, somebody who walks and is not masked, and a light that flickers are no turn of the camera.
    assert np.abs(flat.shifts).max() == 0 and all(flat.still)


def test_shifts_are_measured_below_a_pixel():
    rng = np.random.default_rng(2)
    wide = np.kron(rng.uniform(0, 255, (30, 60)), np.ones((8, 8)))
    before, after = wide[:100, :160], (wide[:100, 5:165] + wide[:100, 6:166]) / 2
    everything = np.ones(before.shape, dtype=bool)
    assert measure_shift(before, after, everything, np.zeros(2), 2) == pytest.approx([-5.5, 0], abs=0.2)
    x, y, _ = background_shift(before, after, ~everything)
    assert (x, y) == pytest.approx((-5.5, 0), abs=0.6)
    assert measure_shift(before, before, everything, np.zeros(2), 2).tolist() == [0, 0]
    assert measure_shift(before, rng.uniform(0, 255, before.shape), everything, np.zeros(2), 2) is None
