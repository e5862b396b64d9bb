"""Motion files and arrays -> the tensors that LLaMo's motion tower reads."""

import os

from transformers import BatchFeature, FeatureExtractionMixin

from .kinematics_llamo import measure_motion
from .motion_comparison_llamo import compare_motions
from .motion_preparation_llamo import MotionPreparation
from .motion_writers_llamo import WrittenMotion, write_motion
from .viewer_data_llamo import build_payload, view_motion


class LlamoMotionProcessor(MotionPreparation, FeatureExtractionMixin):
    """What [`MotionPreparation`] does to motion, for transformers: a feature extractor with the same arguments."""

    model_input_names = ["motion_values", "motion_attention_mask"]

    def measure(self, motion, smoothing: str = "auto") -> dict:
        """What `measure_motion` finds in what `load` takes: way, speed, turns, jumps, steps, repetitions, angles, postures."""
        raw = self.load(motion)
        return measure_motion(raw.joints, raw.fps, smoothing)

    def compare(self, first, second) -> dict:
        """Where the second of what `load` takes differs from the first, the largest difference first (`compare_motions`)."""
        first, second = self.load(first), self.load(second)
        return compare_motions(first.joints, first.fps, second.joints, second.fps)

    def write(self, motion, path: str | os.PathLike, fps: float | None = None) -> WrittenMotion:
        """Writes what `load` takes as joints `.npz`, HumanML3D features `.npy`, `.bvh` or `.glb` (`write_motion`)."""
        raw = self.load(motion)
        return write_motion(path, raw.joints, raw.fps, target_fps=fps)

    def view(self, motions, layout: str = "overlay") -> dict:
        """Data for the viewer of the demo.

        Args:
            motions: `(name, what load takes, what measure returned or None)` of each motion.
            layout (`str`): "overlay" or "side".
        """
        return build_payload([view_motion(self.load(motion), name, measured) for name, motion, measured in motions], layout)

    def __call__(
        self, motions, return_tensors: str | None = None, fps=None, units=None, up_axis=None, joint_map=None, **kwargs
    ) -> BatchFeature:
        """
        Args:
            motions: a list of what `load` takes.
            return_tensors (`str`, *optional*): "np" or "pt".
            fps, units, up_axis, joint_map (*optional*): as in `read_motion`, for files that do not say them themselves.

        Returns:
            `motion_values` `(num_motions, num_frames, 141 + num_rates)` float32 and `motion_attention_mask`
            `(num_motions, num_frames)`, dense and padded on the right.
        """
        each = []
        for motion in motions:
            raw = self.load(motion, fps=fps, units=units, up_axis=up_axis, joint_map=joint_map)
            each.append(self.values(self.canonical(raw)))
        values, mask = self.pad(each)
        return BatchFeature({"motion_values": values, "motion_attention_mask": mask}, tensor_type=return_tensors)


__all__ = ["LlamoMotionProcessor"]
