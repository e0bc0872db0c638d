"""Downloads, from a server of the test's own: complete, resumed, refused."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pof3d import download as module
from pof3d.download import (
    DownloadCancelled,
    DownloadError,
    LargeDownload,
    download,
    is_url,
)

CONTENT = np.random.default_rng(0).integers(0, 256, 1_500_000).astype(np.uint8).tobytes()
SHA = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """What the server gives, and what it was asked."""

    content: bytes = CONTENT
    etag: str = '"one"'
    kind: str = "application/octet-stream"
    status: int = 200
    location: str = ""
    breaks_after: int | None = None
    says_length: bool = True
    length: str = ""
    ignores_if_range: bool = False
    pause: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    ranges: list[str | None] = field(default_factory=list)
    url: str = ""
    stop: Callable[[], None] = lambda: None


class Handler(BaseHTTPRequestHandler):
    server: Any

    def do_GET(self) -> None:
        given: Server = self.server.given
        wanted = self.headers.get("Range")
        given.ranges.append(wanted)
        if given.location and self.path != "/there":
            self.send_response(302)
            self.send_header("Location", given.location)
            self.end_headers()
            return
        content, status, start = given.content, given.status, 0
        if given.etag and self.headers.get("If-None-Match") == given.etag:
            self.send_response(304)
            self.end_headers()
            return
        if wanted and given.ignores_if_range | (self.headers.get("If-Range") == given.etag):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_response(416)
                self.end_headers()
                return
            content, status = content[start:], 206
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(given.content) - 1}/{len(given.content)}")
        if given.says_length:
            self.send_header("Content-Length", given.length or str(len(content)))
        if given.etag:
            self.send_header("ETag", given.etag)
        self.send_header("Content-Type", given.kind)
        for name, value in given.headers.items():
            self.send_header(name, value)
        self.end_headers()
        content = content if given.breaks_after is None else content[: given.breaks_after]
        with contextlib.suppress(OSError):
            for at in range(0, len(content), 100_000) if not given.pause else range(0, len(content), 100):
                self.wfile.write(content[at : at + (100 if given.pause else 100_000)])
                time.sleep(given.pause)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    given = Server(url=f"http://127.0.0.1:{running.server_port}/nets/cat%20heads.pkl?download=true")
    running.given = given  # type: ignore[attr-defined]
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
    thread.start()

    def stop() -> None:
        running.shutdown()
        thread.join()
        running.server_close()

    given.stop = stop
    yield given
    if thread.is_alive():
        stop()


def cached_file(url: str, folder: Path) -> Path | None:
    """The complete file in a cache."""
    target = module._target(module.parse_address(url), folder)
    return target if target.is_file() else None


def cancel_after(count: int) -> Any:
    calls = iter(range(1000))
    return lambda: next(calls) >= count


def test_a_file_is_fetched_once(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    assert cached_file(server.url, tmp_path) is None
    path = download(server.url, folder=tmp_path, progress=lambda *at: seen.append(at))
    assert path.name == "cat_heads.pkl"
    assert path.read_bytes() == CONTENT
    assert seen[0] == (0, len(CONTENT)) and seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)
    assert download(server.url, folder=tmp_path) == path == cached_file(server.url, tmp_path)
    assert server.ranges == [None, None], "the second time it is only asked whether there is another version"
    assert not list(tmp_path.rglob("*.part"))


def test_what_has_arrived_is_kept(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadCancelled):
        download(server.url, folder=tmp_path, cancelled=cancel_after(2))
    (part,) = tmp_path.rglob("*.part")
    there = part.stat().st_size
    assert 0 < there < len(CONTENT)
    seen: list[int] = []
    path = download(server.url, folder=tmp_path, progress=lambda done, _: seen.append(done))
    assert server.ranges == [None, f"bytes={there}-"]
    assert seen[0] == there
    assert path.read_bytes() == CONTENT


def test_another_version_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadCancelled):
        download(server.url, folder=tmp_path, cancelled=cancel_after(2))
    server.content, server.etag = CONTENT[::-1], '"two"'
    assert download(server.url, folder=tmp_path).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_sign_of_the_version_nothing_is_resumed(server: Server, tmp_path: Path, etag: str) -> None:
    server.etag = etag
    with pytest.raises(DownloadCancelled):
        download(server.url, folder=tmp_path, cancelled=cancel_after(2))
    assert download(server.url, folder=tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, None]


def test_a_broken_connection_can_be_gone_on_from(server: Server, tmp_path: Path) -> None:
    server.breaks_after = 700_000
    with pytest.raises(DownloadError, match=r"(broke off|could not be fetched)"):
        download(server.url, folder=tmp_path)
    server.breaks_after = None
    assert download(server.url, folder=tmp_path).read_bytes() == CONTENT
    assert server.ranges[1] is not None


def test_more_than_the_file_has_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadCancelled):
        download(server.url, folder=tmp_path, cancelled=cancel_after(2))
    server.content = CONTENT[:1000]  # the same sign, but shorter
    assert download(server.url, folder=tmp_path).read_bytes() == CONTENT[:1000]


def test_checksums(server: Server, tmp_path: Path) -> None:
    path = download(f"{server.url}#sha256={SHA}", folder=tmp_path)
    assert path == download(server.url, folder=tmp_path)
    for _ in range(2):
        with pytest.raises(DownloadError, match="checksum"):
            download(f"{server.url}#sha256={'0' * 64}", folder=tmp_path)
    assert not path.exists()
    assert not list(tmp_path.rglob("*.part"))


def test_the_servers_own_checksum(server: Server, tmp_path: Path) -> None:
    right = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    server.headers["Repr-Digest"] = f"sha-256=:{right}:"
    download(server.url, folder=tmp_path / "right")
    server.headers["Repr-Digest"] = f"sha-256=:{base64.b64encode(b'x' * 32).decode()}:"
    with pytest.raises(DownloadError, match="checksum"):
        download(server.url, folder=tmp_path / "wrong")


@pytest.mark.parametrize("says_length", [True, False])
def test_large_files_are_asked_for(
    server: Server, tmp_path: Path, says_length: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ASK_FROM", 1_000_000)
    server.says_length = says_length
    with pytest.raises(LargeDownload, match=r"cat_heads.pkl has (at least )?\d") as caught:
        download(server.url, folder=tmp_path)
    assert caught.value.size == len(CONTENT) if says_length else caught.value.size >= 1_000_000
    assert caught.value.at_least != says_length
    assert download(server.url, folder=tmp_path, allow_large=True).read_bytes() == CONTENT


def test_redirections(server: Server, tmp_path: Path) -> None:
    server.location = "/there"
    path = download(server.url, folder=tmp_path)
    assert path.read_bytes() == CONTENT
    assert path.name == "cat_heads.pkl"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": 404}, "the server answered 404"),
        ({"status": 503}, "the server answered 503"),
        ({"status": 204, "content": b""}, "answered 204 no content instead of sending it"),
        ({"status": 202}, "answered 202 accepted"),
        ({"status": 206}, "answered 206 partial content"),
        ({"content": b""}, "sent an empty file"),
        ({"content": b"", "says_length": False}, "sent an empty file"),
        ({"kind": "text/html; charset=utf-8"}, "leads to a web page"),
        ({"location": "file:///etc/passwd"}, "could not be fetched"),
        ({"location": "ftp://127.0.0.1/x"}, "could not be fetched"),
    ],
)
def test_answers_that_are_no_file(server: Server, tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    for name, value in changes.items():
        setattr(server, name, value)
    with pytest.raises(DownloadError, match=why):
        download(server.url, folder=tmp_path)
    assert cached_file(server.url, tmp_path) is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"\0\1\2garbage\r\n\r\n", "make no sense"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", "make no sense"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Y: a\r\n" * 200 + b"\r\n", "make no sense"),
        (b"", "the server closed the connection"),
    ],
    ids=["garbage", "long", "many", "nothing"],
)
def test_garbage_is_not_called_a_missing_connection(answer: bytes, why: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(DownloadError, match=why):
            download(f"http://127.0.0.1:{listening.getsockname()[1]}/x.pkl", folder=tmp_path)
        thread.join(5)


def test_a_little_missing_is_told_exactly(server: Server, tmp_path: Path) -> None:
    server.breaks_after = len(CONTENT) - 10
    with pytest.raises(DownloadError, match=r"1,499,990 of 1,500,000 bytes have arrived"):
        download(server.url, folder=tmp_path)


@pytest.mark.parametrize("etag", ["", '"one"'])
def test_a_file_that_is_no_good_is_fetched_anew(server: Server, tmp_path: Path, etag: str) -> None:
    server.content, server.etag = CONTENT[::-1], etag
    path = download(server.url, folder=tmp_path)
    module.forget(path, tmp_path / "elsewhere")
    assert path.is_file(), "not from that cache"
    module.forget(path, tmp_path)
    assert not path.exists()
    server.content = CONTENT
    assert download(server.url, folder=tmp_path).read_bytes() == CONTENT
    module.forget(tmp_path / "a" / "gone.pkl", tmp_path)


def test_without_a_word_for_versions_the_size_counts(server: Server, tmp_path: Path) -> None:
    server.etag = ""
    download(server.url, folder=tmp_path)
    server.content = CONTENT + b"!"
    assert download(server.url, folder=tmp_path).read_bytes() == server.content


@pytest.mark.parametrize(
    "url",
    ["", "file:///etc/passwd", "ftp://a/b", "http://", "https://[::1", "/a/path.pkl", "javascript:alert(1)"],
)
def test_what_is_no_address(url: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="cannot be fetched"):
        download(url, folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_server(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="there is no connection"):
        download("http://127.0.0.1:9/x.pkl", folder=tmp_path)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("/%2e%2e/", "127.0.0.1"),
        ("/a%00b%0Ac.pkl", "a_b_c.pkl"),
        ("/" + "x" * 500 + ".pkl", "x" * 116 + ".pkl"),
        ("/C:%5CWindows%5Cevil.pkl", "evil.pkl"),
        ("/", "127.0.0.1"),
    ],
)
def test_names_stay_in_the_folder(server: Server, tmp_path: Path, path: str, name: str) -> None:
    base = server.url.split("/nets")[0]
    found = download(base + path, folder=tmp_path)
    assert found.name == name
    assert found.parent.parent == tmp_path


def test_a_disk_that_is_too_small(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(DownloadError, match="does not fit on the disk"):
        download(server.url, folder=tmp_path)


def test_one_program_at_a_time(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    problems: list[Exception] = []

    def again(*_: object) -> None:
        def other() -> None:
            try:
                download(server.url, folder=tmp_path)
            except DownloadError as error:
                problems.append(error)

        if not problems:
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()

    download(server.url, folder=tmp_path, progress=again)
    assert "already being fetched" in str(problems[0])


def test_addresses_and_paths() -> None:
    assert is_url("https://a.b/c") and is_url(" HTTP://a/b ")
    assert not is_url("/a/b.pkl") and not is_url("http.pkl") and not is_url("C:\\a")


def test_a_new_version_replaces_the_cached_one(server: Server, tmp_path: Path) -> None:
    path = download(server.url, folder=tmp_path)
    server.content, server.etag = CONTENT[::-1], '"two"'
    assert download(server.url, folder=tmp_path) == path
    assert path.read_bytes() == CONTENT[::-1]
    server.content = CONTENT  # under the same name, which a checksum sees through
    assert download(server.url, folder=tmp_path).read_bytes() == CONTENT[::-1]
    assert download(f"{server.url}#sha256={SHA}", folder=tmp_path).read_bytes() == CONTENT


def test_without_a_connection_the_cached_one_is_taken(server: Server, tmp_path: Path) -> None:
    path = download(server.url, folder=tmp_path)
    server.status = 503
    assert download(server.url, folder=tmp_path) == path
    server.stop()
    assert download(server.url, folder=tmp_path) == path
    assert path.read_bytes() == CONTENT


def test_two_versions_are_never_joined(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadCancelled):
        download(server.url, folder=tmp_path, cancelled=cancel_after(2))
    server.content, server.etag, server.ignores_if_range = CONTENT[::-1], '"two"', True
    assert download(server.url, folder=tmp_path).read_bytes() == CONTENT[::-1]


def test_cancelling_a_slow_server(server: Server, tmp_path: Path) -> None:
    server.pause = 0.05
    began = time.monotonic()
    with pytest.raises(DownloadCancelled):
        download(server.url, folder=tmp_path, cancelled=lambda: time.monotonic() - began > 0.3)
    assert time.monotonic() - began < 5.0


def test_a_broken_connection_of_unknown_length_is_no_file(server: Server, tmp_path: Path) -> None:
    server.headers["Transfer-Encoding"] = "chunked"
    server.says_length = False
    server.content = b"400\r\nonly a little"
    with pytest.raises(DownloadError):
        download(server.url, folder=tmp_path)
    assert cached_file(server.url, tmp_path) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"length": "\xb2"},
        {"length": "9" * 5000},
        {"length": "-5"},
        {"headers": {"Repr-Digest": "sha-256=:" + "A" * 20 + "=" + "A" * 23 + ":"}},
        {"location": "http://[::1/x"},
        {"location": "http://" + "a" * 70 + ".org/"},
    ],
)
def test_servers_that_make_no_sense(server: Server, tmp_path: Path, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        setattr(server, name, value)
    with contextlib.suppress(DownloadError):
        assert download(server.url, folder=tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "url",
    ["http://[::1", "http://a\ud800b/x", "http://x\0y/", "http://" + "a" * 70 + ".org/x", "http://a:99999/"],
)
def test_malformed_addresses(url: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError):
        download(url, folder=tmp_path)


def test_long_names_in_any_script(server: Server, tmp_path: Path) -> None:
    base = server.url.split("/nets")[0]
    assert download(f"{base}/{'猫' * 110}.pkl", folder=tmp_path).name.endswith("猫.pkl")
