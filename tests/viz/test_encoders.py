"""Video files and what encodes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest

from pof3d.errors import ConfigError
from viz import encoders
from viz.encoders import check_encoder, encoding, missing_encoder
from viz.engine import Engine
from viz.panel import RecordingFormat, RecordingRequest
from viz.recorder import record
from viz.view import NetworkView, View

FOUR = np.array([[200, 30, 40], [20, 180, 60], [30, 60, 210], [240, 240, 240]], np.uint8)


def write(path: Path, kind: RecordingFormat) -> None:
    with encoding(path, kind, (32, 32), 10) as encoder:
        for colour in FOUR:
            encoder.add(np.broadcast_to(colour, (32, 32, 3)))


def without(monkeypatch: pytest.MonkeyPatch, kind: RecordingFormat, *names: str) -> None:
    """As on a machine where a format has only these encoders."""
    monkeypatch.setitem(encoders._ENCODERS, kind, tuple((name, {}) for name in names))


@pytest.mark.parametrize(("kind", "codec"), [("mp4", "h264"), ("webm", "vp9")])
def test_colours_and_codecs(tmp_path: Path, kind: Any, codec: str) -> None:
    path = tmp_path / f"a.{kind}"
    write(path, kind)
    frames = iio.imread(path, plugin="pyav")
    np.testing.assert_allclose(frames[:, 16, 16].astype(int), FOUR, atol=6)
    meta = iio.immeta(path, plugin="pyav")
    assert meta["codec"] == codec
    assert meta["fps"] == 10


def test_the_next_encoder_helps_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "webm", "libnonsense", "libvpx")
    assert missing_encoder("webm") == ""
    write(tmp_path / "a.webm", "webm")
    assert iio.immeta(tmp_path / "a.webm", plugin="pyav")["codec"] == "vp8"
    assert iio.imread(tmp_path / "a.webm", plugin="pyav").shape == (4, 32, 32, 3)


def test_a_missing_encoder_is_a_message_before_any_work(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, "mp4", "libnonsense")
    assert "H.264" in missing_encoder("mp4")
    assert [missing_encoder(kind) for kind in ("webm", "gif", "png")] == ["", "", ""]
    check_encoder("gif")
    monkeypatch.setattr(Engine, "load", lambda *a, **k: pytest.fail("began to work"))
    request = RecordingRequest(frames=2, size=32)
    with pytest.raises(ConfigError, match=r"MP4 videos cannot be made here.*no encoder for H\.264") as error:
        record(Engine(), View(NetworkView(str(tiny))), request, tmp_path / "a.mp4")
    assert "pip install av" in error.value.todo
    assert list(tmp_path.iterdir()) == []
