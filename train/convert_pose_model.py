"""Make the Motion Estimator's folder: fetch the pinned pose networks, check them, convert them, with the code that runs them.

    python -m llamo.train.convert_pose_model [--out llamo/motion_estimator]

BlazePose GHUM (Apache-2.0, The MediaPipe Authors) comes out of the wheel `mediapipe` on PyPI, which is unpacked and not
installed. `AutoModel.from_pretrained("llamo/motion_estimator", trust_remote_code=True)` then needs nothing of LLaMo.
"""

import argparse
import json
import shutil
from pathlib import Path

from safetensors.torch import save_file

from llamo.processing.pose_configuration_llamo import LlamoPoseConfig
from llamo.train.tflite_graph import convert_network
from llamo.train.wheels import Wheel, cache_dir, converted_once, extract_member


HOME = Path(__file__).resolve().parents[1]
FOLDER_NAME = "motion_estimator"  # inside the checkpoint
WHEEL = Wheel(
    requirement="mediapipe==0.10.21",
    name="mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl",
    sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    what="the pose networks of the Motion Estimator (36 MB)",
    remedy="Check the network and the package index. Without them everything works but video.",
    # One file for all: every wheel of that release holds the same networks, and nothing of it is run.
    platform=("--python-version", "311", "--implementation", "cp", "--platform", "manylinux_2_28_x86_64"),
)
# Name in the configuration -> (file in the wheel, its SHA-256, outputs to keep). The segmentation of the person is left out.
NETWORKS = {
    "detector": (
        "mediapipe/modules/pose_detection/pose_detection.tflite",
        "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
        {"boxes": 0, "scores": 1},
    ),
    "landmarker": (
        "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        {"landmarks": 0, "presence": 1, "heatmaps": 3, "world": 4},
    ),
}
CODE = ("pose_configuration_llamo.py", "pose_model_llamo.py")
AUTO_MAP = {"AutoConfig": "pose_configuration_llamo.LlamoPoseConfig", "AutoModel": "pose_model_llamo.LlamoPoseModel"}
NOTICE = """LLaMo Motion Estimator
BlazePose GHUM, Copyright The MediaPipe Authors, licensed under the Apache License, Version 2.0
(https://github.com/google-ai-edge/mediapipe). The weights are those of the package mediapipe 0.10.21, unchanged in value,
converted to safetensors; the segmentation output is left out.
"""
CONVERSION = 1  # raise when the conversion changes its result: older folders in the cache are then left alone


def cached_dir() -> Path:
    """Where the converted networks lie, or will lie, in the cache."""
    return cache_dir() / f"blazepose-{NETWORKS['landmarker'][1][:8]}-v{CONVERSION}"


def converted_dir() -> Path:
    """The folder of the converted networks (`config.json`, `model.safetensors`) in the cache, made when missing.

    Raises:
        RuntimeError: the wheel could not be downloaded.
        ValueError: wheel or networks differ from the pinned ones.
    """
    return converted_once(WHEEL, cached_dir(), convert)


def convert(wheel: Path, out: Path) -> None:
    """Writes configuration and weights (half precision, as in the source) of the networks in a wheel into `out`."""
    out.mkdir(parents=True)
    networks, weights = {}, {}
    for name, (member, digest, outputs) in NETWORKS.items():
        path = out / Path(member).name
        extract_member(wheel, member, path, digest)
        networks[name], tensors = convert_network(path.read_bytes(), outputs, path.name)
        weights.update({f"{name}.{key}": tensor for key, tensor in tensors.items()})
        path.unlink()
    write_model(out, networks, weights)


def write_model(out: Path, networks: dict, weights: dict) -> None:
    """Configuration and weights, as transformers loads them."""
    config = LlamoPoseConfig(**networks).to_diff_dict()
    # Half precision on disk, single precision to compute: convolutions in half precision are slow on most processors.
    config |= {"architectures": ["LlamoPoseModel"], "auto_map": AUTO_MAP, "dtype": "float32"}
    text = json.dumps({**config, **dict.fromkeys(networks)}, indent=2)
    for name, network in networks.items():  # one line for an operation, not one for a number
        lines = ",\n".join(f"      {json.dumps(operation)}" for operation in network["operations"])
        head = json.dumps({key: network[key] for key in ("input_size", "outputs")})[:-1]
        text = text.replace(f'  "{name}": null', f'  "{name}": {head}, "operations": [\n{lines}\n    ]}}')
    (out / "config.json").write_text(text + "\n", encoding="utf-8")
    save_file(weights, out / "model.safetensors", metadata={"format": "pt", "license": "Apache-2.0"})


def assemble_estimator(out: Path) -> Path:
    """Writes the estimator's folder: networks, the code that runs them, NOTICE and LICENSE.

    Raises:
        RuntimeError: the networks could not be downloaded.
        ValueError: they differ from the pinned ones.
    """
    converted = converted_dir()
    out.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(converted / name, out / name)
    for name in CODE:
        shutil.copyfile(HOME / "processing" / name, out / name)
    shutil.copyfile(HOME / "LICENSE", out / "LICENSE")
    (out / "NOTICE").write_text(NOTICE, encoding="utf-8")
    return out


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=f"llamo/{FOLDER_NAME}", help="folder of the estimator")
    return parser


def main() -> None:
    print(assemble_estimator(Path(make_parser().parse_args().out)))


if __name__ == "__main__":
    main()
