"""Cameras with exact truth: where each of them stands, where it looks, and where a point of the world is in its picture."""

from dataclasses import dataclass

import numpy as np

from llamo.train.synthesis.noise import wander


KINDS = ("static", "panning", "behind", "low", "close")
SIDES = ("front", "left", "behind", "right")
MARGIN = 0.22  # m around the joints: head, hands, feet and clothes
UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Camera:
    """A camera over time. Its axes are x right, y down, z forward.

    Attributes:
        rotations: `(num_frames, 3, 3)`, world to camera; the rows are the camera's axes in the world.
        eyes: `(num_frames, 3)` metres, world.
        focal: pixels.
        size: height and width in pixels.
        kind: one of KINDS.
        side: from which side it sees the first person, one of SIDES; the person's own left and right.
    """

    rotations: np.ndarray
    eyes: np.ndarray
    focal: float
    size: tuple[int, int]
    kind: str
    side: str

    @property
    def is_static(self) -> bool:
        return bool(np.ptp(self.eyes, axis=0).max() == 0 and np.ptp(self.rotations, axis=0).max() == 0)

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World points `(num_frames, num_points, 3)` in the camera's axes, metres."""
        return np.einsum("tij,tnj->tni", self.rotations, points - self.eyes[:, None])

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """World points `(num_frames, num_points, 3)` -> pixels `(num_frames, num_points, 2)`, x right and y down from the
        top left corner, and depths `(num_frames, num_points)` in metres."""
        seen = self.to_camera(points)
        depth = seen[..., 2]
        height, width = self.size
        pixels = seen[..., :2] / np.maximum(depth, 1e-6)[..., None] * self.focal + np.array([width / 2, height / 2])
        return pixels, depth


def heading(joints: np.ndarray) -> float:
    """Which way a person faces, radians from +Z towards +X: the median over the frames `(num_frames, 22, 3)`."""
    left = (joints[:, 1] - joints[:, 2]) + (joints[:, 16] - joints[:, 17])
    forward = np.cross(left, UP)
    forward /= np.maximum(np.linalg.norm(forward, axis=-1, keepdims=True), 1e-9)
    x, z = np.median(forward[:, [0, 2]], axis=0)
    return float(np.arctan2(x, z))


def side_seen(yaw: float) -> str:
    """One of SIDES for a camera that stands at `yaw` radians from where the person faces, positive to the person's left."""
    return SIDES[int(np.round(yaw / (np.pi / 2))) % 4]


