"""The pose networks: built from their list of operations, saved, loaded, and equal to the original ones."""

import json

import numpy as np
import pytest
import torch
from conftest import ROOT
from pose_samples import converted_networks, make_pose_model, tiny_pose_config

from llamo.processing.pose_configuration_llamo import LlamoPoseConfig
from llamo.processing.pose_decoding_llamo import anchors, decode_detections, refine_points
from llamo.processing.pose_model_llamo import LlamoPoseModel, Operation, PoseNetwork
from llamo.processing.pose_regions_llamo import Region, crop_region, letterbox, region_around
from llamo.train.tflite_graph import same_padding


@pytest.fixture(scope="module")
def model():
    return make_pose_model()


def test_shapes_of_both_networks(model):
    with torch.inference_mode():
        said = model(torch.rand(2, 3, 32, 32))
        found = model.detect(torch.rand(1, 3, 32, 32))
    assert said.landmarks.shape == (2, 195) and said.presence.shape == (2, 1) and said.world.shape == (2, 117)
    assert said.heatmaps.shape == (2, 39, 64, 64)
    assert found.boxes.shape == (1, len(anchors(32)), 12) and found.scores.shape == (1, len(anchors(32)), 1)


def test_a_saved_model_says_the_same(model, tmp_path):
    model.save_pretrained(tmp_path)
    again = LlamoPoseModel.from_pretrained(tmp_path).eval()
    crop = torch.rand(1, 3, 32, 32)
    before, after = model.state_dict(), again.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    with torch.inference_mode():
        # Matrices at other addresses are multiplied in another order on some processors.
        assert (again(crop).landmarks - model(crop).landmarks).abs().max() < 1e-6


@pytest.mark.parametrize(
    "change, message",
    [
        ({"kind": "attention"}, "Expected one of convolution"),
        ({"sigma": 1}, "Expected the fields"),
        ({"inputs": [99]}, "Expected values that are there"),
    ],
)
def test_a_wrong_operation_is_refused(change, message):
    landmarker = json.loads(json.dumps(tiny_pose_config().landmarker))
    landmarker["operations"][3].update(change)
    with pytest.raises(ValueError, match=message):
        LlamoPoseConfig(landmarker=landmarker)


def test_missing_networks_are_refused():
    with pytest.raises(ValueError, match="detector and landmarker"):
        LlamoPoseModel(LlamoPoseConfig())


def test_operations_compute_what_they_say():
    values = torch.arange(2 * 8 * 3 * 3, dtype=torch.float32).reshape(2, 8, 3, 3)
    spread = Operation({"kind": "depth_to_space", "inputs": [0], "output": 1, "block": 2})(values)
    assert spread.shape == (2, 2, 6, 6)
    # Channel (row * 2 + column) * 2 + c goes to that place of the block in channel c.
    assert spread[0, 1, 2, 3] == values[0, (0 * 2 + 1) * 2 + 1, 1, 1]
    flat = Operation({"kind": "reshape", "inputs": [0], "output": 1, "shape": [9, 8]})(values)
    assert torch.equal(flat[0, 1], values[0, :, 0, 1])
    padded = Operation({"kind": "pad", "inputs": [0], "output": 1, "padding": [0, 1, 0, 0], "channels": [0, 2]})(values)
    assert padded.shape == (2, 10, 3, 4) and padded[:, 8:].abs().sum() == 0


def test_values_are_dropped_after_their_last_use():
    network = PoseNetwork(tiny_pose_config().landmarker)
    assert [0] in network.dropped and all(11 not in dropped for dropped in network.dropped[:-1])


@pytest.mark.parametrize("size, kernel, stride", [(224, 3, 2), (56, 5, 1), (8, 3, 2), (7, 2, 1), (256, 1, 1)])
def test_same_padding_keeps_the_ratio(size, kernel, stride):
    before, after = same_padding(size, kernel, stride)
    assert (size + before + after - kernel) // stride + 1 == -(-size // stride) and 0 <= after - before <= 1


def test_crops_turn_with_the_region():
    image = np.zeros((120, 160, 3), dtype=np.uint8)
    image[40:60, 90:110] = 255  # a bright square whose middle is 20 right of and 10 above the region's centre
    straight = crop_region(image, Region(80, 60, 80, 0.0), 64)[0, 0]
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    middle = [(straight * axis).sum() / straight.sum() for axis in (columns, rows)]
    expected = [64 * (20 / 80 + 0.5) - 0.5, 64 * (-10 / 80 + 0.5) - 0.5]
    assert [float(value) for value in middle] == pytest.approx(expected, abs=0.3)
    # Lying with the head to the right: what is right in the picture is up in the crop.
    region = region_around(np.array([80.0, 60.0]), np.array([112.0, 60.0]))
    assert region.size == pytest.approx(80) and region.angle == pytest.approx(np.pi / 2)
    turned = crop_region(image, region, 64)[0, 0]
    where = np.array([float((turned * axis).sum() / turned.sum() + 0.5) / 64 for axis in (columns, rows)])
    assert region.to_picture(where) == pytest.approx([100, 50], abs=0.5)


