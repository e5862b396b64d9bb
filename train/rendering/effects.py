"""What cheap cameras, bad light and old codecs do to frames."""

import numpy as np
import torch
import torch.nn.functional as F


def degrade(
    frames: np.ndarray,
    generator: np.random.Generator,
    noise: float = 0.0,
    blur: float = 0.0,
    scale: float = 1.0,
    exposure: float = 1.0,
) -> np.ndarray:
    """Frames `(num_frames, height, width, 3)` uint8 as a worse camera would have taken them, of the same size.

    Args:
        noise: standard deviation of a pixel's brightness, of 255; new in every frame.
        blur: standard deviation of a Gaussian in pixels.
        scale: below 1: taken at that share of the height and width and scaled up again.
        exposure: factor on the brightness.
    """
    chunks = []
    for start in range(0, len(frames), 32):
        images = torch.from_numpy(frames[start : start + 32].copy()).permute(0, 3, 1, 2).float()
        size = images.shape[-2:]
        if blur > 0:
            images = gaussian(images, blur)
        if scale < 1:
            small = [max(1, round(side * scale)) for side in size]
            images = F.interpolate(images, small, mode="bilinear", antialias=True, align_corners=False)
            images = F.interpolate(images, size, mode="bilinear", align_corners=False)
        images *= exposure
        if noise > 0:
            grain = generator.standard_normal((len(images), 1, *size), dtype=np.float32)
            images += torch.from_numpy(grain) * noise
        chunks.append(images.clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy())
    return np.concatenate(chunks)


def gaussian(images: torch.Tensor, deviation: float) -> torch.Tensor:
    """Images `(num, channels, height, width)` smoothed over rows and columns."""
    reach = max(1, int(np.ceil(2.5 * deviation)))
    steps = torch.arange(-reach, reach + 1, dtype=torch.float32)
    weights = torch.exp(-0.5 * (steps / deviation) ** 2)
    weights = weights / weights.sum()
    channels = images.shape[1]
    padded = F.pad(images, (reach, reach, reach, reach), mode="replicate")
    padded = F.conv2d(padded, weights.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
    return F.conv2d(padded, weights.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)


def random_degradation(generator: np.random.Generator) -> dict:
    """Settings of `degrade`: half of the cameras are good."""
    if generator.random() < 0.5:
        return {"noise": float(generator.uniform(0, 3))}
    return {
        "noise": float(generator.uniform(0, 14)),
        "blur": float(generator.uniform(0, 1.2)) if generator.random() < 0.5 else 0.0,
        "scale": float(generator.uniform(0.4, 1.0)),
        "exposure": float(generator.uniform(0.5, 1.25)),
    }
