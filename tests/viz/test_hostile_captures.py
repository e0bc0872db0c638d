"""Captures, views and settings from strangers: whatever is in them, the answer is a View or a message."""

from __future__ import annotations

import os
import resource
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pof3d.errors import ConfigError
from viz.captures import VIEW_KEY, read_view, save_pixels
from viz.comparing import Comparison, pinned
from viz.encoders import encoding
from viz.keyframes import Keyframe, Shot
from viz.panel import RecordingFormat
from viz.sessions import Session, load_session, session_to_json
from viz.settings import Settings, load_settings
from viz.timeline import Timeline
from viz.view import LatentView, View, view_from_json, view_to_json

VIEW = View(latent=LatentView(x=3.0))
PIXELS = np.zeros((16, 16, 4), np.uint8)
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
changes = st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=6), st.integers(0, 8)), max_size=4)


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One honest capture of each kind."""
    folder = tmp_path_factory.mktemp("captures")
    save_pixels(PIXELS, folder / "a.png", VIEW)
    for kind in get_args(RecordingFormat):
        path = folder / ("sequence" if kind == "png" else f"a.{kind}")
        if kind == "png":
            path.mkdir()
        with encoding(path, kind, (16, 16), 10, view_to_json(VIEW)) as encoder:
            for _ in range(3):
                encoder.add(PIXELS[..., :3])
    (folder / "a.json").write_text(view_to_json(VIEW))
    found = {path.suffix: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
    assert set(found) == {".png", ".gif", ".mp4", ".webm", ".json"}
    assert read_view(folder / "sequence") == VIEW
    for suffix in found:
        assert read_view(folder / f"a{suffix}") == VIEW
    return found


def edited(content: bytes, edits: list[tuple[float, bytes, int]]) -> bytes:
    for where, new, cut in edits:
        at = round(where * len(content))
        content = content[:at] + new + content[at + cut :]
    return content


def view_or_message(path: Path) -> View | None:
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    view = None
    try:
        view = read_view(path)
    except ConfigError as error:
        assert path.name in str(error) or "view" in str(error)
    assert time.perf_counter() - started < 20.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024
    return view


@pytest.mark.parametrize("suffix", [".png", ".gif", ".mp4", ".webm", ".json"])
def test_damaged_captures(captures: dict[str, bytes], tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"damaged{suffix}"

    @quick
    @given(changes)
    def property_test(edits: list[tuple[float, bytes, int]]) -> None:
        path.write_bytes(edited(captures[suffix], edits))
        view_or_message(path)

    property_test()


@pytest.mark.parametrize("suffix", [".png", ".gif", ".mp4", ".webm", ".json"])
def test_any_bytes_by_any_name(captures: dict[str, bytes], tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"any{suffix}"
    for content in (b"", b"\0" * 100, b"{" * 1000, *captures.values()):
        path.write_bytes(content)
        view_or_message(path)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(*chunks: bytes, size: tuple[int, int] = (1, 1)) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 4))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + pixels + chunk(b"IEND", b"")


BOMBS = {
    "text that unpacks to a gibibyte": png(
        chunk(b"zTXt", VIEW_KEY.encode() + b"\0\0" + zlib.compress(b"a" * (1 << 28), 9))
    ),
    "an enormous picture": png(
        chunk(b"tEXt", VIEW_KEY.encode() + b"\0" + view_to_json(VIEW).encode()), size=(1 << 30, 1 << 30)
    ),
    "thousands of texts": png(*[chunk(b"tEXt", b"k%d\0v" % i) for i in range(20_000)]),
    "a chunk beyond the file": png()[:33] + struct.pack(">I", 1 << 30) + b"tEXt",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(BOMBS[name])
    assert view_or_message(path) is None


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server


def test_a_playlist_in_disguise_opens_nothing_else(tmp_path: Path, listener: socket.socket) -> None:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/secret"
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n"
    script = f"ffconcat version 1.0\nfile '{url}'\n"
    for text in (playlist, script):
        for name in ("video.mp4", "video.webm"):
            path = tmp_path / name
            path.write_text(text)
            assert view_or_message(path) is None
    with pytest.raises(TimeoutError):
        listener.accept()


def test_other_formats_by_the_name_of_a_picture(tmp_path: Path) -> None:
    """Pillow knows formats whose decoders start other programs."""
    path = tmp_path / "picture.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(w) print\n")
    assert view_or_message(path) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("suffix", [".png", ".mp4", ".webm", ".json"])
def test_pipes_and_folders_are_not_waited_for(tmp_path: Path, suffix: str) -> None:
    pipe, folder = tmp_path / f"pipe{suffix}", tmp_path / f"folder{suffix}"
    os.mkfifo(pipe)
    folder.mkdir()
    os.mkfifo(folder / "view.json")
    assert view_or_message(pipe) is None
    assert view_or_message(folder) is None


def test_folders_of_strangers(tmp_path: Path) -> None:
    for name, content in (("text", b"no json"), ("bytes", b"\xff\x00"), ("empty", b""), ("other", b"[]")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "view.json").write_bytes(content)
        assert view_or_message(folder) is None


DEEP = ("[" * 200_000, '{"schema_version":1,"view":' + '{"a":' * 50_000, '{"x":' + "[" * 200_000)


@pytest.mark.parametrize("text", DEEP)
def test_deep_nesting_is_a_message(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        view_from_json(text)
    for name in ("session.json", "settings.json"):
        (tmp_path / name).write_text(text)
    assert load_session(tmp_path / "session.json") is None
    assert load_settings(tmp_path / "settings.json") == Settings()
    assert (tmp_path / "session.json.damaged").exists()


SESSION = Session(
    VIEW,
    Timeline((Keyframe(0.0, VIEW), Keyframe(1.5, VIEW, "hold", 2, Shot(0.1, 0.2, 2.7, 0.5)))),
    pinned(pinned(Comparison(), VIEW), VIEW),
)


def test_damaged_sessions_and_settings(tmp_path: Path) -> None:
    @quick
    @given(changes)
    def property_test(edits: list[tuple[float, bytes, int]]) -> None:
        for name, read, content in (
            ("session.json", load_session, view_to_json(VIEW).encode()),
            ("session.json", load_session, session_to_json(SESSION)),
            ("settings.json", load_settings, b'{"recents": ["/a/b.pkl"], "threads": 2}'),
        ):
            (tmp_path / name).write_bytes(edited(content, edits))
            read(tmp_path / name)

    property_test()
