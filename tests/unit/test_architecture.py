"""The house: who may import whom, what ships, what is forbidden."""

import ast
import re
import subprocess

import pytest


SHIPPED = ("modeling_llamo", "processing")
# Folder -> folders of ours that it may import.
ARROWS = {
    "modeling_llamo": set(),
    "processing": set(),
    "train": {"modeling_llamo", "processing", "train"},
    "cli": {"cli", "train", "modeling_llamo", "processing"},
    "spaces_demo": set(),
    "benchmarks": {"modeling_llamo", "processing", "train"},
}


def python_files(root, folder):
    return sorted(path for path in (root / folder).rglob("*.py"))


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level, node


@pytest.mark.parametrize("folder", sorted(ARROWS))
def test_import_arrows(root, folder):
    for path in python_files(root, folder):
        for module, level, _ in imports(path):
            parts = module.split(".")
            if level == 0 and parts[0] == "llamo":
                assert parts[1] in ARROWS[folder], f"{path} imports {module}"
            assert not (level == 0 and parts[0] in ARROWS), f"{path} imports bare {module}"


@pytest.mark.parametrize("folder", SHIPPED)
def test_shipped_files_import_siblings_only(root, folder):
    for path in python_files(root, folder):
        assert path.parent == root / folder, "shipped folders are flat"
        for module, level, node in imports(path):
            if level:
                assert level == 1 and "." not in module and module and (root / folder / f"{module}.py").is_file(), path
                assert all(alias.name != "*" for alias in node.names)
        # transformers finds siblings with a regular expression over the text, docstrings included.
        for line in re.findall(r"^\s*from\s+\.(\S*)\s+import", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert (root / folder / f"{line}.py").is_file(), f"{path}: from .{line} import"


def test_shipped_names_are_unique_and_marked(root):
    names = [path.name for folder in SHIPPED for path in python_files(root, folder)]
    assert len(names) == len(set(names))
    assert all(name.endswith("_llamo.py") for name in names)


def test_nothing_pickles_and_nothing_asserts_for_the_caller(root):
    for folder in (*SHIPPED, "train", "cli", "spaces_demo"):
        for path in python_files(root, folder):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"torch\.load\(|import pickle|allow_pickle=True", text), path
            if folder != "train":
                assert not any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(text))), path


def test_weights_are_small(root):
    sizes = [path.stat().st_size for path in (root / "weights").glob("*")]
    assert sum(sizes) < 40 * 2**20 and max(sizes, default=0) < 15 * 2**20


def test_the_readme_tree_is_true(root):
    tree = (root / "README.md").read_text(encoding="utf-8").split("## What is where")[1]
    named, folder = set(), ""
    for line in re.findall(r"```\n(.*?)```", tree, re.DOTALL)[0].splitlines():
        name = line.split()[0]
        if not line.startswith(" "):
            folder = name if name.endswith("/") else ""
            named.add(name)
        else:
            named.add(folder + name)
    tracked = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    tops = {path.split("/")[0] + ("/" if "/" in path else "") for path in tracked}
    hidden = {".ci/", ".gitignore", "MANIFEST.in"}
    assert {name for name in named if name.count("/") == name.endswith("/")} == tops - hidden
    for folder in ("modeling_llamo", "processing", "train"):
        files = {path for path in tracked if path.startswith(f"{folder}/") and path.count("/") == 1}
        files = {path for path in files if not path.endswith("py.typed")}
        assert files == {name for name in named if name.startswith(f"{folder}/") and not name.endswith("/")}