def look_at(eyes: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Rotations `(num_frames, 3, 3)` of level cameras at `eyes` that look at `targets`, both `(num_frames, 3)`."""
    forward = targets - eyes
    forward = forward / np.linalg.norm(forward, axis=-1, keepdims=True)
    right = np.cross(forward, UP)
    right /= np.linalg.norm(right, axis=-1, keepdims=True)
    return np.stack([right, np.cross(forward, right), forward], axis=1)


def fit_distance(points: np.ndarray, away: np.ndarray, tangents: tuple[float, float]) -> float:
    """How far from the origin a camera in the direction `away` `(3,)` has to stand to see all `points` `(num_points, 3)`.

    Args:
        tangents: of half the horizontal and half the vertical field of view.
    """
    rotation = look_at(away[None], np.zeros((1, 3)))[0]
    x, y, z = (points @ rotation.T).T
    nearest = np.maximum((np.abs(x) + MARGIN) / tangents[0], (np.abs(y) + MARGIN) / tangents[1]) - z
    return float(max(nearest.max(), 1.2))


def random_camera(
    joints: np.ndarray,
    generator: np.random.Generator,
    size: tuple[int, int],
    kind: str,
    fps: float = 20.0,
    yaw: float | None = None,
    fov: float | None = None,
) -> Camera:
    """A camera of a kind that sees `joints` `(num_frames, num_joints, 3)`, in which the first 22 are the first person's.

    Args:
        kind: "static": all of the way in view; "panning": from one spot, turning after the person; "behind": static, from
            behind; "low": static, from knee height or below; "close": static and too close for the legs.
        yaw: radians from where the person faces, positive to the person's left; by default random (behind: about pi).
        fov: vertical field of view in degrees; by default 30 to 60, as phones have.

    Raises:
        ValueError: an unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"Expected a kind of camera out of {', '.join(KINDS)}, got {kind!r}.")
    height, width = size
    fov = np.radians(generator.uniform(30, 60) if fov is None else fov)
    # The longer side has the stated field of view where frames are upright.
    focal = 0.5 * max(height, 0.75 * width) / np.tan(fov / 2)
    tangents = (0.5 * width / focal, 0.5 * height / focal)
    person = joints[:, :22]
    if yaw is None:
        yaw = np.pi + generator.uniform(-0.6, 0.6) if kind == "behind" else generator.uniform(-np.pi, np.pi)
    angle = heading(person) + yaw
    seen = joints[:, [0, 3, 6, 9, 12, 15, 16, 17, 18, 19]] if kind == "close" else joints
    low, high = seen.min((0, 1)), seen.max((0, 1))
    centre = (low + high) / 2
    pitch = generator.uniform(0.0, 0.35)
    eye_height = generator.uniform(0.15, 0.5) if kind == "low" else None

    def away_at(tilt: float) -> np.ndarray:
        return np.array([np.sin(angle) * np.cos(tilt), np.sin(tilt), np.cos(angle) * np.cos(tilt)])

    if kind == "panning":
        # From a spot beside the middle of the way, near enough that the person is large.
        target = smooth(person[:, :1].mean(1), fps)
        local = (person - person[:, :1]).reshape(-1, 3)
        distance = max(fit_distance(local, away_at(pitch), tangents) * generator.uniform(1.0, 1.35), 1.8)
        middle = (target.min(0) + target.max(0)) / 2
        eye = middle + away_at(pitch) * distance
        # Whoever passes the spot is kept at arm's length from the lens.
        nearest = np.linalg.norm((target - eye)[:, [0, 2]], axis=-1).min()
        eye = eye + away_at(0.0) * max(0.0, 1.8 - nearest)
        eye[1] = max(eye[1], 0.3)
        shake = wander(generator, len(joints), 3, fps, low=0.3, high=3.0) * 0.012
        eyes = np.repeat(eye[None], len(joints), axis=0)
        return Camera(look_at(eyes, target + shake), eyes, float(focal), size, kind, side_seen(yaw))

    points = seen.reshape(-1, 3)
    spread = points[:: max(1, len(points) // 4000)] - centre
    for _ in range(3 if eye_height is not None else 1):
        distance = fit_distance(spread, away_at(pitch), tangents) * generator.uniform(1.0, 1.25)
        if eye_height is not None:
            pitch = float(np.arcsin(np.clip((eye_height - centre[1]) / distance, -0.6, 0.6)))
    eye = centre + away_at(pitch) * distance
    eye[1] = max(eye[1], 0.12)
    eyes = np.repeat(eye[None], len(joints), axis=0)
    rotations = np.repeat(look_at(eye[None], centre[None]), len(joints), axis=0)
    return Camera(rotations, eyes, float(focal), size, kind, side_seen(yaw))


def smooth(path: np.ndarray, fps: float, seconds: float = 0.8) -> np.ndarray:
    """A moving mean over `seconds` of `(num_frames, 3)`: how a person's hand follows."""
    half = max(1, int(seconds * fps / 2))
    padded = np.concatenate([np.repeat(path[:1], half, 0), path, np.repeat(path[-1:], half, 0)])
    total = np.cumsum(np.concatenate([np.zeros((1, 3)), padded]), axis=0)
    return (total[2 * half + 1 :] - total[: -2 * half - 1]) / (2 * half + 1)
