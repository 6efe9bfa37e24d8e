import numpy as np
import pytest

from inng_bench.metrics.crops import cut, disjoint, grid, groups, scattered


@pytest.mark.parametrize(
    ("images", "size"),
    [
        (1, (256, 128)),
        (1, (512, 256)),
        (4, (256, 256)),
        (64, (64, 64)),
        (3, (100, 70)),
        (7, (48, 300)),
        (3000, (64, 64)),
    ],
)
def test_the_grid_has_exactly_the_wanted_number_of_crops_inside_the_pictures(
    images: int, size: tuple[int, int]
) -> None:
    places = grid(2048, images, size, 48)
    assert len(places) == 2048
    assert places.min() >= 0
    assert (places[:, 1:].max(0) <= np.array(size) - 48).all()
    per_image = np.bincount(places[:, 0], minlength=images)
    assert per_image.max() - per_image.min() <= 1


@pytest.mark.parametrize(("images", "size"), [(1, (256, 128)), (4, (256, 256)), (64, (64, 64))])
def test_the_grid_reaches_all_borders_and_no_place_twice(images: int, size: tuple[int, int]) -> None:
    places = grid(2048, images, size, 48)
    assert len(np.unique(places, axis=0)) == 2048
    for image in range(images):
        tops, lefts = places[places[:, 0] == image, 1:].T
        assert (tops.min(), tops.max()) == (0, size[0] - 48)
        assert (lefts.min(), lefts.max()) == (0, size[1] - 48)


def test_the_steps_of_the_grid_are_nearly_equal_in_both_directions() -> None:
    places = grid(2048, 1, (256, 128), 48)
    tops = np.unique(places[:, 1])
    lefts = np.sort(places[places[:, 1] == 0, 2])
    assert np.diff(tops).mean() == pytest.approx(np.diff(lefts).mean(), rel=0.1)


def test_a_single_crop_is_the_middle_one() -> None:
    assert grid(1, 1, (64, 64), 32).tolist() == [[0, 16, 16]]


def test_a_picture_smaller_than_a_crop_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        grid(8, 1, (200, 47), 48)


@pytest.mark.parametrize(("images", "size"), [(1, (32, 32)), (4, (256, 200)), (64, (64, 64)), (500, (40, 64))])
def test_scattered_crops_lie_inside_and_move_with_every_pixel_and_with_nothing_else(
    images: int, size: tuple[int, int]
) -> None:
    pictures = np.zeros((images, *size, 3), np.uint8)
    places = scattered(48, pictures, 32)
    assert (places[:, 1:] >= 0).all()
    assert (places[:, 1:] <= np.array(size) - 32).all()
    np.testing.assert_array_equal(places, scattered(48, pictures.copy(), 32))
    np.testing.assert_array_equal(places[:, 0], grid(48, images, size, 32)[:, 0])
    pictures[-1, -1, -1, -1] = 1
    assert size == (32, 32) or (places != scattered(48, pictures, 32)).any()


def test_scattered_crops_leave_no_part_of_a_picture_out() -> None:
    found = np.zeros((256, 256), int)
    for number in range(200):
        for _, top, left in scattered(12, np.full((1, 256, 256, 3), number, np.uint8), 32):
            found[top : top + 32, left : left + 32] += 1
    assert found[8:-8, 8:-8].min() > 0
    assert found[32:-32, 32:-32].min() > 10


def test_crops_are_the_pixels_at_their_places() -> None:
    pictures = np.arange(2 * 6 * 5 * 3, dtype=np.uint8).reshape(2, 6, 5, 3)
    crops = cut(pictures, np.array([[1, 2, 1], [0, 0, 2]]), 3)
    np.testing.assert_array_equal(crops, np.stack([pictures[1, 2:5, 1:4], pictures[0, :3, 2:]]))


def test_disjoint_crops_are_counted_over_all_pictures() -> None:
    assert disjoint(4, (256, 256), 48) == 4 * 25
    assert disjoint(64, (64, 64), 48) == 64
    assert disjoint(1, (256, 128), 128) == 2


@pytest.mark.parametrize(("images", "expected"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 1), (6, 3), (20, 4), (64, 4)])
def test_groups_are_consecutive_pictures_of_equal_area_four_of_them_where_they_can_be(
    images: int, expected: int
) -> None:
    found = groups(images)
    assert (np.diff(found) >= 0).all()
    np.testing.assert_array_equal(np.bincount(found), [images // expected] * expected)
