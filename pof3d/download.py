"""Files from the net, kept in a cache: resumed where they broke off, checked, and complete or not there.

Nothing is trusted: a download is opened like any other file from a stranger.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from filelock import FileLock, Timeout

from pof3d.errors import Pof3dError
from pof3d.files import APPLICATION, cache_folder, replacing
from pof3d.text import format_bytes

if TYPE_CHECKING:
    import requests  # imported where it is used: the window starts faster without it

ASK_FROM = 1 << 30
"""Bytes from which on a download has to be allowed."""
_CHUNK = 1 << 16
_LONGEST_LENGTH = 18
"""Digits."""
_PATIENCE = 3.0
"""Seconds to wait for a download of the same file that has just been given up."""
_TIMEOUT = (10.0, 30.0)
"""Seconds for connecting and for a pause of the server."""
_LONGEST_NAME = 120
"""Bytes."""
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": APPLICATION}
_SPARE = 64 * 2**20
"""Bytes left free on the disk."""


class DownloadError(Pof3dError):
    """A file could not be fetched."""


class DownloadCancelled(DownloadError):
    """The caller's ``cancelled`` hook stopped the download. What has arrived stays, to go on from."""


class LargeDownload(DownloadError):
    """The file is so large that somebody should be asked first."""

    def __init__(self, name: str, size: int, *, at_least: bool = False) -> None:
        self.name, self.size, self.at_least = name, size, at_least
        least = "at least " if at_least else ""
        super().__init__(f"{name} has {least}{format_bytes(size)}", "it was not fetched unasked")


@dataclass(frozen=True)
class Address:
    """What to fetch."""

    url: str
    """Without fragment."""
    name: str
    """Of the file, safe on every file system."""
    sha256: str
    """Expected, from the fragment ``#sha256=…``; empty: not known."""


def is_url(text: str) -> bool:
    """Whether this is meant as an address rather than as a path."""
    return re.match(r"(?i)https?://", text.strip()) is not None


def parse_address(url: str) -> Address:
    """What to fetch; raises :class:`DownloadError` where that is no http(s) address."""

    def refuse(why: str) -> DownloadError:
        return DownloadError(
            f"{url.strip()[:200]} cannot be fetched", why, "Give an http(s) address of a file."
        )

    try:
        parts = urlsplit(url.strip())
        host = parts.hostname
        url.encode()
    except ValueError as error:  # UnicodeEncodeError is one
        raise refuse("it is malformed") from error
    if not url.strip().isprintable():
        raise refuse("it is malformed")
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise refuse("it is no http(s) address")
    match = re.search(r"(?:^|&)sha256=([0-9a-fA-F]{64})(?:&|$)", parts.fragment)
    bare = urlunsplit(SplitResult(parts.scheme, parts.netloc, parts.path, parts.query, ""))
    last = unquote(parts.path).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    safe = re.sub(r"[^\w.+-]+", "_", last).strip("._")
    name = safe.encode()[-_LONGEST_NAME:].decode(errors="ignore") or host
    return Address(bare, name, match[1].lower() if match else "")


def _target(address: Address, folder: Path | None) -> Path:
    digest = hashlib.sha256(address.url.encode()).hexdigest()[:12]
    return (folder or cache_folder("downloads")) / digest / address.name