def test_crops_beside_the_picture_are_black():
    image = np.full((40, 60, 3), 255, dtype=np.uint8)
    assert crop_region(image, Region(-500, 20, 50, 0.3), 16).sum() == 0
    assert crop_region(image, Region(0, 20, 40, 0.0), 16)[0, 0, 8].tolist() == pytest.approx([0] * 8 + [1] * 8, abs=0.01)


def test_large_crops_are_averaged_not_sampled():
    stripes = np.zeros((400, 400, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    crop = crop_region(stripes, Region(200, 200, 390, 0.0), 32)[0]
    assert crop[:, 2:-2, 2:-2].std() < 0.02 and crop[:, 2:-2, 2:-2].mean() == pytest.approx(0.5, abs=0.02)


def test_letterbox_places_the_picture():
    pixels, scale, offset = letterbox(np.full((60, 120, 3), 255, dtype=np.uint8), 32)
    assert pixels.shape == (1, 3, 32, 32) and scale == 120 / 32 and offset.tolist() == [0, 8]
    assert pixels[0, 0, 16].min() == 1 and pixels[0, 0, :8].max() == -1


def test_detections_are_merged_by_person():
    size = 32
    boxes, scores = np.zeros((len(anchors(size)), 12)), np.full(len(anchors(size)), -9.0)
    boxes[:, 2:4] = 14
    boxes[:, 4:6], boxes[:, 6:8] = (1, 2), (1, -8)
    first, near, far = 0, 1, 30  # two anchors of one place, one at the other end
    scores[[first, near, far]] = (3.0, 1.0, 2.0)
    found = decode_detections(boxes, scores, size)
    assert len(found) == 2 and found[0].score > found[1].score
    assert found[0].points[0] == pytest.approx(anchors(size)[0] + (1, 2))
    assert decode_detections(boxes, np.full_like(scores, -9.0), size) == []


def test_heat_maps_move_points_only_where_they_are_sure():
    heatmaps = np.full((2, 64, 64), -9.0)
    heatmaps[0, 20, 30] = 6.0
    points = np.array([[29.4 / 64, 21.2 / 64], [0.5, 0.5]])
    refined = refine_points(points, heatmaps)
    assert refined[0] * 64 == pytest.approx([30, 20], abs=0.2) and refined[1] == pytest.approx(points[1])


def test_the_converted_networks_equal_the_original_ones():
    """References: `benchmarks/pose_reference.py`, which runs the original files in LiteRT."""
    folder = converted_networks()
    if folder is None:
        pytest.skip("no converted pose networks; `llamo init` makes them")
    model = LlamoPoseModel.from_pretrained(folder).eval()
    assert model.dtype == torch.float32 and model.num_parameters() == 6_132_954
    with np.load(ROOT / "tests" / "pose_reference.npz", allow_pickle=False) as file:
        reference = {name: file[name] for name in file.files}
    with torch.inference_mode():
        crops = torch.from_numpy(reference["crops"]).permute(0, 3, 1, 2).float() / 255
        said = model(crops)
        pictures = torch.from_numpy(reference["pictures"]).permute(0, 3, 1, 2).float() / 127.5 - 1
        found = model.detect(pictures)
    assert (reference["presence"] > 0.9).all()
    # x, y and z of all points, in pixels of the crop.
    difference = said.landmarks.numpy().reshape(-1, 39, 5) - reference["landmarks"].reshape(-1, 39, 5)
    assert np.abs(difference[..., :3]).max() < 1e-3 and np.abs(difference[..., 3:]).max() < 1e-2
    assert np.abs(said.presence.numpy() - reference["presence"]).max() < 1e-4
    assert np.abs(said.world.numpy() - reference["world"]).max() < 1e-4
    assert np.abs(said.heatmaps.numpy()[:, ::3, ::4, ::4] - reference["heatmaps"]).max() < 1e-2
    likeliest = reference["anchors"]
    for index, chosen in enumerate(likeliest):
        assert np.abs(found.scores[index, :, 0].numpy()[chosen] - reference["scores"][index]).max() < 2e-3
        assert np.abs(found.boxes[index].numpy()[chosen] - reference["boxes"][index]).max() < 1e-2
