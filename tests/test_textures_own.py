"""One's own picture: every mode is read as people see it, every bad file is refused in one sentence."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from inng_bench.errors import InputError
from inng_bench.textures import Kind, Role, load_own_texture

GREY = np.random.default_rng(0).integers(0, 256, (200, 160), np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (200, 160, 3), np.uint8)


def read(path: Path) -> NDArray[np.uint8]:
    """The whole picture: of 160x200 px there is one window."""
    texture = load_own_texture(path)
    assert texture.held_out == ()
    return texture.train


def as_rgb(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.stack([grey] * 3, axis=-1)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG by the letter of the standard, independent of any library; ``rows`` without filter bytes."""
    stride = max(1, len(rows) // height)
    raw = b"".join(b"\0" + rows[i : i + stride] for i in range(0, len(rows), stride))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def refusal(path: Path, scale: float | None = None) -> str:
    """The message of the refusal: one sentence, in one line, that names the file."""
    with pytest.raises(InputError) as refused:
        load_own_texture(path, scale)
    message = str(refused.value)
    assert path.name in message
    assert message.endswith(".")
    assert "\n" not in message
    return message


# --- modes -----------------------------------------------------------------------------------------------------------


def test_colour_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(160, 200, 8, 2, COLOUR.tobytes()))
    np.testing.assert_array_equal(read(tmp_path / "a.png"), COLOUR)


def test_grey_is_read_as_three_equal_channels(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(160, 200, 8, 0, GREY.tobytes()))
    np.testing.assert_array_equal(read(tmp_path / "a.png"), as_rgb(GREY))


def test_black_and_white_is_0_and_255(tmp_path: Path) -> None:
    bits = GREY > 127
    (tmp_path / "a.png").write_bytes(png(160, 200, 1, 0, np.packbits(bits, axis=1).tobytes()))
    np.testing.assert_array_equal(read(tmp_path / "a.png"), as_rgb(np.where(bits, 255, 0).astype(np.uint8)))


def test_16_bit_grey_is_scaled_to_8_bits(tmp_path: Path) -> None:
    levels = np.random.default_rng(2).integers(0, 65536, (200, 160))
    levels[0, :2] = (0, 65535)
    (tmp_path / "a.png").write_bytes(png(160, 200, 16, 0, levels.astype(">u2").tobytes()))
    np.testing.assert_array_equal(read(tmp_path / "a.png"), as_rgb(np.rint(levels / 257).astype(np.uint8)))


def test_a_dark_16_bit_picture_stays_dark(tmp_path: Path) -> None:
    levels = GREY.astype(np.uint16) * 16
    (tmp_path / "a.png").write_bytes(png(160, 200, 16, 0, levels.astype(">u2").tobytes()))
    np.testing.assert_array_equal(read(tmp_path / "a.png"), as_rgb(np.rint(levels / 257).astype(np.uint8)))


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_16_bit_tiff_of_either_byte_order(tmp_path: Path, order: str) -> None:
    levels = np.random.default_rng(3).integers(0, 65536, (200, 160)).astype(order)
    Image.fromarray(levels).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(
        read(tmp_path / "a.tif"), as_rgb(np.rint(levels.astype(float) / 257).astype(np.uint8))
    )


def test_16_bit_colour_keeps_its_high_bytes(tmp_path: Path) -> None:
    levels = np.random.default_rng(4).integers(0, 65536, (200, 160, 3)).astype(">u2")
    (tmp_path / "a.png").write_bytes(png(160, 200, 16, 2, levels.tobytes()))
    assert np.abs(read(tmp_path / "a.png").astype(float) - levels.astype(float) / 257).max() <= 1.0


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    palette = np.random.default_rng(5).integers(0, 256, (256, 3), np.uint8)
    extra = chunk(b"PLTE", palette.tobytes())
    (tmp_path / "a.png").write_bytes(png(160, 200, 8, 3, GREY.tobytes(), extra))
    np.testing.assert_array_equal(read(tmp_path / "a.png"), palette[GREY])


def on_white(colour: NDArray[np.generic], alpha: NDArray[np.generic]) -> NDArray[np.float64]:
    share = np.asarray(alpha, dtype=np.float64)[..., None] / 255
    return np.asarray(np.asarray(colour, dtype=np.float64) * share + 255 * (1 - share))


