"""Opening images: 16 bits, orientation, the kinds of files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import ExifTags, Image, TiffImagePlugin

from pof3d.data import ImageFolder, decoding
from pof3d.data.batches import ImageBatches
from pof3d.data.decoding import SetReader

DEEP = np.array([[0, 128, 129], [257 * 100, 257 * 100 + 129, 65535]], np.uint16)
SHALLOW = [[0, 0, 1], [100, 101, 255]]
"""DEEP / 257, rounded to the nearest."""


def grey(path: Path) -> list[list[int]]:
    image = np.asarray(SetReader(path.parent).image(path.name))
    assert image.shape[2] == 3
    assert (image == image[..., :1]).all()
    return image[..., 0].tolist()


# ------------------------------------------------------------------------------------------------ 16 bits
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bit_grey_is_scaled(tmp_path: Path, name: str) -> None:
    Image.fromarray(DEEP).save(tmp_path / name)
    assert grey(tmp_path / name) == SHALLOW


def test_16_bits_of_the_other_byte_order(tmp_path: Path) -> None:
    Image.fromarray(DEEP.astype(">u2")).save(tmp_path / "a.tif")
    assert (tmp_path / "a.tif").read_bytes()[:2] == b"MM"
    assert grey(tmp_path / "a.tif") == SHALLOW


def test_mode_i_of_a_png_has_16_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older versions of Pillow give 16-bit PNG files this mode."""
    Image.fromarray(DEEP).save(tmp_path / "a.png")
    real = Image.open

    def older(file: io.BytesIO) -> Image.Image:
        image = real(file)
        wide = Image.fromarray(np.asarray(image).astype(np.int32))
        assert wide.mode == "I"
        wide.format = image.format
        return wide

    monkeypatch.setattr(decoding.Image, "open", older)
    assert grey(tmp_path / "a.png") == SHALLOW


def test_the_transparent_value_of_16_bits_is_white(tmp_path: Path) -> None:
    image = Image.fromarray(DEEP)
    image.save(tmp_path / "a.png", transparency=257 * 100)
    with Image.open(tmp_path / "a.png") as stored:
        assert stored.info["transparency"] == 257 * 100
    assert grey(tmp_path / "a.png") == [[0, 0, 1], [255, 101, 255]]


@pytest.mark.parametrize("budget", [0, 1 << 20])
@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_unknown_ranges_are_named_and_skipped(tmp_path: Path, suffix: str, budget: int) -> None:
    """Signed, 32 bits, floating point, white is zero; held and streamed alike."""
    folder = tmp_path / "set"
    folder.mkdir()
    kinds: dict[str, npt.NDArray[np.generic]] = {
        "float": DEEP / np.float32(65535),
        "wide": DEEP.astype(np.int32),
    }
    for name, values in kinds.items():
        Image.fromarray(values).save(folder / f"{name}.tif")
    Image.fromarray(DEEP).save(folder / "inverted.tif")
    patch_tag(folder / "inverted.tif", TiffImagePlugin.PHOTOMETRIC_INTERPRETATION, 0)
    Image.fromarray(DEEP).save(folder / "signed.tif", tiffinfo={TiffImagePlugin.SAMPLEFORMAT: 2})
    Image.fromarray(DEEP).save(folder / "good.tif")
    if suffix:
        with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for file in folder.iterdir():
                archive.write(file, file.name)
    with (
        ImageFolder(tmp_path / f"set{suffix}") as data,
        ImageBatches(data, 2, batch=1, seed=0, workers=0, memory_budget=budget) as batches,
    ):
        assert batches.names == ["good.tif"]
        assert data.skipped_message() == (
            "skipped 4 unreadable images: float.tif, inverted.tif, signed.tif, wide.tif"
        )


