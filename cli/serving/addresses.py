"""The addresses in a request -> bytes: `data:` URLs, files below folders that are allowed, http(s) where that is allowed."""

from __future__ import annotations

import base64
import binascii
import errno
import os
import re
import stat
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from llamo.cli.session import BadInputError


SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
SHOWN = 80  # characters of an address in messages
LONGEST_DOWNLOAD = 60.0  # s


class AddressError(ValueError):
    """An address that is not read; the message says why."""


class Budget:
    """Bytes that one request may still bring."""

    def __init__(self, num_bytes: int):
        self.all = self.left = num_bytes

    def check(self, num_bytes: int) -> None:
        """Refuses more than is left.

        Raises:
            AddressError: more.
        """
        if num_bytes > self.left:
            raise AddressError(
                f"Expected at most {self.all:,} bytes of files in a request, got more. Send less, or start the server with a "
                "larger --max-mb."
            )

    def spend(self, data: bytes) -> bytes:
        self.check(len(data))
        self.left -= len(data)
        return data


class Addresses:
    """What the server's owner allows to be read.

    Args:
        folders: below which files may be named.
        allow_http: whether http(s) addresses are fetched. Those of this machine and of private networks never are.

    Raises:
        BadInputError: a folder that is not there, or a system that cannot keep readers below a folder.
    """

    def __init__(self, folders: Sequence[str] = (), allow_http: bool = False):
        if folders and not (os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")):
            raise BadInputError(
                "Expected a system that opens files step by step below a folder, got one without openat for --allow-folder. "
                "Send files in data: URLs."
            )
        for folder in folders:
            if not os.path.isdir(folder):
                raise BadInputError(f"Expected a folder, got nothing at {folder!r} for --allow-folder. Check the path.")
        # Each under both of its names, where one of them goes through links: callers may use either.
        self.folders = [(os.path.realpath(folder), os.path.abspath(folder)) for folder in folders]
        self.allow_http = allow_http

    def read(self, url: str, budget: Budget) -> bytes:
        """The bytes behind an address.

        Raises:
            AddressError: an address that is not allowed, not there, or too much.
        """
        found = SCHEME.match(url)
        scheme = found[1].lower() if found else ""
        if scheme == "data":
            return budget.spend(read_data_url(url, budget))
        if scheme in ("http", "https"):
            return budget.spend(self._download(url, budget))
        if scheme not in ("", "file"):
            raise AddressError(
                f"Expected a data: URL, a file or an http(s) address, got {shorten(url)}. Send the file in a data: URL."
            )
        return budget.spend(self._read_file(path_of(url) if scheme else url, budget))

    def _download(self, url: str, budget: Budget) -> bytes:
        from llamo.processing.motion_errors_llamo import VideoFormatError
        from llamo.processing.video_download_llamo import fetch_video

        if not self.allow_http:
            raise AddressError(
                f"Expected a data: URL or a file, got {shorten(url)}: this server fetches nothing from the network. Send the "
                "file in a data: URL, or start the server with --allow-http."
            )
        budget.check(1)
        try:
            return fetch_video(url, budget.left, timeout=10.0, direct=True, longest=LONGEST_DOWNLOAD, what="file")
        except VideoFormatError as error:
            if error.expected == "a public address":  # which one it is would tell strangers about the network
                raise AddressError(
                    f"Expected a public address, got a private one at {shorten(url)}. Send the file in a data: URL."
                ) from None
            raise AddressError(str(error)) from None

    def _read_file(self, path: str, budget: Budget) -> bytes:
        if not self.folders:
            raise AddressError(
                f"Expected a data: URL, got {shorten(path)}: this server reads no files of its own. Send the file in a data: "
                "URL, or start the server with --allow-folder DIR."
            )
        is_inside = False
        for names in self.folders:
            steps = inside(path, names)
            if steps:
                is_inside = True
                try:
                    return read_below(names[0], steps, budget)
                except FileNotFoundError:
                    continue  # perhaps below the next folder
                except OSError as error:
                    raise AddressError(refused(path, error)) from None
        if is_inside:
            raise AddressError(f"Expected a file, got nothing at {shorten(path)}. Check its path below the allowed folders.")
        raise AddressError(
            f"Expected a file below the folders of --allow-folder, got {shorten(path)}. Give its path below one of them, "
            "without `..`."
        )


def read_data_url(url: str, budget: Budget) -> bytes:
    """The bytes in a `data:` URL (RFC 2397).

    Raises:
        AddressError: none, or too many.
    """
    kind, comma, data = url[len("data:") :].partition(",")
    if not comma:
        raise AddressError(
            f"Expected data:TYPE;base64,DATA, got {shorten(url)} without a comma. Encode the file as base64 after one."
        )
    if not kind.lower().endswith(";base64"):
        budget.check(len(data) // 3)
        return unquote_to_bytes(data)
    budget.check(len(data) // 4 * 3 - 2)
    try:
        return base64.b64decode(unquote(data) if "%" in data else data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AddressError(
            f"Expected base64 in a data: URL, got {shorten(url)}: {error}. Encode the whole file, with its padding."
        ) from None


def path_of(url: str) -> str:
    """`file:///clips/a%20b.bvh` -> `/clips/a b.bvh`.

    Raises:
        AddressError: a file of another machine.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("file://?")
    if parts.netloc not in ("", "localhost"):
        raise AddressError(
            f"Expected a file of this machine, got {shorten(url)}. Write file:///PATH, or the path below the allowed folder."
        )
    return unquote(parts.path)


def inside(path: str, names: Sequence[str]) -> list[str]:
    """The steps of a path below a folder (under any of its names); empty where it leads elsewhere."""
    pure = PurePosixPath(path)
    if "\0" in path or ".." in pure.parts:
        return []
    if not pure.is_absolute():
        return list(pure.parts)
    for name in names:
        if pure.is_relative_to(name):
            return list(pure.relative_to(name).parts)
    return []


def read_below(folder: str, steps: Sequence[str], budget: Budget) -> bytes:
    """Reads a file step by step below a folder, following no link on the way, whoever changes the folder meanwhile.

    Raises:
        OSError: nothing there, a link, or no regular file.
        AddressError: too much.
    """
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for step in steps[:-1]:
            there = os.open(step, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = there
        # Without O_NONBLOCK, a pipe would wait for its writer.
        file = os.open(steps[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
    finally:
        os.close(here)
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        budget.check(status.st_size)
        with open(file, "rb", closefd=False) as stream:
            return stream.read(budget.left + 1)
    finally:
        os.close(file)


def refused(path: str, error: OSError) -> str:
    """Why a file is not read. A link in the place of a folder is told by ENOTDIR, in the place of the file by ELOOP."""
    what = {errno.ELOOP: "a link", errno.ENOTDIR: "a path through a link or a file", errno.EINVAL: "no regular file"}
    got = what.get(error.errno, error.strerror or "an error")
    return f"Expected a regular file, got {got} at {shorten(path)}. Name the file itself, without links on the way."


def shorten(address: str) -> str:
    """An address for messages: data is left out, and what is long is cut."""
    return repr(label(address))


def label(address: str) -> str:
    """A short name of an address."""
    if address[:5].lower() == "data:":
        return address[:SHOWN].partition(",")[0] + ",..."
    return address if len(address) <= SHOWN else address[: SHOWN - 3] + "..."
