"""Videos -> the pixel values that LLaMo's vision tower reads, with the time of each frame."""

import numpy as np
import torch
import torch.nn.functional as F
from transformers import BatchFeature, FeatureExtractionMixin

from .video_reading_llamo import sample_frames


class LlamoFrameProcessor(FeatureExtractionMixin):
    r"""
    Samples frames evenly in time, resizes, normalises.

    Args:
        image_size (`int`, *optional*, defaults to 224):
            Height and width that the vision tower wants.
        num_frames (`int`, *optional*, defaults to 8):
            Frames taken from each video, evenly over its span; shorter videos give all they have.
        image_mean, image_std (`list[float]`, *optional*, defaults to 0.5 each):
            Statistics of the vision tower's training, for values from 0 to 1.
    """

    model_input_names = ["pixel_values_videos", "video_attention_mask", "video_times", "video_motion_ids"]

    def __init__(
        self,
        image_size: int = 224,
        num_frames: int = 8,
        image_mean: list[float] | None = None,
        image_std: list[float] | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_size = image_size
        self.num_frames = num_frames
        self.image_mean = image_mean or [0.5, 0.5, 0.5]
        self.image_std = image_std or [0.5, 0.5, 0.5]

    def sample(self, part: dict) -> tuple[torch.Tensor, np.ndarray]:
        """One video part -> frames `(n, 3, image_size, image_size)` and their times `(n,)` in seconds on the motion's clock.

        Args:
            part: what `sample_frames` takes: `"path"`, `"bytes"`, or `"video"` `(num_frames, height, width, 3)` uint8 with
                `"fps"`; and `"offset_s"` (when the video starts on the motion's clock, 0 by default).

        Raises:
            VideoFormatError: what cannot be read as a video.
        """
        # Frames of a large video are scaled down on the way, and only these few are ever held.
        images, times = sample_frames(part, self.num_frames, max_side=4 * self.image_size)
        frames = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
        size = (self.image_size, self.image_size)
        frames = F.interpolate(frames, size, mode="bilinear", antialias=True, align_corners=False)
        mean, std = (torch.tensor(values)[:, None, None] for values in (self.image_mean, self.image_std))
        return (frames - mean) / std, times + float(part.get("offset_s") or 0.0)

    def __call__(self, videos: list[dict], motion_ids: list[int], return_tensors: str | None = "pt") -> BatchFeature:
        """Pads several videos to one array; `motion_ids` says which motion of the batch each of them shows."""
        sampled = [self.sample(part) for part in videos]
        longest = max(len(times) for _, times in sampled)
        pixels = torch.zeros(len(sampled), longest, 3, self.image_size, self.image_size)
        mask = torch.zeros(len(sampled), longest, dtype=torch.long)
        clock = torch.zeros(len(sampled), longest)
        for row, (frames, times) in enumerate(sampled):
            pixels[row, : len(times)], mask[row, : len(times)] = frames, 1
            clock[row, : len(times)] = torch.from_numpy(times)
        data = {
            "pixel_values_videos": pixels,
            "video_attention_mask": mask,
            "video_times": clock,
            "video_motion_ids": torch.tensor(motion_ids, dtype=torch.long),
        }
        return BatchFeature(data, tensor_type=return_tensors)


__all__ = ["LlamoFrameProcessor"]
