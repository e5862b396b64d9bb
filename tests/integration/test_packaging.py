"""What is built holds everything that runs, and the table of versions says what happened."""

import importlib.util
import subprocess
import sys
import tarfile
import zipfile

import pytest


SHIPPED = ("modeling_llamo/", "processing/", "train/", "cli/", "spaces_demo/", "weights/", "examples/")
NOT_IN_SDIST = ("tests/", "benchmarks/", ".ci/", ".gitignore")


@pytest.fixture
def matrix(root):
    spec = importlib.util.spec_from_file_location("install_matrix", root / "benchmarks" / "install_matrix.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def tracked_files(root) -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.split() or pytest.skip("not a git checkout")


@pytest.mark.slow
def test_wheel_and_sdist_hold_every_file(root, tmp_path):
    pytest.importorskip("build")
    tracked = [name for name in tracked_files(root) if (root / name).is_file()]
    for name in tracked:  # not in the checkout: what other builds left there would come along
        target = tmp_path / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((root / name).read_bytes())
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path / "dist"), str(tmp_path / "source")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    (sdist,), (wheel,) = (tmp_path / "dist").glob("*.tar.gz"), (tmp_path / "dist").glob("*.whl")
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert [name for name in tracked if name not in packed and not name.startswith(NOT_IN_SDIST)] == []
    with zipfile.ZipFile(wheel) as archive:
        installed = set(archive.namelist())
    assert [name for name in tracked if name.startswith(SHIPPED) and f"llamo/{name}" not in installed] == []
    assert {"llamo.pth", "llamo/LICENSE", "llamo/NOTICE", "llamo/model_card.md"} <= installed


def test_a_python_that_is_not_there_is_said_so(matrix, tmp_path, capsys):
    wheel = tmp_path / "llamo-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"")
    assert matrix.main([str(wheel), "--python", "python9.9", "--transformers", "pinned", "newest"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "| python9.9 | pinned | not at hand | 0 |",
        "| python9.9 | newest | not at hand | 0 |",
    ]
    with pytest.raises(SystemExit, match="python -m build"):
        matrix.main([str(tmp_path / "nowhere.whl")])


def test_each_version_of_transformers_is_a_row(matrix, tmp_path, monkeypatch, capsys):
    """Everything but the commands themselves: an old version that cannot be installed, and one that does not answer."""
    calls = []

    def run(*command, cwd=None, limit=0.0):
        words = [str(word) for word in command]
        calls.append(words)
        if "transformers==5.0.0" in words:
            raise matrix.CommandError("ERROR: ResolutionImpossible")
        if "measure" in words:
            return '{"repetitions": {"count": 4}}'
        if "ask" in words:
            newest = any(word == "transformers" for call in calls for word in call)
            return "Question: What?\nAnswer:   " + ("" if newest else "Squats.")
        return {"-c": "3.11.7" if "platform" in words[-1] else "5.23.0"}.get(words[1], "")

    monkeypatch.setattr(matrix, "run", run)
    wheel = tmp_path / "llamo-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"")
    wanted = ["--transformers", "pinned", "5.0.0", "newest"]
    monkeypatch.setattr(matrix.shutil, "which", lambda name: name)
    assert matrix.main([str(wheel), "--python", "python3.11", *wanted, "--model", str(tmp_path)]) == 1
    rows = [line.split(" | ")[:3] for line in capsys.readouterr().out.splitlines()[-3:]]
    assert rows == [
        ["| 3.11.7", "5.23.0 (pinned)", "works"],
        ["| 3.11.7", "5.0.0", "fails: ERROR: ResolutionImpossible"],
        ["| 3.11.7", "5.23.0 (newest)", "fails: llamo ask printed no answer"],
    ]
    assert not any("init" in call for call in calls), "a checkpoint was given"


def test_only_transformers_and_its_own_are_let_go(matrix):
    left = matrix.constraints_without(matrix.GOES_ALONG)
    assert "\nnumpy==" in left and "\ntrl==" in left and matrix.pinned_torch() in left
    assert "\ntransformers==" not in left and "\ntokenizers==" not in left
    assert matrix.last_words("a\nERROR: one\nnotice\n") == "ERROR: one" and matrix.last_words("a|b\n\n") == "a/b"
