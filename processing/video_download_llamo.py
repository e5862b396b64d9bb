# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""A file from a web address, for chat parts with "url": http and https, of limited size, never out of a private network."""

import http.client
import ipaddress
import socket
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from .motion_errors_llamo import VideoFormatError


MAX_DOWNLOAD = 256 << 20
TIMEOUT = 30.0  # s without a byte
LONGEST = 600.0  # s of a download
MAX_REDIRECTS = 5
PIECE = 1 << 20


def fetch_video(
    url: str,
    max_bytes: int = MAX_DOWNLOAD,
    timeout: float = TIMEOUT,
    allow_private: bool = False,
    direct: bool = False,
    longest: float = LONGEST,
    what: str = "video",
) -> bytes:
    """The bytes at an address.

    Args:
        url (`str`): begins with `https://` or `http://`.
        max_bytes (`int`): more is refused; the download stops there.
        timeout (`float`): seconds to wait for an answer or its next piece.
        allow_private (`bool`): whether addresses of this machine and of private networks are allowed. A server that takes
            addresses from strangers would let them look into its own network.
        direct (`bool`): never through a proxy of the environment. A proxy looks names up itself, and may find another, private
            address than the one that was checked here; without one, what was checked is what is connected to.
        longest (`float`): seconds of the download, redirections included.
        what (`str`): what is fetched, for messages.

    Raises:
        VideoFormatError: no such address, one that is not allowed, too much, too slow, or no answer.
    """
    end = time.monotonic() + longest
    for _ in range(MAX_REDIRECTS + 1):
        check_address(url, allow_private, what)
        request = urllib.request.Request(url, headers={"User-Agent": "llamo"})
        opener = _OPENER if allow_private or not (direct or _is_direct(request)) else _PUBLIC_OPENER
        try:
            with opener.open(request, timeout=timeout) as response:
                target = response.headers.get("Location")
                if response.status // 100 == 3 and target:
                    url = urllib.request.urljoin(url, target)
                    continue
                return _read(response, url, max_bytes, end, what)
        except VideoFormatError:
            raise
        except urllib.error.HTTPError as error:
            raise VideoFormatError(f"a {what}", f"answer {error.code} {error.reason}", url, "Check the address.") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise VideoFormatError("an answer", f"{reason}", url, "Check the address and the network.") from None
    raise VideoFormatError(f"a {what}", f"more than {MAX_REDIRECTS} redirections", url, "Give the address of the file itself.")


def check_address(url: str, allow_private: bool, what: str = "video") -> None:
    """Refuses whatever is not a public web address.

    Raises:
        VideoFormatError: another protocol, no host, or a private one.
    """
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:  # no number for a port, no address between brackets
        scheme, host, port = "", None, None
    if scheme not in ("http", "https") or not host:
        raise VideoFormatError(
            "an address that begins with https:// or http://", f"{url!r}", f'"url" of the {what}', 'For a file, write "path".'
        )
    if not allow_private:
        public_addresses(host, port or (443 if scheme == "https" else 80), url)


def public_addresses(host: str, port: int, where: str) -> list[str]:
    """The addresses of a host, as numbers.

    Args:
        where (`str`): for messages.

    Raises:
        VideoFormatError: no such host, or one with any address that is not public.
    """
    try:
        found = [entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, ValueError) as error:
        raise VideoFormatError("a host with that name", f"{error}", where, "Check the address and the network.") from None
    for address in found:
        if not is_public(address):
            raise VideoFormatError(
                "a public address", f"a private one ({address})", where, 'Download the file and give its "path".'
            )
    return found


def is_public(address: str) -> bool:
    """Whether a numeric address is one of the public internet; an IPv4 address inside of an IPv6 one counts as itself."""
    number = ipaddress.ip_address(address.split("%")[0])
    if isinstance(number, ipaddress.IPv6Address):
        if number in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)))
        if number.ipv4_mapped is not None:
            return is_public(str(number.ipv4_mapped))
        if number.sixtofour is not None or number.is_site_local:
            return False
    return number.is_global and not (number.is_multicast or number.is_reserved)


def _is_direct(request: urllib.request.Request) -> bool:
    """Whether the environment names no proxy for this address."""
    return request.type not in urllib.request.getproxies() or bool(urllib.request.proxy_bypass(request.host))


def _connect_public(address: tuple[str, int], timeout=TIMEOUT, source_address=None) -> socket.socket:
    """As `socket.create_connection`, to public addresses only: the address that is checked is the one that is used."""
    failure: OSError = OSError("no address")
    for number in public_addresses(*address, where=address[0]):
        try:
            return socket.create_connection((number, address[1]), timeout, source_address)
        except OSError as error:
            failure = error
    raise failure


def _read(response, url: str, max_bytes: int, end: float, what: str) -> bytes:
    pieces, size = [], 0
    while piece := response.read1(PIECE):
        size += len(piece)
        if size > max_bytes:
            raise VideoFormatError(
                f"at most {max_bytes:,} bytes", "more", url, f'Download the {what}, cut it, and give its "path".'
            )
        if time.monotonic() > end:
            raise VideoFormatError(
                "a faster answer", f"{size:,} bytes so far", url, f'Download the {what} and give its "path".'
            )
        pieces.append(piece)
    return b"".join(pieces)


class _PublicConnection(http.client.HTTPConnection):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._create_connection = _connect_public


class _PublicTlsConnection(http.client.HTTPSConnection):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._create_connection = _connect_public


class _PublicHandler(urllib.request.HTTPHandler):
    def http_open(self, request):
        return self.do_open(_PublicConnection, request)


class _PublicTlsHandler(urllib.request.HTTPSHandler):
    def https_open(self, request):
        return self.do_open(_PublicTlsConnection, request)


class _TellRedirects(urllib.request.HTTPRedirectHandler):
    """Hands redirections back, so that every address on the way is checked."""

    def http_error_302(self, request, response, code, message, headers):
        return response

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_OPENER = urllib.request.build_opener(_TellRedirects, urllib.request.ProxyHandler())
_PUBLIC_OPENER = urllib.request.build_opener(_TellRedirects, urllib.request.ProxyHandler({}), _PublicHandler, _PublicTlsHandler)