def test_transparent_entries_of_a_palette_are_laid_on_white(tmp_path: Path) -> None:
    generator = np.random.default_rng(6)
    palette = generator.integers(0, 256, (256, 3), np.uint8)
    alpha = generator.integers(0, 256, 256, np.uint8)
    extra = chunk(b"PLTE", palette.tobytes()) + chunk(b"tRNS", alpha.tobytes())
    (tmp_path / "a.png").write_bytes(png(160, 200, 8, 3, GREY.tobytes(), extra))
    expected = on_white(palette[GREY], alpha[GREY])
    assert np.abs(read(tmp_path / "a.png") - expected).max() <= 1.0


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_an_alpha_channel_is_laid_on_white(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    picture = Image.fromarray(np.dstack([COLOUR, GREY]))
    if suffix == "webp":
        picture.save(path, lossless=True, exact=True)
    else:
        picture.save(path)
    assert np.abs(read(path) - on_white(COLOUR, GREY)).max() <= 1.0


def test_grey_with_alpha_is_laid_on_white(tmp_path: Path) -> None:
    alpha = GREY.T.reshape(200, 160)
    rows = np.dstack([GREY, alpha]).tobytes()
    (tmp_path / "a.png").write_bytes(png(160, 200, 8, 4, rows))
    assert np.abs(read(tmp_path / "a.png") - on_white(as_rgb(GREY), alpha)).max() <= 1.0


def test_a_transparent_colour_is_white(tmp_path: Path) -> None:
    extra = chunk(b"tRNS", struct.pack(">H", 7))
    (tmp_path / "a.png").write_bytes(png(160, 200, 8, 0, GREY.tobytes(), extra))
    np.testing.assert_array_equal(read(tmp_path / "a.png"), as_rgb(np.where(GREY == 7, 255, GREY).astype(np.uint8)))


def test_cmyk_is_light_less_its_inks(tmp_path: Path) -> None:
    inks = np.dstack([COLOUR, GREY // 4])
    Image.fromarray(inks, mode="CMYK").save(tmp_path / "a.tif")
    expected = (255.0 - COLOUR) * (255.0 - inks[..., 3:]) / 255.0
    assert np.abs(read(tmp_path / "a.tif") - expected).max() <= 2.0


def smooth_colour() -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:200, :160]
    return np.stack([rows, columns + 60, 220 - rows // 2 - columns // 2], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_jpeg_of_both_colour_models(tmp_path: Path, mode: str) -> None:
    picture = smooth_colour()
    Image.fromarray(picture).convert(mode).save(tmp_path / "a.jpg", quality=98)
    assert np.abs(read(tmp_path / "a.jpg").astype(float) - picture).max() <= 8.0


def test_ycbcr_tiff_is_turned_into_rgb(tmp_path: Path) -> None:
    """By the formula of ITU-R BT.601 in full range."""
    picture = smooth_colour()
    Image.fromarray(picture).convert("YCbCr").save(tmp_path / "a.tif", compression="raw")
    assert np.abs(read(tmp_path / "a.tif").astype(float) - picture).max() <= 3.0


@pytest.mark.parametrize("white", [255, 65535])
def test_32_bit_integers_are_read_by_their_range(tmp_path: Path, white: int) -> None:
    levels = np.random.default_rng(7).integers(0, white + 1, (200, 160)).astype(np.int32)
    levels[0, 0] = white
    Image.fromarray(levels).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), as_rgb(np.rint(levels * (255 / white)).astype(np.uint8)))


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
def test_floating_point_is_read_by_its_range(tmp_path: Path, white: float) -> None:
    levels = (np.random.default_rng(8).random((200, 160)) * white).astype(np.float32)
    Image.fromarray(levels).save(tmp_path / "a.tif")
    assert np.abs(read(tmp_path / "a.tif")[..., 1] - levels.astype(float) * 255 / white).max() <= 0.501


@pytest.mark.parametrize("worst", [-1.0, 1e9, float("nan"), float("inf")])
def test_floating_point_of_unknown_range_is_refused(tmp_path: Path, worst: float) -> None:
    levels = np.random.default_rng(8).random((200, 160)).astype(np.float32)
    levels[3, 3] = worst
    Image.fromarray(levels).save(tmp_path / "a.tif")
    assert "save it as an 8-bit PNG" in refusal(tmp_path / "a.tif")


EXIF_UPRIGHT = {
    1: COLOUR,
    2: COLOUR[:, ::-1],
    3: COLOUR[::-1, ::-1],
    4: COLOUR[::-1],
    5: COLOUR.transpose(1, 0, 2),
    6: COLOUR.transpose(1, 0, 2)[:, ::-1],
    7: COLOUR.transpose(1, 0, 2)[::-1, ::-1],
    8: COLOUR.transpose(1, 0, 2)[::-1],
}
"""What a viewer shows of a file whose stored rows are COLOUR, by the table of the EXIF standard."""


@pytest.mark.parametrize("orientation", EXIF_UPRIGHT)
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_the_exif_orientation_is_applied(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(COLOUR).save(tmp_path / f"a.{suffix}", exif=exif)
    np.testing.assert_array_equal(read(tmp_path / f"a.{suffix}"), EXIF_UPRIGHT[orientation])


def test_the_main_picture_of_a_phones_jpeg_is_taken(tmp_path: Path) -> None:
    preview = Image.new("RGB", (160, 200), "red")
    Image.fromarray(smooth_colour()).save(
        tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[preview], quality=98
    )
    assert np.abs(read(tmp_path / "a.jpg").astype(float) - smooth_colour()).max() <= 8.0


# --- windows, scale, facts -------------------------------------------------------------------------------------------


def save_noise(path: Path, height: int, width: int) -> Path:
    Image.fromarray(np.random.default_rng(9).integers(0, 256, (height, width, 3), np.uint8)).save(path)
    return path


def test_a_picture_of_more_than_256_px_has_disjoint_windows(tmp_path: Path) -> None:
    path = save_noise(tmp_path / "a.png", 257, 150)
    texture = load_own_texture(path)
    whole = np.asarray(Image.open(path))
    np.testing.assert_array_equal(texture.train, whole[:128])
    np.testing.assert_array_equal(texture.held_out, [whole[128:256]])
    assert (texture.kind, texture.role) == (Kind.OWN, Role.NONE)


def test_a_large_picture_is_scaled_to_512_px_by_itself_and_says_so(tmp_path: Path) -> None:
    texture = load_own_texture(save_noise(tmp_path / "a.png", 800, 1000))
    assert texture.train.shape == (205, 256, 3)
    assert texture.facts().scale == pytest.approx(0.512)


def test_a_scale_that_is_asked_for_is_kept(tmp_path: Path) -> None:
    path = save_noise(tmp_path / "a.png", 400, 600)
    assert load_own_texture(path, 1.0).train.shape == (200, 300, 3)
    assert load_own_texture(path, 0.4).train.shape == (160, 240, 3)
    assert load_own_texture(path, 1).facts().scale == 1.0


def test_a_small_picture_can_be_enlarged(tmp_path: Path) -> None:
    path = save_noise(tmp_path / "a.png", 64, 64)
    assert load_own_texture(path, 2.0).train.shape == (128, 128, 3)


def test_neither_folders_nor_metadata_reach_the_facts(tmp_path: Path) -> None:
    folder = tmp_path / "Secret Person"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x013B] = "Secret Person"
    Image.fromarray(COLOUR).save(folder / "wall.jpg", exif=exif)
    facts = load_own_texture(folder / "wall.jpg").facts()
    assert facts.source == "wall.jpg"
    assert facts.kind == "own"
    assert "ecret" not in facts.model_dump_json()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Grey Wall (2).png", "grey-wall-2"),
        ("Überlingen_3.png", "uberlingen_3"),
        ("石.png", "picture"),
        ("..png", "picture"),
        ("brick.png", "own-brick"),
        ("a" * 200 + ".png", "a" * 64),
        ("x;rm -rf ~.png", "x-rm-rf"),
    ],
)
def test_the_name_is_safe_and_never_that_of_the_catalogue(tmp_path: Path, file: str, name: str) -> None:
    (tmp_path / file).write_bytes(png(160, 200, 8, 2, COLOUR.tobytes()))
    texture = load_own_texture(tmp_path / file)
    assert texture.name == name
    assert texture.facts().source == file


