# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""One person followed through a video: found once by the detector, then in the region that the pose before leaves."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from .pose_decoding_llamo import decode_detections, refine_points, sigmoid
from .pose_regions_llamo import Region, crop_region, letterbox, region_around


NUM_LANDMARKS = 33
REGION_POINTS = (33, 34)  # middle of the hips and rim of the circle around the body: they place the next crop
MIN_PRESENCE = 0.5
TRIES = 3  # detections that are looked at, the likeliest first
TILE_SHARE = 0.5  # side of a tile, of the picture's longer side
TILE_EVERY = 10  # frames between searches in tiles while nobody is there
PATIENCE = 15  # frames that a lost person is searched for near by only
SEARCH_SHARE = 2.0  # side of the part of the picture that is searched, of the person's region
NEAR_SHARE, NEAR_GROWTH = 0.7, 0.7  # of the region's size, and of its logarithm: what can be the same person
DUPLICATE_SHARE = 0.35  # of the region's size: two detections that near are one person


@dataclass(frozen=True)
class Pose:
    """A person in one frame.

    Attributes:
        points (`np.ndarray` of shape `(33, 2)`): landmarks in pixels of the frame.
        visibility (`np.ndarray` of shape `(33,)`): 0 to 1.
        world (`np.ndarray` of shape `(33, 3)`): metres about the middle of the hips; x right, y down, z away from the camera.
        presence (`float`): 0 to 1.
        region (`Region`): where the person will be in the next frame.
    """

    points: np.ndarray
    visibility: np.ndarray
    world: np.ndarray
    presence: float
    region: Region

    @property
    def box(self) -> np.ndarray:
        """Left, top, right, bottom of the landmarks, pixels."""
        return np.concatenate([self.points.min(axis=0), self.points.max(axis=0)])


class PoseNetworks:
    """The pose model on single pictures: NumPy in, NumPy out."""

    def __init__(self, model):
        self.model = model.eval()
        self.detector_size = model.config.detector["input_size"]
        self.landmarker_size = model.config.landmarker["input_size"]

    @torch.inference_mode()
    def detect(self, image: np.ndarray) -> list[tuple[float, Region]]:
        """People in a picture `(height, width, 3)` uint8, as (score, region)."""
        pixels, scale, offset = letterbox(image, self.detector_size)
        said = self.model.detect(pixels.to(self.model.device, self.model.dtype))
        boxes, scores = said.boxes[0].float().cpu().numpy(), said.scores[0, :, 0].float().cpu().numpy()
        found = decode_detections(boxes, scores, self.detector_size)
        return [(each.score, region_around(*((each.points[:2] - offset) * scale))) for each in found]

    @torch.inference_mode()
    def locate(self, image: np.ndarray, region: Region) -> Pose | None:
        """The person in a region of a picture; None where there is none."""
        size = self.landmarker_size
        said = self.model(crop_region(image, region, size).to(self.model.device, self.model.dtype))
        presence = float(said.presence[0, 0])
        if presence < MIN_PRESENCE:
            return None
        landmarks = said.landmarks[0].float().cpu().numpy().reshape(-1, 5)
        points = refine_points(landmarks[:, :2] / size, said.heatmaps[0].float().cpu().numpy())
        points = region.to_picture(points)
        return Pose(
            points=points[:NUM_LANDMARKS],
            visibility=sigmoid(landmarks[:NUM_LANDMARKS, 3].astype(np.float64)),
            world=region.rotate(said.world[0].float().cpu().numpy().reshape(-1, 3)[:NUM_LANDMARKS]),
            presence=presence,
            region=region_around(*points[list(REGION_POINTS)]),
        )