def patch_tag(file: Path, tag: int, value: int) -> None:
    """Overwrite a short value in the first directory of a little-endian TIFF file."""
    content = bytearray(file.read_bytes())
    start = int.from_bytes(content[4:8], "little")
    for entry in range(start + 2, start + 2 + 12 * int.from_bytes(content[start : start + 2], "little"), 12):
        if int.from_bytes(content[entry : entry + 2], "little") == tag:
            content[entry + 8 : entry + 10] = value.to_bytes(2, "little")
            file.write_bytes(content)
            return
    raise AssertionError(f"no tag {tag}")


# -------------------------------------------------------------------------------------------- orientation
UPRIGHT = np.arange(6, dtype=np.uint8).reshape(2, 3) * 50
STORED = {  # what a camera stores, by the meaning of the tag's values
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],  # left and right swapped
    3: UPRIGHT[::-1, ::-1],  # half a turn
    4: UPRIGHT[::-1],  # upside down, mirrored
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT),  # shown after a quarter turn clockwise
    7: UPRIGHT[::-1, ::-1].T,
    8: np.rot90(UPRIGHT, -1),
}


def save_turned(path: Path, orientation: int, pixels: npt.NDArray[np.generic]) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, exif=exif, lossless=True)  # WebP asks


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_images_are_turned_upright_once(tmp_path: Path, orientation: int, suffix: str) -> None:
    save_turned(tmp_path / f"a.{suffix}", orientation, np.stack([STORED[orientation]] * 3, axis=-1))
    assert grey(tmp_path / f"a.{suffix}") == UPRIGHT.tolist()


@pytest.mark.parametrize("orientation", [2, 6])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_images_are_turned_too(tmp_path: Path, orientation: int, suffix: str) -> None:
    save_turned(tmp_path / f"a.{suffix}", orientation, STORED[orientation].astype(np.uint16) * 257)
    assert grey(tmp_path / f"a.{suffix}") == UPRIGHT.tolist()


def test_a_jpeg_is_turned_before_it_is_cropped(tmp_path: Path) -> None:
    """A portrait, stored lying: the centred square has its upper half red, as the scene has."""
    portrait = np.zeros((96, 32, 3), np.uint8)
    portrait[:48, :, 0] = 255
    save_turned(tmp_path / "a.jpg", 6, np.rot90(portrait))
    square = SetReader(tmp_path).square("a.jpg", 32)
    assert square.shape == (3, 32, 32)
    assert square[0, :12].min() > 240
    assert square[0, 20:].max() < 15


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("seed", range(40))
def test_damaged_exif_data_make_no_image_unreadable(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "Maker"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] = 0.5
    content = bytearray(exif.tobytes())
    for place in rng.integers(6 if seed % 4 else 0, len(content), 1 + seed % 5):
        content[place] = rng.integers(256)
    Image.new("RGB", (5, 3), (9, 9, 9)).save(
        tmp_path / "a.png", exif=bytes(content[: None if seed % 3 else 20])
    )
    assert sorted(SetReader(tmp_path).image("a.png").size) == [3, 5]


# -------------------------------------------------------------------------------------------------- kinds
@pytest.mark.parametrize("name", ["a.bmp", "a.BMP", "a.tif", "a.tiff", "a.TIF"])
def test_bmp_and_tiff_are_read(tmp_path: Path, name: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / name)
    with ImageFolder(tmp_path) as data:
        assert data.names == [name]
        np.testing.assert_array_equal(data.read(0), pixels.transpose(2, 0, 1))


def test_the_first_of_several_images_is_read(tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (4, 4), (red, 0, 0)) for red in (200, 10))
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second])
    with ImageFolder(tmp_path) as data:
        assert data.read(0)[0].tolist() == [[200] * 4] * 4


def test_headers_of_huge_members_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_MAX_MEMBER", 1000)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a.tif", bytes(1001))
    reader = SetReader(tmp_path / "set.zip")
    with pytest.raises(ValueError, match="larger than 1000 bytes"):
        reader.check_header("a.tif")
    reader.close()
