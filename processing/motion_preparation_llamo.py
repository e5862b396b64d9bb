"""Motion files and arrays -> the normalised features that LLaMo's motion tower reads, in NumPy alone.

Who answers without PyTorch (`llamo ask --fast`) prepares motion by this class; [`LlamoMotionProcessor`] is the same for
transformers.
"""

import os
from collections.abc import Sequence

import numpy as np

from .measured_rates_llamo import NUM_RATES, measure_rates
from .motion_features_llamo import NUM_FEATURES, canonicalise, check_joints, joints_to_features, resample
from .motion_formats_llamo import RawMotion, read_motion


# What a chat part may say about its file, beside "fps".
FILE_KEYS = ("format", "units", "up_axis", "joint_map", "asf", "skeleton", "animation", "mean", "std")


class MotionPreparation:
    r"""
    Loads, resamples, canonicalises, turns into features, normalises, measures rates, pads.

    Args:
        fps (`float`, *optional*, defaults to 20.0):
            Frames per second of the features, and the rate that `mean` and `std` belong to.
        patch_size (`int`, *optional*, defaults to 4):
            Frames of one motion vector; must agree with the model's `motion_config.patch_size`.
        num_summary_tokens (`int`, *optional*, defaults to 12):
            Tokens for the whole of each motion; must agree with `talker_config.num_summary_tokens`.
        num_focus_tokens (`int`, *optional*, defaults to 8):
            Frames each user turn selects from each motion; must agree with `talker_config.num_focus_tokens`.
        num_rates (`int`, *optional*, defaults to 26):
            Measured rates (`measure_rates`) behind the features of each frame, or 0 for a model without; must agree with the
            model's `motion_config.num_rates`.
        max_seconds (`float`, *optional*, defaults to 1800.0):
            Longer motions are refused, never cut.
        max_file_bytes (`int`, *optional*, defaults to 512 MiB):
            Larger files are refused.
        mean, std (`list[float]`, *optional*):
            Statistics of the features at `fps`; 0 and 1 when `None`.
    """

    def __init__(
        self,
        fps: float = 20.0,
        patch_size: int = 4,
        num_summary_tokens: int = 12,
        num_focus_tokens: int = 8,
        num_rates: int = NUM_RATES,
        max_seconds: float = 1800.0,
        max_file_bytes: int = 512 * 1024 * 1024,
        mean: list[float] | None = None,
        std: list[float] | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.fps = fps
        self.patch_size = patch_size
        self.num_summary_tokens = num_summary_tokens
        self.num_focus_tokens = num_focus_tokens
        self.num_rates = num_rates
        self.max_seconds = max_seconds
        self.max_file_bytes = max_file_bytes
        self.mean = [float(value) for value in mean] if mean is not None else None
        self.std = [float(value) for value in std] if std is not None else None
        if num_rates not in (0, NUM_RATES):
            raise ValueError(
                f"Expected num_rates to be {NUM_RATES} or 0, got {num_rates} in LlamoMotionProcessor. This checkpoint was made "
                "by another version: use the code that lies with it (trust_remote_code=True)."
            )
        for name in ("mean", "std"):
            values = getattr(self, name)
            if values is not None and len(values) != NUM_FEATURES:
                raise ValueError(
                    f"Expected {NUM_FEATURES} values of {name}, got {len(values)} in LlamoMotionProcessor. "
                    "Take them from the checkpoint's processor_config.json."
                )

    def load(self, part, **said) -> RawMotion:
        """Reads one motion as a chat part names it, without changing its rate or frame.

        Args:
            part: a path; or a dict with `"path"`, `"bytes"` (a whole file, with `"format"` where it cannot be told) or
                `"motion"` (joints `(num_frames, 22, 3)` in metres, Y up) and `"fps"`; or a RawMotion, returned as it is.
                Beside a path or bytes, the keys of FILE_KEYS and `"fps"` are as in `read_motion`.
            said: the same keys (`fps=`, `units=`, `up_axis=`, `joint_map=` ...), for files that do not say them themselves.

        Raises:
            MotionFormatError: the file cannot be read as a person's motion.
            ValueError: the part names no motion or more than one, its joints are unusable, or an unknown key is said.
        """
        unknown = sorted(set(said) - {"fps", *FILE_KEYS})
        if unknown:
            raise ValueError(
                f"Expected arguments out of fps, {', '.join(FILE_KEYS)}, got {', '.join(unknown)} in "
                "LlamoMotionProcessor.load. Check their spelling."
            )
        if isinstance(part, RawMotion):
            return part
        if isinstance(part, (str, os.PathLike)):
            part = {"path": part}
        if not isinstance(part, dict):
            part = {"motion": part}
        part = {key: value for key, value in part.items() if value is not None and key != "type"}
        sources = [key for key in ("path", "bytes", "motion") if key in part]
        if len(sources) != 1:
            raise ValueError(
                f'Expected one of "path", "bytes" and "motion" in a motion part, got {sorted(part) or "none"}. '
                'Write {"type": "motion", "path": "clip.bvh"}.'
            )
        if sources != ["motion"]:
            part = {**{key: value for key, value in said.items() if value is not None}, **part}
        fps = part.get("fps")
        if sources != ["motion"]:
            overrides = {key: part[key] for key in FILE_KEYS if key in part}
            raw = read_motion(part[sources[0]], fps=fps, max_bytes=self.max_file_bytes, **overrides)
            check_joints(raw.joints, where=str(part.get("path", "the given bytes")))
        else:
            joints = check_joints(part["motion"], where='"motion"')
            assumed = [] if fps is not None else [f"{self.fps:g} frames per second, because no fps was given"]
            fps = self.fps if fps is None else fps
            if not (isinstance(fps, (int, float, np.number)) and np.isfinite(fps) and fps > 0):
                raise ValueError(f'Expected a positive "fps", got {fps!r} beside "motion". Pass frames per second.')
            raw = RawMotion(
                joints=joints,
                fps=float(fps),
                format="joints",
                source_frames=len(joints),
                source_joints=joints.shape[1],
                units="m",
                up_axis="Y",
                skeleton="22 joints",
                assumed=assumed,
            )
        if len(raw.joints) / raw.fps > self.max_seconds:
            raise ValueError(
                f"Expected at most {self.max_seconds:g} s of motion, got {len(raw.joints) / raw.fps:.0f} s in "
                f"{part.get('path', 'the motion')}. Cut it into parts, or raise max_seconds of the motion processor."
            )
        return raw

    def canonical(self, raw: RawMotion) -> np.ndarray:
        """Joints at the processor's rate in the canonical frame, `(num_frames, 22, 3)` metres."""
        return canonicalise(resample(raw.joints, raw.fps, self.fps), self.fps)

    def normalise(self, features: np.ndarray) -> np.ndarray:
        """`(num_frames, 141)` features -> zero mean and unit variance over the training data."""
        if self.mean is None or self.std is None:
            return features
        return ((features - np.asarray(self.mean)) / np.asarray(self.std)).astype(np.float32)

    def values(self, joints: np.ndarray) -> np.ndarray:
        """Canonical joints `(num_frames, 22, 3)` at `fps` -> `(num_frames, 141 + num_rates)` float32, as the model reads them:
        normalised features, then measured rates as they are."""
        features = self.normalise(joints_to_features(joints, self.fps))
        return np.concatenate([features, measure_rates(joints, self.fps)], axis=1) if self.num_rates else features

    def denormalise(self, values: np.ndarray) -> np.ndarray:
        """Inverse of `normalise`."""
        if self.mean is None or self.std is None:
            return values
        return (np.asarray(values) * np.asarray(self.std) + np.asarray(self.mean)).astype(np.float32)

    def num_vectors(self, num_frames: int) -> int:
        """Motion vectors that the tower makes of `num_frames` frames at `fps`."""
        return -(-num_frames // self.patch_size)

    def pad(self, motions: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """What `values` returned of each motion -> `(num_motions, num_frames, 141 + num_rates)` float32, padded with zeros on
        the right, and the mask of real frames `(num_motions, num_frames)` int64."""
        longest = max(len(values) for values in motions)
        values = np.zeros((len(motions), longest, NUM_FEATURES + self.num_rates), dtype=np.float32)
        mask = np.zeros((len(motions), longest), dtype=np.int64)
        for row, motion in enumerate(motions):
            values[row, : len(motion)], mask[row, : len(motion)] = motion, 1
        return values, mask