def test_a_file_name_that_is_not_text_is_made_printable(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/wall\xff\n.png"))
    path.write_bytes(png(160, 200, 8, 2, COLOUR.tobytes()))
    assert load_own_texture(path).facts().model_dump_json()
    assert load_own_texture(path).source == "wall??.png"


# --- bad input -------------------------------------------------------------------------------------------------------


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "there is no file" in refusal(tmp_path / "none.png")


def test_a_file_used_as_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("x")
    assert "there is no file" in refusal(tmp_path / "a.png" / "b.png")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "not a regular file" in refusal(tmp_path / "pipe.png")


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / ("a" * 300 + ".png"))


def test_a_file_without_read_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_noise(tmp_path / "a.png", 200, 160)
    path.chmod(0)
    if os.access(path, os.R_OK):  # the superuser may read everything

        def deny(self: Path, mode: str = "r") -> None:
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "open", deny)
    assert "Permission denied" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"this is a text\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", bytes(5000)])
def test_a_file_that_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    assert "8-bit PNG" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["GIF", "BMP", "PPM", "ICO"])
def test_other_formats_are_refused_even_under_a_right_suffix(tmp_path: Path, kind: str) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "a.png", format=kind)
    assert "is not a PNG, JPEG, TIFF or WebP picture" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_picture_is_refused_by_name(tmp_path: Path, suffix: str, share: float) -> None:
    path = save_noise(tmp_path / f"a.{suffix}", 200, 160)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert "save it as an 8-bit PNG" in refusal(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_damage_anywhere_is_refused_in_a_sentence_or_survived(tmp_path: Path, suffix: str) -> None:
    path = save_noise(tmp_path / f"a.{suffix}", 130, 130)
    whole = path.read_bytes()
    generator = np.random.default_rng(10)
    refusals = []
    for _ in range(60):
        damaged = bytearray(whole)
        for place in generator.integers(0, min(len(whole), 400), 4):
            damaged[place] = generator.integers(0, 256)
        path.write_bytes(damaged)
        try:
            load_own_texture(path)
        except InputError as error:
            refusals.append(str(error))
    assert refusals
    assert all(path.name in message for message in refusals)


@pytest.mark.parametrize("size", [(60000, 60000), (10000, 9000), (8001, 8000)])
def test_a_huge_header_is_refused_before_decoding(tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "a.png").write_bytes(png(*size, 8, 2, b"\0" * size[1]))
    assert "megapixels" in refusal(tmp_path / "a.png")


def test_a_huge_tiff_header_is_refused(tmp_path: Path) -> None:
    entries = [(256, 4, 60000), (257, 4, 60000), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (279, 4, 1)]
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    content = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(entries)) + table + bytes(4)
    (tmp_path / "a.tif").write_bytes(content)
    assert "megapixels" in refusal(tmp_path / "a.tif")


