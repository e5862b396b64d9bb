# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""A video from a web address, for chat parts with "url": http and https, of limited size, never out of a private network."""

import ipaddress
import socket
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from .motion_errors_llamo import VideoFormatError


MAX_DOWNLOAD = 256 << 20
TIMEOUT = 30.0  # s without a byte
MAX_REDIRECTS = 5
PIECE = 1 << 20


def fetch_video(url: str, max_bytes: int = MAX_DOWNLOAD, timeout: float = TIMEOUT, allow_private: bool = False) -> bytes:
    """The bytes at an address.

    Args:
        url (`str`): begins with `https://` or `http://`.
        max_bytes (`int`): more is refused; the download stops there.
        timeout (`float`): seconds to wait for an answer or its next piece.
        allow_private (`bool`): whether addresses of this machine and of private networks are allowed. A server that takes
            addresses from strangers would let them look into its own network.

    Raises:
        VideoFormatError: no such address, one that is not allowed, too much, or no answer.
    """
    for _ in range(MAX_REDIRECTS + 1):
        check_address(url, allow_private)
        request = urllib.request.Request(url, headers={"User-Agent": "llamo"})
        try:
            with _OPENER.open(request, timeout=timeout) as response:
                target = response.headers.get("Location")
                if response.status // 100 == 3 and target:
                    url = urllib.request.urljoin(url, target)
                    continue
                return _read(response, url, max_bytes)
        except urllib.error.HTTPError as error:
            raise VideoFormatError("a video", f"answer {error.code} {error.reason}", url, "Check the address.") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise VideoFormatError("an answer", f"{reason}", url, "Check the address and the network.") from None
    raise VideoFormatError("a video", f"more than {MAX_REDIRECTS} redirections", url, "Give the address of the file itself.")


def check_address(url: str, allow_private: bool) -> None:
    """Refuses whatever is not a public web address.

    Raises:
        VideoFormatError: another protocol, no host, or a private one.
    """
    parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise VideoFormatError(
            "an address that begins with https:// or http://", f"{url!r}", '"url" of the video', 'For a file, write "path".'
        )
    if allow_private:
        return
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise VideoFormatError("a host with that name", f"{error}", url, "Check the address and the network.") from None
    for *_, address in found:
        if not ipaddress.ip_address(address[0].split("%")[0]).is_global:
            raise VideoFormatError(
                "a public address", f"a private one ({address[0]})", url, 'Download the video and give its "path".'
            )


def _read(response, url: str, max_bytes: int) -> bytes:
    pieces, size = [], 0
    while piece := response.read(PIECE):
        size += len(piece)
        if size > max_bytes:
            raise VideoFormatError(
                f"at most {max_bytes:,} bytes", "more", url, 'Download the video, cut it, and give its "path".'
            )
        pieces.append(piece)
    return b"".join(pieces)


class _TellRedirects(urllib.request.HTTPRedirectHandler):
    """Hands redirections back, so that every address on the way is checked."""

    def http_error_302(self, request, response, code, message, headers):
        return response

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


_OPENER = urllib.request.build_opener(_TellRedirects, urllib.request.ProxyHandler())
