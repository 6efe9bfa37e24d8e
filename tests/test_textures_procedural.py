"""Procedural textures: what each promises of its law."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from inng_bench.errors import InputError
from inng_bench.textures import Kind, load_texture, texture_infos
from inng_bench.textures.gaussian_field import COLOURS, MEAN
from inng_bench.textures.procedural import realise
from inng_bench.textures.texture import Texture

NAMES = [info.name for info in texture_infos() if info.kind is Kind.PROCEDURAL]


@cache
def draw(name: str, seed: int, size: tuple[int, int] = (96, 96)) -> NDArray[np.uint8]:
    return realise(name, size, np.random.default_rng(seed))


def both_windows(texture: Texture) -> list[NDArray[np.float64]]:
    return [window.astype(np.float64) for window in (texture.train, *texture.held_out)]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_picture_and_another_one_does_not_whatever_the_global_generator(name: str) -> None:
    before = np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002 - it is what must not change
    again = realise(name, (96, 96), np.random.default_rng(1))
    np.testing.assert_array_equal(before, np.random.get_state(legacy=False)["state"]["key"])  # noqa: NPY002
    np.testing.assert_array_equal(draw(name, 1), again)
    assert np.mean(draw(name, 2) != again) > 0.9


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(64, 200), (130, 65)])
def test_any_size_is_drawn(name: str, size: tuple[int, int]) -> None:
    picture = draw(name, 1, size)
    assert picture.shape == (*size, 3)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize("name", NAMES)
def test_a_texture_is_coloured_and_of_good_contrast(name: str) -> None:
    for window in both_windows(load_texture(name)):
        assert window.std(axis=(0, 1)).min() > 12
        assert np.abs(window[..., 0] - window[..., 2]).mean() > 12
        assert np.mean((window == 0) | (window == 255)) < 0.005


@pytest.mark.parametrize("name", NAMES)
def test_realisations_are_of_one_law(name: str) -> None:
    """Mean colours of independent realisations scatter far less than pixels do."""
    means = np.array([draw(name, seed, (256, 256)).mean(axis=(0, 1)) for seed in range(6)])
    spread = draw(name, 0, (256, 256)).std(axis=(0, 1))
    assert np.all(means.std(axis=0) < 0.35 * spread)


def test_no_procedural_texture_of_a_wrong_name() -> None:
    with pytest.raises(InputError, match=r"'gravel'; choose one of pebbles"):
        draw("gravel", 1)


def test_the_field_has_the_mean_and_the_covariance_that_it_promises() -> None:
    pixels = np.concatenate([draw("field", seed, (320, 320)).reshape(-1, 3) for seed in range(8)]).astype(np.float64)
    expected = COLOURS.T @ COLOURS
    # Wavelengths from 5 to 80 px leave some hundreds of independent values per realisation.
    np.testing.assert_allclose(pixels.mean(axis=0), MEAN, atol=1.5)
    np.testing.assert_allclose(np.cov(pixels.T), expected, atol=0.08 * expected.max())


def test_the_field_is_gaussian() -> None:
    pixels = np.concatenate([draw("field", seed, (320, 320)).reshape(-1, 3) for seed in range(8)]).astype(np.float64)
    standard = (pixels - pixels.mean(axis=0)) / pixels.std(axis=0)
    assert np.abs((standard**3).mean(axis=0)).max() < 0.12
    assert np.abs((standard**4).mean(axis=0) - 3.0).max() < 0.25


def test_clipping_touches_less_than_a_thousandth_of_the_field() -> None:
    clipped = [
        np.mean((picture == 0) | (picture == 255)) for picture in (draw("field", s, (320, 320)) for s in range(8))
    ]
    assert np.mean(clipped) < 1e-3


def test_the_field_has_no_power_outside_its_bands() -> None:
    grey = draw("field", 3, (320, 320)).mean(axis=2)
    taper = np.outer(np.hanning(320), np.hanning(320))
    power = np.abs(np.fft.fft2((grey - grey.mean()) * taper)) ** 2
    frequency = np.hypot(np.fft.fftfreq(320)[:, None], np.fft.fftfreq(320)[None, :])
    beyond = (frequency > 1 / 5 + 0.02) | (frequency < 1 / 80 - 0.009)
    assert power[beyond].mean() < 1e-3 * power[~beyond].mean()


def test_cloth_repeats_after_two_threads() -> None:
    grey = draw("cloth", 1, (256, 256)).mean(axis=2)
    power = np.abs(np.fft.rfft2(grey - grey.mean())) ** 2
    row, column = np.unravel_index(np.argmax(power), power.shape)
    period = 28.0
    assert 256 / min(row, 256 - row) == pytest.approx(period, rel=0.12)
    assert 256 / column == pytest.approx(period, rel=0.12)


def test_wood_runs_along_the_columns() -> None:
    grey = draw("wood", 1, (256, 256)).mean(axis=2)
    along, across = np.abs(np.diff(grey, axis=0)).mean(), np.abs(np.diff(grey, axis=1)).mean()
    assert across > 4 * along


def test_pebbles_have_dark_gaps_between_stones_of_many_colours() -> None:
    picture = draw("pebbles", 1, (256, 256)).astype(np.float64)
    grey = picture.mean(axis=2)
    assert 0.08 < np.mean(grey < 50) < 0.35
    stones = picture[grey > 110]
    hue = stones[:, 0] - stones[:, 2]
    assert hue.std() > 20


def levels(name: str, seed: int) -> NDArray[np.float64]:
    return draw(name, seed, (256, 256)).astype(np.float64)


def strongest_period(profile: NDArray[np.float64]) -> float:
    """Period in pixels of the strongest wave of a profile; a mean over 10 px damps its overtones."""
    profile = np.convolve(profile, np.full(10, 0.1), mode="valid")
    power = np.abs(np.fft.rfft((profile - profile.mean()) * np.hanning(len(profile)), 16 * len(profile))) ** 2
    return 16 * len(profile) / float(np.argmax(power))


SOLIDS = ["brick", "roof-tiles", "terrazzo", "marble", "rust"]


@pytest.mark.parametrize("name", SOLIDS)
def test_the_border_is_like_the_middle(name: str) -> None:
    """The mean over realisations neither darkens towards a border nor tilts, beyond what eight of them scatter."""
    pictures = np.array([levels(name, seed) for seed in range(8)])
    tiles = pictures.reshape(8, 4, 64, 4, 64, 3).mean(axis=(2, 4))
    scatter = tiles.std(axis=0, ddof=1).mean(axis=(0, 1)) / np.sqrt(8)
    deviation = np.abs(tiles.mean(axis=0) - tiles.mean(axis=(0, 1, 2))) / scatter
    assert deviation.max() < 3.2  # a border 10 % darker than the middle gives 3.3 to 8


@pytest.mark.parametrize("name", SOLIDS)
def test_nothing_repeats_between_two_places_of_one_realisation(name: str) -> None:
    """The correlation of the two halves, at its best shift, is far from that of a copy."""
    grey = levels(name, 3).mean(axis=2)
    left, right = grey[:, :128] - grey[:, :128].mean(), grey[:, 128:] - grey[:, 128:].mean()
    overlap = np.fft.irfft2(np.fft.rfft2(left) * np.conj(np.fft.rfft2(right)), left.shape)
    assert overlap.max() / (left.size * left.std() * right.std()) < 0.6


def test_courses_of_brick_repeat_and_every_other_one_is_shifted_by_half_a_brick() -> None:
    picture = levels("brick", 1)
    assert strongest_period(picture.mean(axis=(1, 2))) == pytest.approx(19.5, rel=0.06)
    # Mortar is grey and bricks are red; sums over a brick's height leave the upright joints.
    joints = gaussian_filter((picture[..., 0] - picture[..., 2] < 32).astype(np.float64), (4.0, 1.5))
    joints = joints - joints.mean(axis=1, keepdims=True)

    def alike(down: int, right: int) -> float:
        return float(np.mean(joints[: 256 - down, : 256 - right] * joints[down:, right:]) / joints.var())

    course, brick = 19, 47
    assert alike(course, brick // 2) > alike(course, brick) + 0.2
    assert alike(2 * course + 1, 0) > alike(2 * course + 1, brick // 2) + 0.2


def test_rows_of_roof_tiles_repeat() -> None:
    assert strongest_period(levels("roof-tiles", 1).mean(axis=(1, 2))) == pytest.approx(23.0, rel=0.06)


def test_chips_of_terrazzo_are_of_many_hues_in_a_grey_ground() -> None:
    picture = levels("terrazzo", 1)
    chroma = picture[..., 0] - picture[..., 2]
    assert np.mean(np.abs(chroma - np.median(chroma)) < 12) > 0.4
    assert np.mean(chroma > 70) > 0.03
    assert np.mean(chroma < 10) > 0.05


def test_veins_of_marble_lean_to_the_left_as_they_go_down() -> None:
    down, right = np.gradient(levels("marble", 1).mean(axis=2))
    assert np.mean(down * right) > 0.2 * np.sqrt(np.mean(down**2) * np.mean(right**2))


def test_rust_stains_the_paint_below_it_more_than_the_paint_above() -> None:
    pictures = [levels("rust", seed) for seed in range(4)]
    below, above = [], []
    for picture in pictures:
        warmth = picture[..., 0] - picture[..., 2]
        bare = warmth > 40
        paint = warmth < 20
        lower, upper = paint[12:] & bare[:-12], paint[:-12] & bare[12:]
        below.append(warmth[12:][lower].mean())
        above.append(warmth[:-12][upper].mean())
    assert np.mean(below) > np.mean(above) + 2.0
