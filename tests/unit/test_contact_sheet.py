"""The contact sheet: all poses inside their cells, left and right in their colours, times in order."""

import io

import numpy as np
import pytest
from conftest import make_walk

from llamo.cli import contact_sheet
from llamo.cli.contact_sheet import CELL_HEIGHT, COLOURS, HEADER, MARGIN, POSES, WIDTH, choose_frames, project
from llamo.processing.motion_features_llamo import canonicalise
from llamo.processing.viewer_data_llamo import ViewedMotion


Image = pytest.importorskip("PIL.Image")


def make_motion(num_frames=60, name="walk.bvh", fps=20.0):
    return ViewedMotion(name, canonicalise(make_walk(num_frames), fps), fps, notes=["bvh, 60 frames at 20 per second"])


def draw(*motions):
    data = contact_sheet.draw_contact_sheet(list(motions))
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def pixels_of(picture, side):
    colour = [int(COLOURS[side][i : i + 2], 16) for i in (1, 3, 5)]
    return np.argwhere(np.abs(picture - colour).max(axis=-1) < 12)


def first_cells(picture):
    return picture[MARGIN + HEADER : MARGIN + HEADER + CELL_HEIGHT]


def test_left_and_right_are_where_the_viewer_sees_them():
    cells = first_cells(draw(make_motion()))
    width = (WIDTH - 2 * MARGIN) // POSES
    for number in range(POSES):
        cell = cells[:, MARGIN + number * width : MARGIN + (number + 1) * width]
        left, right = pixels_of(cell, "left"), pixels_of(cell, "right")
        assert len(left) > 200 and len(right) > 200, f"pose {number} has no limbs"
        assert left[:, 1].mean() > right[:, 1].mean(), "the person looks at the viewer: the left side is on the right"


def test_poses_differ_and_stay_inside_their_cells():
    motion = make_motion()
    motion.joints = motion.joints + np.float32([0, 1, 0]) * np.sin(np.linspace(0, np.pi, 60))[:, None, None].astype(np.float32)
    cells = first_cells(draw(motion))
    limbs = np.concatenate([pixels_of(cells, side) for side in COLOURS])
    assert limbs[:, 0].min() > 0 and limbs[:, 0].max() < CELL_HEIGHT - 1
    tops = [pixels_of(cells[:, MARGIN + i * 194 : MARGIN + (i + 1) * 194], "trunk")[:, 0].min() for i in range(POSES)]
    assert min(tops[3:5]) < tops[0] - 20, "a jump is drawn higher than standing"


def test_one_row_for_short_motions_and_two_for_long_ones():
    one = draw(make_motion()).shape
    assert one[1] == WIDTH
    two = draw(make_motion(), make_motion()).shape
    long = draw(make_motion(400)).shape
    assert one[0] < long[0] < two[0]
    assert len(choose_frames(make_motion(3))) == 3 and len(choose_frames(make_motion(1))) == 1
    assert choose_frames(make_motion(400))[[0, -1]].tolist() == [0, 399]


def test_names_of_all_kinds_are_drawn():
    for name in ("", "a" * 500, "one\ntwo\x00\x1b[31m.bvh", "走る人.bvh", "\u202egnp.bvh"):
        draw(make_motion(name=name))


def test_projection_keeps_what_is_seen():
    right, up, near = project(np.array([1.0, 0, 0])), project(np.array([0, 1.0, 0])), project(np.array([0, 0, 1.0]))
    assert right[0] > 0.7 and abs(up[0]) < 1e-9 and up[1] > 0.9 and near[2] > 0.7 and near[1] < 0
    assert np.allclose([np.linalg.norm(axis) for axis in (right, up, near)], 1.0)