def download(
    url: str,
    *,
    folder: Path | None = None,
    progress: Callable[[int, int | None], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    allow_large: bool = False,
) -> Path:
    """Fetch a file into the cache, or find it there.

    A file in the cache is fetched anew when its checksum is not the one given, or when the server says that
    it has another version, or another size where it has no word for versions. Without a connection it is
    taken as it is. One that turns out to be no good should be given to :func:`forget`.

    Parameters
    ----------
    url : str
        http(s) address. ``#sha256=…`` behind it says what the file's checksum must be.
    folder : Path, optional
        The cache; that of the user by default.
    progress : callable, optional
        Called with the bytes there and the bytes in all, None where the server does not say.
    cancelled : callable
        Asked after every chunk whether to stop.
    allow_large : bool
        Whether files of :data:`ASK_FROM` and more may be fetched.

    Returns
    -------
    Path
        The complete file.

    Raises
    ------
    LargeDownload
        When the file is large, and that was not allowed.
    DownloadCancelled
        When ``cancelled`` said so.
    DownloadError
        When the address is none, the server does not answer or says no, the file is not what its checksum
        says, the disk is full, or another program fetches the same file.
    """
    import requests
    import urllib3

    address = parse_address(url)
    target = _target(address, folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(target.name + ".lock"), timeout=_PATIENCE):
            if target.is_file():
                if _digest(target) == address.sha256 if address.sha256 else _is_current(address, target):
                    return target
                target.unlink()
            return _fetch(address, target, progress or (lambda *_: None), cancelled, allow_large)
    except Timeout as error:
        raise DownloadError(
            f"{address.name} is already being fetched", "", "Wait, or try again in half a minute."
        ) from error
    except requests.RequestException as error:
        raise DownloadError(
            f"{address.name} could not be fetched from {urlsplit(address.url).hostname}",
            _reason(error),
            "Check the address and the connection.",
        ) from error
    except (ValueError, urllib3.exceptions.HTTPError) as error:
        raise DownloadError(
            f"{address.name} could not be fetched", "its server gives answers that make no sense"
        ) from error
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        todo = "Make room on the disk." if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise DownloadError(f"{address.name} could not be stored", why, todo) from error


def _fetch(
    address: Address,
    target: Path,
    progress: Callable[[int, int | None], None],
    cancelled: Callable[[], bool],
    allow_large: bool,
) -> Path:
    import requests

    part, notes = target.with_name(target.name + ".part"), _notes(target)
    validator = _validator_of(notes) if part.is_file() else ""
    there = part.stat().st_size if validator else 0
    wanted = {"Range": f"bytes={there}-", "If-Range": validator} if there else {}
    with requests.get(address.url, headers=_HEADERS | wanted, stream=True, timeout=_TIMEOUT) as answer:
        if there and answer.status_code == 416:  # nothing is missing, or it has become shorter
            part.unlink()
            return _fetch(address, target, progress, cancelled, allow_large)
        answer.raise_for_status()
        if answer.status_code not in (200, 206 if there else 200):
            raise _no_file(address, f"its server answered {_status(answer)} instead of sending it")
        schemes = {urlsplit(one.url).scheme for one in (*answer.history, answer)}
        if urlsplit(address.url).scheme == "https" and schemes != {"https"}:
            raise DownloadError(f"{address.name} was not fetched", "the server leads away from https")
        if "text/html" in answer.headers.get("Content-Type", ""):
            raise _no_file(address, "the address leads to a web page, not to a file")
        resumed = there > 0 and answer.status_code == 206
        if resumed and not (_begins_at(answer, there) and _version(answer) == validator):
            part.unlink()  # another version, or another place in it
            return _fetch(address, target, progress, cancelled, allow_large)
        there = there if resumed else 0
        length = answer.headers.get("Content-Length", "")
        known = re.fullmatch(rf"[0-9]{{1,{_LONGEST_LENGTH}}}", length)
        total = there + int(length) if known else None
        if total is not None and total >= ASK_FROM and not allow_large:
            raise LargeDownload(address.name, total)
        _check_room(address, target, (total or 0) - there)
        _note(notes, answer)
        expected = address.sha256 or _promised(answer)
        broken = False
        with part.open("ab" if resumed else "wb") as file:
            progress(there, total)
            for chunk in _arriving(answer):
                broken = not chunk
                if cancelled():
                    raise DownloadCancelled(f"Fetching {address.name} was cancelled")
                if total is None:
                    _check_room(address, target, len(chunk))
                there += len(chunk)
                if total is not None and there > total:
                    raise DownloadError(f"{address.name} is longer than its server says")
                if total is None and there >= ASK_FROM and not allow_large:
                    raise LargeDownload(address.name, there, at_least=True)
                file.write(chunk)
                progress(there, total)
            file.flush()
            os.fsync(file.fileno())
    if broken or (total is not None and there < total):
        way = "it goes on from there" if _validator_of(notes) else "this server cannot go on from there"
        raise DownloadError(
            f"{address.name} broke off",
            f"{_amounts(there, total)} have arrived",
            f"Try again: {way}.",
        )
    if not there:
        part.unlink()
        raise _no_file(address, "its server sent an empty file")
    if expected and _digest(part) != expected:
        part.unlink()
        raise _wrong_checksum(address)
    os.replace(part, target)
    return target


def forget(path: Path, folder: Path | None = None) -> None:
    """Let a file be fetched anew when it is next asked for, if it is one from the cache: it is no good."""
    path = Path(os.path.abspath(path))
    if (folder or cache_folder("downloads")) != path.parent.parent:
        return
    for one in (path, _notes(path)):
        with contextlib.suppress(OSError):
            one.unlink(missing_ok=True)


def _no_file(address: Address, why: str) -> DownloadError:
    return DownloadError(f"{address.name} was not fetched", why, "Copy the address of the download itself.")


def _amounts(there: int, total: int | None) -> str:
    if total is None:
        return f"{format_bytes(there)} of an unknown size"
    if format_bytes(there) == format_bytes(total):
        return f"{there:,} of {total:,} bytes"
    return f"{format_bytes(there)} of {format_bytes(total)}"


def _status(answer: requests.Response) -> str:
    return f"{answer.status_code} {answer.reason}".rstrip().lower()


def _notes(target: Path) -> Path:
    """Where a download's version is written down."""
    return target.with_name(target.name + ".json")


def _is_current(address: Address, target: Path) -> bool:
    """Whether the server has the version of the file that is in the cache, as far as that can be known."""
    import requests

    version = _validator_of(_notes(target))
    asked = {"If-None-Match" if version.startswith('"') else "If-Modified-Since": version} if version else {}
    try:
        with requests.get(address.url, headers=_HEADERS | asked, stream=True, timeout=_TIMEOUT) as answer:
            if answer.status_code != 200:
                return True
            length = answer.headers.get("Content-Length")
            return _version(answer) == version if version else length in (None, str(target.stat().st_size))
    except (requests.RequestException, ValueError):
        return True


def _arriving(answer: requests.Response) -> Iterator[bytes]:
    """What comes, as it comes; nothing more, and then an empty piece, where the connection breaks off."""
    import urllib3

    try:
        while chunk := answer.raw.read1(_CHUNK):
            yield chunk
    except urllib3.exceptions.ProtocolError:
        yield b""


def _begins_at(answer: requests.Response, position: int) -> bool:
    return answer.headers.get("Content-Range", "").startswith(f"bytes {position}-")


def _check_room(address: Address, target: Path, needed: int) -> None:
    free = shutil.disk_usage(target.parent).free
    if needed > free - _SPARE:
        raise DownloadError(
            f"{address.name} does not fit on the disk",
            f"it needs {format_bytes(needed)}, {format_bytes(free)} are free in {target.parent}",
            "Make room.",
        )


def _note(notes: Path, answer: requests.Response) -> None:
    """Remember what tells this version of the file from another: only then may it be resumed."""
    with replacing(notes, durable=False) as file:
        file.write_text(json.dumps({"validator": _version(answer)}), encoding="utf-8")


def _version(answer: requests.Response) -> str:
    """What the server calls this version of the file; empty where it has no word for it."""
    etag = answer.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified", "")


def _validator_of(notes: Path) -> str:
    try:
        found = json.loads(notes.read_text(encoding="utf-8"))
        validator = found.get("validator") if isinstance(found, dict) else ""
    except (OSError, ValueError, RecursionError):
        return ""
    return validator if isinstance(validator, str) and validator.isprintable() else ""


def _promised(answer: requests.Response) -> str:
    """The SHA-256 that the server gives (RFC 9530), in hexadecimal digits; empty where it gives none."""
    match = re.search(r"sha-256=:([A-Za-z0-9+/]{43}=):", answer.headers.get("Repr-Digest", ""))
    return b64decode(match[1]).hex() if match else ""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _wrong_checksum(address: Address) -> DownloadError:
    return DownloadError(
        f"{address.name} is not the file that was announced",
        "its checksum is another",
        "Do not use it; check the address.",
    )


def _reason(error: requests.RequestException) -> str:
    import requests

    if isinstance(error, requests.HTTPError):
        return f"the server answered {_status(error.response)}"
    if isinstance(error, requests.exceptions.InvalidSchema | requests.exceptions.InvalidURL):
        return "the address, or the one that its server leads to, is no http(s) address"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate cannot be verified"
    if isinstance(error, requests.Timeout):
        return "the server does not answer"
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        cause = _root_cause(error)
        if isinstance(cause, HTTPException) and not isinstance(cause, OSError):
            return "its server gives answers that make no sense"
        if isinstance(cause, ConnectionResetError):  # RemoteDisconnected is one
            return "the server closed the connection"
        return "there is no connection to the server"
    return str(error)


def _root_cause(error: BaseException) -> BaseException:
    """What an error of a library was made from: the last in the chain of its arguments and causes."""
    for _ in range(8):
        parts = (*error.args, getattr(error, "reason", None))
        inner = next((part for part in parts if isinstance(part, BaseException)), None)
        if inner is None:
            break
        error = inner
    return error