def test_enlarging_beyond_the_limit_is_refused_before_it_happens(tmp_path: Path) -> None:
    path = save_noise(tmp_path / "a.png", 1200, 1200)
    assert "megapixels" in refusal(path, 8.0)


def test_40_by_40_px_is_refused(tmp_path: Path) -> None:
    assert "40x40 px but needs at least 128 px on each side" in refusal(save_noise(tmp_path / "a.png", 40, 40))


def test_a_scale_that_makes_the_picture_too_small_is_named(tmp_path: Path) -> None:
    assert "75x50 px after scaling by 0.25" in refusal(save_noise(tmp_path / "a.png", 200, 300), 0.25)


def test_a_long_strip_is_scaled_no_further_than_its_short_side_allows(tmp_path: Path) -> None:
    texture = load_own_texture(save_noise(tmp_path / "a.png", 200, 2000))
    assert texture.train.shape == (128, 320, 3)


@pytest.mark.parametrize("size", [(200, 160), (300, 300)])
def test_a_constant_picture_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, (10, 200, 30)).save(tmp_path / "a.png")
    assert "single colour" in refusal(tmp_path / "a.png")


def test_a_picture_with_one_empty_half_is_refused(tmp_path: Path) -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[:, :150] = COLOUR[:, :150]
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert "single colour in one of its windows" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_several_pictures_in_one_file_are_refused_by_number(tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(np.roll(COLOUR, shift, axis=0)) for shift in (0, 50, 100)]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    assert "holds 3 pictures" in refusal(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("scale", [0.0, -1.0, 8.01, float("nan"), float("inf")])
def test_a_scale_out_of_range_is_refused(tmp_path: Path, scale: float) -> None:
    with pytest.raises(InputError, match="above 0 and at most 8"):
        load_own_texture(save_noise(tmp_path / "a.png", 200, 160), scale)


def test_the_decoders_limits_are_left_as_they_were(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    (tmp_path / "a.png").write_bytes(png(60000, 60000, 8, 2, b"\0" * 60000))
    refusal(tmp_path / "a.png")
    assert before == Image.MAX_IMAGE_PIXELS