class PoseTracker:
    """Follows one person from frame to frame.

    Args:
        networks: with `detect(image)` and `locate(image, region)`, as `PoseNetworks` has them.
        person (`int`, *optional*): whom to follow: 1 is the largest and most central, 2 the next. Default: 1.
        box (*optional*): left, top, right, bottom in pixels around whom to follow.

    Attributes:
        people (`list[Pose]`): everybody in the frame in which the followed person was found, in the order of numbers.
        chosen (`int`, *optional*): which of them is followed.
        redetections (`int`): frames in which the followed person was lost and searched for.
    """

    def __init__(self, networks, person: int | None = None, box=None):
        self.networks = networks
        self.person, self.box = person or 1, None if box is None else np.asarray(box, dtype=np.float64)
        self.people: list[Pose] = []
        self.chosen: int | None = None
        self.redetections = 0
        self._region: Region | None = None
        self._last: Region | None = None
        self._misses = 0

    def step(self, image: np.ndarray) -> Pose | None:
        """The followed person in the next frame `(height, width, 3)` uint8; None where not seen."""
        pose = None if self._region is None else self.networks.locate(image, self._region)
        if pose is None:
            pose = self._search(image)
        self._misses = 0 if pose is not None else self._misses + 1
        self._region = None if pose is None else pose.region
        self._last = self._region or self._last
        return pose

    def _search(self, image: np.ndarray) -> Pose | None:
        if self.chosen is None:
            found = self.networks.detect(image)
            if not found and self._misses % TILE_EVERY == 0:
                found = self._detect_in_tiles(image)
            return self._choose(image, found)
        self.redetections += 1
        found = self._detect_around(image, self._last)
        if self._misses >= PATIENCE:  # gone; now whoever is there
            found = found or self.networks.detect(image)
            if not found and self._misses % TILE_EVERY == 0:
                found = self._detect_in_tiles(image)
        for region in sorted((region for _, region in found), key=self._likeness, reverse=True)[:TRIES]:
            pose = self.networks.locate(image, region)
            if pose is not None:
                return pose
        return None

    def _likeness(self, region: Region) -> float:
        """How much a region looks like the next one of the followed person: near, and large rather than small."""
        last = self._last
        return math.sqrt(region.size) / (1 + math.hypot(region.x - last.x, region.y - last.y) / last.size)

    def _detect_around(self, image: np.ndarray, last: Region) -> list[tuple[float, Region]]:
        """People where the followed one was, by a look at that part of the picture alone: small ones are found, too, and
        others are not taken for the one that was lost."""
        side = max(SEARCH_SHARE * last.size, 64)
        left, top = max(0, int(last.x - side / 2)), max(0, int(last.y - side / 2))
        part = image[top : int(last.y + side / 2), left : int(last.x + side / 2)]
        if min(part.shape[:2]) < 16:
            return []
        moved = [(score, replace(each, x=each.x + left, y=each.y + top)) for score, each in self.networks.detect(part)]
        return [
            (score, region)
            for score, region in moved
            if math.hypot(region.x - last.x, region.y - last.y) < NEAR_SHARE * last.size
            and abs(math.log(region.size / last.size)) < NEAR_GROWTH
        ]

    def _choose(self, image: np.ndarray, found: list[tuple[float, Region]]) -> Pose | None:
        """Decides whom to follow, as soon as that person is there."""
        poses = [pose for _, region in found if (pose := self.networks.locate(image, region)) is not None]
        poses = distinct(sorted(poses, key=lambda pose: prominence(pose, image.shape), reverse=True))
        if len(poses) > len(self.people):
            self.people = poses
        if self.box is not None:
            shares = [overlap(pose.box, self.box) for pose in poses]
            index = int(np.argmax(shares)) if shares else 0
            if not shares or shares[index] == 0:
                return None
        else:
            index = self.person - 1
            if index >= len(poses):
                return None
        self.people, self.chosen = poses, index
        return poses[index]

    def _detect_in_tiles(self, image: np.ndarray) -> list[tuple[float, Region]]:
        """People too small for a look at the whole picture: a look at squares of it that overlap by half."""
        height, width = image.shape[:2]
        side = int(max(height, width) * TILE_SHARE)
        found = []
        for top in tile_starts(height, side):
            for left in tile_starts(width, side):
                for score, region in self.networks.detect(image[top : top + side, left : left + side]):
                    moved = replace(region, x=region.x + left, y=region.y + top)
                    found.append((score, moved))
        kept: list[tuple[float, Region]] = []
        for score, region in sorted(found, key=lambda each: -each[0]):
            if all(math.hypot(region.x - o.x, region.y - o.y) > DUPLICATE_SHARE * o.size for _, o in kept):
                kept.append((score, region))
        return kept


def tile_starts(length: int, side: int) -> list[int]:
    """Where tiles of `side` begin along `length`, overlapping by half or more."""
    if length <= side:
        return [0]
    return np.linspace(0, length - side, math.ceil(2 * (length - side) / side) + 1).round().astype(int).tolist()


def prominence(pose: Pose, shape: tuple) -> float:
    """How much a person is what the picture is of: large, and near the middle."""
    height, width = shape[:2]
    offset = math.hypot(pose.region.x / width - 0.5, pose.region.y / height - 0.5)
    return pose.region.size / max(height, width) * pose.presence * (1 - 0.5 * min(offset, 1.0))


def distinct(poses: list[Pose]) -> list[Pose]:
    """Poses without those that repeat an earlier one."""
    kept: list[Pose] = []
    for pose in poses:
        distances = [float(np.linalg.norm(pose.points - other.points, axis=1).mean()) / other.region.size for other in kept]
        if all(distance > 0.1 for distance in distances):
            kept.append(pose)
    return kept


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Shared area of two boxes (left, top, right, bottom), as a share of what both cover."""
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    shared = float(np.clip(high - low, 0, None).prod())
    areas = float((first[2:] - first[:2]).prod() + (second[2:] - second[:2]).prod())
    return shared / max(areas - shared, 1e-9)
