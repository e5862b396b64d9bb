"""What the original pose networks say of some crops, for the test that the converted ones say the same.

    pip install ai-edge-litert
    python benchmarks/pose_reference.py [--out tests/pose_reference.npz]

Fetches the pinned files as `llamo init` does, films a made-up person, and runs the originals in LiteRT on what the converted
networks would get to see. Needs `ai-edge-litert`, which nothing else here needs.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from llamo.processing.motion_estimation_llamo import MotionEstimator
from llamo.processing.pose_regions_llamo import crop_region, letterbox
from llamo.train.convert_pose_model import NETWORKS, WHEEL, converted_dir
from llamo.train.rendering.scene import random_scene, render
from llamo.train.synthesis.engine import synthesize
from llamo.train.wheels import cache_dir, extract_member, fetch_wheel


FRAMES = (5, 25, 45)
NUM_ANCHORS = 40  # the likeliest, of each picture


def run_original(path: Path, inputs: np.ndarray) -> list[np.ndarray]:
    """Runs a network on inputs `(n, height, width, 3)`, one by one; its outputs in order, each `(n, ...)`."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    results = []
    for each in inputs:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], each[None])
        interpreter.invoke()
        results.append([interpreter.get_tensor(output["index"])[0] for output in interpreter.get_output_details()])
    return [np.stack(values) for values in zip(*results, strict=True)]


def make_inputs() -> tuple[np.ndarray, np.ndarray]:
    """Crops `(n, 256, 256, 3)` and pictures `(n, 224, 224, 3)`, uint8."""
    networks = MotionEstimator.from_pretrained(converted_dir()).networks
    motion = synthesize(np.random.default_rng(3), actions=["jumping_jack"])
    crops, pictures = [], []
    for frame in FRAMES:
        scene = random_scene(motion.joints[frame : frame + 1], np.random.default_rng(frame), (240, 320), "static", yaw=0.4)
        image = render(scene)[0]
        (_, region), *_ = networks.detect(image)
        crops.append(crop_region(image, region, networks.landmarker_size)[0].permute(1, 2, 0).numpy() * 255)
        pictures.append((letterbox(image, networks.detector_size)[0][0].permute(1, 2, 0).numpy() + 1) * 127.5)
    return np.stack(crops).round().astype(np.uint8), np.stack(pictures).round().astype(np.uint8)


def make_reference() -> dict[str, np.ndarray]:
    """Inputs and what the originals say of them; of the detector the likeliest anchors, of the heat maps every fourth cell."""
    crops, pictures = make_inputs()
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        wheel = fetch_wheel(WHEEL, cache_dir())
        for name, (member, digest, _) in NETWORKS.items():
            paths[name] = Path(folder) / Path(member).name
            extract_member(wheel, member, paths[name], digest)
        boxes, scores = run_original(paths["detector"], pictures.astype(np.float32) / 127.5 - 1)
        landmarks, presence, _, heatmaps, world = run_original(paths["landmarker"], crops.astype(np.float32) / 255)
    chosen = np.argsort(-scores[..., 0], axis=1)[:, :NUM_ANCHORS]
    return {
        "crops": crops,
        "pictures": pictures,
        "landmarks": landmarks,
        "presence": presence,
        "world": world,
        "heatmaps": np.ascontiguousarray(heatmaps.transpose(0, 3, 1, 2)[:, ::3, ::4, ::4]),
        "anchors": chosen.astype(np.int32),
        "scores": np.take_along_axis(scores[..., 0], chosen, axis=1),
        "boxes": np.take_along_axis(boxes, chosen[..., None], axis=1),
    }


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="tests/pose_reference.npz", help="file to write")
    return parser


def main() -> None:
    out = make_parser().parse_args().out
    reference = make_reference()
    np.savez_compressed(out, **reference)
    print(f"{out}: {Path(out).stat().st_size / 1024:.0f} KB, presence {reference['presence'].ravel().round(3).tolist()}")


if __name__ == "__main__":
    main()
