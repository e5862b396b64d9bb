"""A made-up person before a made-up camera, networks that see exactly that, and a tiny pose model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from conftest import ROOT

from llamo.processing.pose_configuration_llamo import LlamoPoseConfig
from llamo.processing.pose_decoding_llamo import anchors
from llamo.processing.pose_model_llamo import LlamoPoseModel
from llamo.processing.pose_regions_llamo import Region
from llamo.processing.pose_tracking_llamo import Pose


SIZE = (240, 320)  # height and width of the made-up pictures
FOCAL = 0.5 * 320 / np.tan(np.radians(55) / 2)
# Landmark -> the joint that it sits at; face and hands hang on head and wrists, heels below the ankles.
AT_JOINTS = {
    11: 16, 12: 17, 13: 18, 14: 19, 15: 20, 16: 21, 23: 1, 24: 2, 25: 4, 26: 5, 27: 7, 28: 8, 31: 10, 32: 11,
    17: 20, 18: 21, 19: 20, 20: 21, 21: 20, 22: 21,
}  # fmt: skip


def landmarks_of(joints: np.ndarray) -> np.ndarray:
    """Joints `(num_frames, 22, 3)`, Y up -> 33 landmarks in the same frame."""
    landmarks = np.repeat(joints[:, 15:16], 33, axis=1).astype(np.float64)
    for landmark, joint in AT_JOINTS.items():
        landmarks[:, landmark] = joints[:, joint]
    left = joints[:, 16] - joints[:, 17]
    left = left / np.linalg.norm(left, axis=-1, keepdims=True)
    forward = np.cross(left, [0.0, 1.0, 0.0])
    landmarks[:, 0] += 0.1 * forward
    landmarks[:, 7] += 0.07 * left
    landmarks[:, 8] -= 0.07 * left
    landmarks[:, [29, 30]] = joints[:, [7, 8]] - [0.0, 0.06, 0.0] - 0.03 * forward[:, None]
    return landmarks


def filmed(joints: np.ndarray, eye=(0.0, 1.0, 6.0), visibility: float = 0.95, noise: float = 0.0, seed: int = 0) -> list[Pose]:
    """What a perfect pose network would say of a person filmed from `eye` along -Z, frame by frame."""
    rng = np.random.default_rng(seed)
    landmarks = landmarks_of(joints) + noise * rng.standard_normal((len(joints), 33, 3))
    camera = (landmarks - eye) * [1.0, -1.0, -1.0]  # x right, y down, z away
    points = camera[..., :2] / camera[..., 2:] * FOCAL + [SIZE[1] / 2, SIZE[0] / 2]
    hips = (camera[:, 23] + camera[:, 24]) / 2
    poses = []
    for frame in range(len(joints)):
        centre = (points[frame, 23] + points[frame, 24]) / 2
        reach = np.linalg.norm(points[frame] - centre, axis=1).max()
        region = Region(float(centre[0]), float(centre[1]), float(2.5 * reach), 0.0)
        poses.append(Pose(points[frame], np.full(33, visibility), camera[frame] - hips[frame], 0.99, region))
    return poses


class SeeingNetworks:
    """Networks that know the truth: people as lists of `Pose` or None, frame by frame, and `pictures` to look at."""

    def __init__(self, *people: list):
        self.people = people
        self.detections = 0

    def present(self, image: np.ndarray) -> list[Pose]:
        return [person[image[0, 0, 0]] for person in self.people if person[image[0, 0, 0]] is not None]

    def detect(self, image):
        self.detections += 1
        top, left = int(image[0, 0, 1]), 2 * int(image[0, 0, 2])
        regions = [replace(pose.region, x=pose.region.x - left, y=pose.region.y - top) for pose in self.present(image)]
        return [(0.9, each) for each in regions if 0 <= each.x < image.shape[1] and 0 <= each.y < image.shape[0]]

    def locate(self, image, region):
        def distance(pose: Pose) -> float:
            return float(np.hypot(pose.region.x - region.x, pose.region.y - region.y))

        near = [pose for pose in self.present(image) if distance(pose) < region.size / 4]
        return min(near, key=distance) if near else None


def pictures(count: int) -> np.ndarray:
    """Pictures `(count, height, width, 3)` whose pixels say their number (up to 255), their row and half their column."""
    images = np.empty((count, *SIZE, 3), dtype=np.uint8)
    images[..., 0] = np.arange(count)[:, None, None]
    images[..., 1] = np.arange(SIZE[0])[:, None]
    images[..., 2] = np.arange(SIZE[1]) // 2
    return images


def convolution(inputs: int, output: int, channels: tuple, kernel=1, stride=1, padding=(0, 0, 0, 0), **fields) -> dict:
    operation = {"kind": "convolution", "inputs": [inputs], "output": output, "channels": list(channels), "stride": stride}
    operation |= {"kernel": [kernel, kernel], "padding": list(padding), "groups": 1, "activation": "relu6"}
    return {**operation, **fields}


def tiny_pose_config() -> LlamoPoseConfig:
    """Networks of a few operations, of every kind, with inputs of 32 pixels and outputs of the right shapes."""
    number = len(anchors(32))  # 4 x 4 x 2, 2 x 2 x 2 and 1 x 1 x 6
    detector = [
        {"kind": "pad", "inputs": [0], "output": 1, "padding": [1, 0, 1, 0], "channels": [0, 1]},
        convolution(1, 2, (4, 8), kernel=3, stride=8, padding=(0, 1, 0, 1)),
        convolution(2, 3, (8, 26), activation=None),
        {"kind": "max_pool", "inputs": [2], "output": 4, "kernel": 2, "stride": 2},
        convolution(4, 5, (8, 26), activation=None),
        {"kind": "max_pool", "inputs": [4], "output": 6, "kernel": 2, "stride": 2},
        convolution(6, 7, (8, 78), activation=None),
    ]
    values = 8
    scores, boxes = [], []
    for source, places, count in ((3, 16, 2), (5, 4, 2), (7, 1, 6)):
        for size, kept in ((1, scores), (12, boxes)):
            detector.append(convolution(source, values, (13 * count, size * count), activation=None))
            detector.append({"kind": "reshape", "inputs": [values], "output": values + 1, "shape": [places * count, size]})
            kept.append(values + 1)
            values += 2
    detector += [
        {"kind": "concatenate", "inputs": scores, "output": values},
        {"kind": "concatenate", "inputs": boxes, "output": values + 1},
    ]
    assert number == 16 * 2 + 4 * 2 + 6
    landmarker = [
        convolution(0, 1, (3, 16), kernel=32, padding=(0, 0, 0, 0)),
        convolution(1, 2, (16, 195), activation=None),
        {"kind": "reshape", "inputs": [2], "output": 3, "shape": [195]},
        convolution(1, 4, (16, 1), activation=None),
        {"kind": "sigmoid", "inputs": [4], "output": 5},
        {"kind": "reshape", "inputs": [5], "output": 6, "shape": [1]},
        convolution(1, 7, (16, 117), activation=None),
        {"kind": "reshape", "inputs": [7], "output": 8, "shape": [117]},
        {"kind": "depth_to_space", "inputs": [1], "output": 9, "block": 2},
        {"kind": "resize", "inputs": [9], "output": 10, "size": [64, 64]},
        {"kind": "add", "inputs": [10, 10], "output": 11, "activation": "relu"},
        convolution(11, 12, (4, 39), activation=None),
    ]
    return LlamoPoseConfig(
        detector={"input_size": 32, "outputs": {"boxes": values + 1, "scores": values}, "operations": detector},
        landmarker={
            "input_size": 32,
            "outputs": {"landmarks": 3, "presence": 6, "world": 8, "heatmaps": 12},
            "operations": landmarker,
        },
    )


def make_pose_model(seed: int = 0) -> LlamoPoseModel:
    torch.manual_seed(seed)
    return LlamoPoseModel(tiny_pose_config()).eval()


def converted_networks() -> Path | None:
    """The folder with the real networks, where `llamo init` has made one."""
    from llamo.train.convert_pose_model import FOLDER_NAME, cached_dir

    for folder in (ROOT / "llamo" / FOLDER_NAME, cached_dir()):
        if (folder / "config.json").is_file():
            return folder
    return None
