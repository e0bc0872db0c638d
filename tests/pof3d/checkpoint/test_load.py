"""Opening files: told apart by content, with messages for everything else, progress, cancelling, devices."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

import pof3d
from pof3d.checkpoint import LoadCancelled, save
from pof3d.devices import find_device
from pof3d.errors import CheckpointError, DeviceError
from tests.pof3d.checkpoint.networks import tiny_network
from tests.pof3d.checkpoint.pickles import dump, snapshot


@pytest.fixture
def native(tmp_path: Path) -> Path:
    network = tiny_network()
    return save(tmp_path / "a.safetensors", network.config, network.generator, network.discriminator)


def test_the_name_does_not_matter(tmp_path: Path, native: Path) -> None:
    native.rename(tmp_path / "native.pkl")
    (tmp_path / "release.safetensors").write_bytes(dump(snapshot(tiny_network())))
    assert pof3d.load(tmp_path / "native.pkl").kind == "native"
    assert pof3d.load(str(tmp_path / "release.safetensors")).kind == "release"


def test_paths(native: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(native.parent)
    assert pof3d.load(native.name).path == native
    monkeypatch.setenv("HOME", str(native.parent))
    assert pof3d.load(f"~/{native.name}").path == native
    strange = native.with_name("ä ö\n日本 'quoted' \"$x\".safetensors")
    native.rename(strange)
    assert pof3d.load(strange).path == strange


FOREIGN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is empty"),
    "short": (b"\x80", "too short"),
    "jpeg": (b"\xff\xd8\xff\xe0" + bytes(100), "JPEG image"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG image"),
    "zip": (b"PK\x03\x04" + bytes(100), "torch.save"),
    "html": (b"\n<!DOCTYPE html><html><body>404</body></html>", "web page"),
    "html-with-bom": (b"\xef\xbb\xbf<HTML>" + b" " * 30, "web page"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
    "gzip": (b"\x1f\x8b" + bytes(100), "gzip"),
    "mp4": (b"\0\0\0\x18ftypisom" + bytes(100), "video"),
    "numpy": (b"\x93NUMPY" + bytes(100), "numpy"),
    "html-after-a-comment": (b"\n<!-- hi --><html><body>404</body></html>", "web page"),
    "html-without-a-head": (b"<body>502 Bad Gateway</body>" + b" " * 30, "web page"),
    "json": (b'{"message":"Not Found"}', "a server's error message"),
    "json-in-lines": (b'{\n  "error": "Access denied"\n}\n', "a server's error message"),
    "text": (b"Once upon a time there was a checkpoint.\n", "text file"),
    "zeros": (bytes(1000), "interrupted download"),
    "noise": (bytes(range(255, 100, -1)), "unknown kind"),
    "old-pickle": (b"(dp0\nS'a'\np1\nI1\ns.", "text file"),
    "newer-pickle": (b"\x80\x09" + bytes(100), "unknown kind"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_other_files_are_told_apart(tmp_path: Path, name: str) -> None:
    content, why = FOREIGN[name]
    path = tmp_path / "file.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=why) as caught:
        pof3d.load(path)
    error = caught.value
    assert error.what == "file.safetensors cannot be opened"
    assert error.why and error.todo


def test_a_torch_file_is_named(tmp_path: Path) -> None:
    torch.save({"a": 1}, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match=r"torch\.save"):
        pof3d.load(tmp_path / "model.pt")


def test_paths_that_are_no_files(tmp_path: Path, native: Path) -> None:
    with pytest.raises(CheckpointError, match=r"b\.pkl cannot be opened: there is no such file in"):
        pof3d.load(tmp_path / "b.pkl")
    with pytest.raises(CheckpointError, match="there is no folder"):
        pof3d.load(tmp_path / "no" / "b.pkl")
    with pytest.raises(CheckpointError, match=r"it is a folder.*for example a\.safetensors"):
        pof3d.load(tmp_path)
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(CheckpointError, match="a link to a file that does not exist"):
        pof3d.load(tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="not a regular file"):
        pof3d.load(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="not a regular file"):
        pof3d.load("/dev/zero")
    with pytest.raises(CheckpointError):
        pof3d.load("nul\0l")
    with pytest.raises(CheckpointError):
        pof3d.load(tmp_path / ("x" * 5000))


def test_file_that_may_not_be_read(native: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(CheckpointError, match="permission denied"):
        pof3d.load(native)


def test_disk_that_fails_while_reading(native: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "preadv", broken)
    with pytest.raises(CheckpointError, match="cannot be read: input/output error"):
        pof3d.load(native)


def test_file_that_shrinks_while_it_is_read(native: Path) -> None:
    def shrink(share: float, what: str) -> None:
        os.truncate(native, 1000)

    with pytest.raises(CheckpointError, match="became shorter"):
        pof3d.load(native, progress=shrink)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files through /proc")
def test_no_file_stays_open(tmp_path: Path, native: Path) -> None:
    before = open_descriptors()
    pof3d.load(native)
    (tmp_path / "bad.pkl").write_bytes(b"\x80\x04" + b"N" * 100)
    with pytest.raises(CheckpointError):
        pof3d.load(tmp_path / "bad.pkl")
    assert open_descriptors() == before


def test_network_outlives_its_file(native: Path) -> None:
    network = pof3d.load(native)
    before = network.generator.mapping.map_w(torch.ones(1, 4))
    native.write_bytes(bytes(native.stat().st_size))
    native.unlink()
    assert torch.equal(network.generator.mapping.map_w(torch.ones(1, 4)), before)


@pytest.mark.parametrize("kind", ["native", "release"])
def test_progress_runs_from_nothing_to_everything(tmp_path: Path, native: Path, kind: str) -> None:
    path = native
    if kind == "release":
        path = tmp_path / "file.pkl"
        path.write_bytes(dump(snapshot(tiny_network())))
    shares: list[float] = []
    words: set[str] = set()

    def progress(share: float, what: str) -> None:
        shares.append(share)
        words.add(what)

    pof3d.load(path, progress=progress)
    assert shares == sorted(shares)
    assert shares[0] == 0.0 and shares[-1] == pytest.approx(1.0)
    assert "Reading the generator" in words


@pytest.mark.parametrize("calls", [0, 1, 20])
def test_cancelling(native: Path, calls: int) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > calls

    with pytest.raises(LoadCancelled):
        pof3d.load(native, cancelled=cancelled)


def test_loading_in_a_thread_leaves_others_alone(native: Path) -> None:
    """Building networks without memory must not leak into what other threads make."""
    made: list[Any] = []

    def progress(share: float, what: str) -> None:
        thread = threading.Thread(target=lambda: made.append(torch.zeros(3).device.type))
        thread.start()
        thread.join()

    pof3d.load(native, progress=progress)
    assert set(made) == {"cpu"}


# --------------------------------------------------------------------------------------------- devices
def test_devices_that_are_not_there(native: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeviceError, match="There is no device “toaster”"):
        pof3d.load(native, device="toaster")
    with pytest.raises(DeviceError, match="“meta” cannot be used"):
        pof3d.load(native, device="meta")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=r"finds no CUDA GPU here\. Choose from: cpu"):
        pof3d.load(native, device="cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(DeviceError, match=r"finds only 2 CUDA GPUs here\. Choose from: cpu, cuda:0, cuda:1"):
        pof3d.load(native, device="cuda:2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert find_device("auto") == find_device("cuda") == torch.device("cuda:1")
    assert find_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
        MemoryError(),
    ],
    ids=["cuda", "cpu", "python"],
)
def test_memory_that_does_not_suffice(
    native: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(torch.Tensor, "isfinite", full)
    with pytest.raises(DeviceError, match=r"a\.safetensors does not fit into the memory of cpu"):
        pof3d.load(native)


@pytest.mark.gpu
def test_on_a_gpu(ffhq: pof3d.Network, data: Path) -> None:
    network = pof3d.load(data / "pof3d_ffhq.pkl", device="cuda")
    assert network.device.type == "cuda"
    everything = [*network.generator.parameters(), *network.generator.buffers()]
    assert all(tensor.is_cuda for tensor in everything)
    z = torch.randn(1, 64)
    with torch.no_grad():
        w, pose = ffhq.generator.map(z)
        expected = ffhq.generator.render(w, pose)
        w, pose = network.generator.map(z.cuda())
        image = network.generator.render(w, pose)
    assert float((image.raw.cpu() - expected.raw).abs().mean()) < 1e-2


# -------------------------------------------------------------------------------------------- the package
def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, pof3d, pof3d.config, pof3d.errors; assert 'torch' not in sys.modules"
    root = Path(__file__).resolve().parents[3]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, timeout=60)
    with pytest.raises(AttributeError):
        pof3d.nothing  # noqa: B018


def test_a_download_that_is_not_complete(tmp_path: Path) -> None:
    """Programs that reserve the space first leave zeros where nothing has come yet."""
    content = dump(snapshot(tiny_network()))
    for kept in (200, len(content) // 2, len(content) - 40):
        (tmp_path / "a.pkl").write_bytes(content[:kept] + bytes(len(content) - kept))
        with pytest.raises(CheckpointError, match="it ends in zeros: the download is incomplete") as caught:
            pof3d.load(tmp_path / "a.pkl")
        assert "nothing in it was run" not in str(caught.value)


@pytest.mark.parametrize("kind", ["native", "release"])
@pytest.mark.parametrize("change", ["truncated", "gone", "grown", "replaced"])
def test_files_that_change_while_they_are_read(kind: str, change: str, tmp_path: Path, native: Path) -> None:
    path = native
    if kind == "release":
        path = tmp_path / "a.pkl"
        path.write_bytes(dump(snapshot(tiny_network())))
    changed: list[float] = []

    def progress(share: float, what: str) -> None:
        if share > 0.3 and not changed:
            changed.append(share)
            if change == "truncated":
                os.truncate(path, path.stat().st_size // 3)
            elif change == "grown":
                with path.open("ab") as file:
                    file.write(bytes(5000))
            else:
                path.unlink()
                if change == "replaced":
                    path.mkdir()

    if change == "truncated":
        with pytest.raises(CheckpointError, match="it became shorter while it was read"):
            pof3d.load(path, progress=progress)
    else:
        assert pof3d.load(path, progress=progress).discriminator is not None
    assert changed
