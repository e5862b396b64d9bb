"""Installs the top-level folders as the namespace package `llamo`: `processing/` becomes `llamo.processing`, and so on.

There is no folder `llamo/` of source code and no `llamo/__init__.py`. The name `./llamo` in the working directory belongs to
the assembled checkpoint, and a namespace package is the one form that both can share.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


ROOT = Path(__file__).resolve().parent
FOLDERS = ("modeling_llamo", "processing", "train", "cli")
# The demo and its viewer, installed like packages. cli/demo.py and cli/viewer_page.py look for them beside their own folder.
DEMO, VIEWER, EXAMPLES = "spaces_demo", "spaces_demo/viewer", "examples"
# Data beside the code; a file is installed where its folder holds one of these.
PACKAGE_DATA = ["py.typed", "*.jinja", "*.yaml", "*.json"]
PAGE_DATA = {"llamo.cli": ["review_page/*"]}
DEMO_DATA = {"llamo.spaces_demo": ["*.js", "*.css", "*.md", "*.txt"], "llamo.examples": ["*"]}
# Single files that `llamo init` puts into the checkpoint; it looks for them in the folder above its own, here and installed.
CHECKPOINT_FILES = ("LICENSE", "NOTICE", "model_card.md")


# Run when Python starts, before the working directory joins the search path. Without it a checkpoint in ./llamo would be a part
# of the namespace as well, and its file modeling_llamo.py would hide the package llamo.modeling_llamo.
FREEZE_NAMESPACE = "import llamo; llamo.__path__ = list(llamo.__path__)\n"


class BuildWithExtras(build_py):
    """Also installs CHECKPOINT_FILES, which stand outside of all packages, and `llamo.pth` with FREEZE_NAMESPACE."""

    def run(self):
        super().run()
        target = Path(self.build_lib)
        if self.editable_mode:
            target = Path(self.get_finalized_command("install").install_lib)  # the editable wheel itself
        else:
            for name in CHECKPOINT_FILES:
                shutil.copyfile(ROOT / name, target / "llamo" / name)
        (target / "llamo.pth").write_text(FREEZE_NAMESPACE, encoding="utf-8")


def find_packages() -> dict[str, str]:
    """`{"llamo.train.synthesis": "train/synthesis", ...}` for every folder that holds Python files or package data."""
    packages = {}
    for top in FOLDERS:
        for folder in sorted({path.parent for pattern in ["*.py", *PACKAGE_DATA] for path in (ROOT / top).rglob(pattern)}):
            relative = folder.relative_to(ROOT)
            packages["llamo." + ".".join(relative.parts)] = relative.as_posix()
    # The trained parts of the default model, so that `llamo init` works wherever the library is installed.
    if (ROOT / "weights").is_dir():
        packages["llamo.weights"] = "weights"
    packages.update({"llamo." + folder.replace("/", "."): folder for folder in (DEMO, VIEWER, EXAMPLES)})
    return packages


# llamo ask --fast: answers from onnxruntime; the others make its graphs. Their builder of eight bits needs Python 3.11.
FAST = [
    'onnx>=1.20; python_version >= "3.11"',
    'onnxruntime>=1.26; python_version >= "3.11"',
    'onnxruntime-genai>=0.18; python_version >= "3.11"',
    'onnxscript>=0.5; python_version >= "3.11"',
]

packages = find_packages()

setup(
    name="llamo",
    version="0.1.0",
    description="LLaMo: ask questions about human motion, in plain words, of a language model that reads motion as it is",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    python_requires=">=3.10",
    packages=sorted(packages),
    package_dir=packages,
    package_data={
        "": PACKAGE_DATA,
        "llamo.weights": ["*.safetensors", "*.json"],
        "llamo.spaces_demo.viewer": ["*"],
        **PAGE_DATA,
        **DEMO_DATA,
    },
    cmdclass={"build_py": BuildWithExtras},
    zip_safe=False,
    install_requires=[
        "gguf>=0.10",  # the default base language model comes as GGUF
        "jinja2>=3.1",  # chat templates
        "numpy>=1.26",
        "safetensors>=0.8",
        "scipy>=1.11",  # filters of the measurements
        "tflite>=2.18",  # `llamo init` reads the Motion Estimator's networks with it
        "torch>=2.6",
        "transformers>=5.20,<6",
        "typer>=0.15",
    ],
    extras_require={
        "train": [
            "accelerate>=1.10",
            "datasets>=4.7",
            "peft>=0.18",
            "pyarrow>=21",
            "pyyaml>=6",
            "scipy>=1.11",
            # Media and --assistant_only_loss go together from 1.15 on, which needs Python 3.11.
            'trl>=1.15; python_version >= "3.11"',
            'trl>=1.14; python_version < "3.11"',
        ],
        "demo": ["gradio>=6", "mcp>=1.21,<2"],  # mcp: llamo demo --mcp
        "serve": ["fastapi>=0.115", "uvicorn>=0.34"],  # llamo serve
        "gltf": ["pygltflib>=1.16"],  # reads and writes .glb and .gltf
        "video": ["av>=16"],  # decodes video; FFmpeg is inside its wheel
        "fast": FAST,
        "search": ["lancedb>=0.30", "pyarrow>=21"],  # an embedded database of clips
        # llamo eval: captions against people's (CIDEr needs no Java), pictures, a judge behind an address.
        "eval": ["httpx>=0.27", "matplotlib>=3.9", "pycocoevalcap>=1.2", "rouge-score>=0.1.2", "sacrebleu>=2.4"],
        "docs": ["mkdocs-material>=9.5", "mkdocstrings[python]>=1"],  # make docs
        "view": ["pillow>=10.1"],  # llamo view --png; the page itself needs nothing
        "test": [
            *FAST,
            "av>=16",
            "axe-core-python>=0.1",
            "bvhio>=1.5",
            "ezc3d>=1.5",
            "fastapi>=0.115",
            "gradio>=6",
            "hypothesis>=6",
            "lancedb>=0.30",
            "matplotlib>=3.9",
            "mcp>=1.21,<2",
            "openai>=2",
            "pillow>=10.1",
            "pybvh>=0.9",
            "pygltflib>=1.16",
            "pytest>=8",
            "pytest-xdist>=3.6",
            "rouge-score>=0.1.2",
            "ruff>=0.12",
            "sacrebleu>=2.4",
            "selenium>=4.30",
            "uvicorn>=0.34",
        ],
    },
    entry_points={
        "console_scripts": ["llamo = llamo.cli.main:app"],
        "lmms_eval.models": ["llamo = llamo.train.evaluation.lmms_plugin:manifest"],
    },
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
)
