"""What a row of labels holds, as a table and as columns of a database."""

import os
import re


TAGS = ("actions", "side", "direction", "tempo", "style", "posture")
MEASUREMENTS = (
    "distance_m", "path_m", "speed_mean_m_s", "speed_peak_m_s", "turn_deg", "jumps", "jump_height_m", "steps",
    "cadence_per_min", "repetitions", "repetition_period_s", "symmetry", "left_knee_range_deg", "right_knee_range_deg",
    "left_hip_range_deg", "right_hip_range_deg", "left_elbow_range_deg", "right_elbow_range_deg",
    "left_shoulder_range_deg", "right_shoulder_range_deg", "still_s", "off_ground_s",
)  # fmt: skip
COLUMNS = (
    "path", "sha256", "seconds", "caption", "captions", "detailed", "tags", "segments", "measurements", "warnings", "error",
    "model", "settings",
)  # fmt: skip


def words_of_name(path: str) -> str:
    """ "angryTurn_left-02.bvh" -> "angry Turn left": people name files after what happens in them."""
    stem = os.path.splitext(os.path.basename(path))[0]
    return " ".join(re.findall(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}", stem))
