import torch

from inng_bench.pixels import colour_statistics, coloured_noise, random_crops


def test_real_crops_lie_inside_the_window_and_reach_all_of_its_corners() -> None:
    window = torch.arange(6.0 * 7).reshape(1, 6, 7).expand(3, 6, 7)
    crops = random_crops(window, 400, 4, torch.Generator().manual_seed(0))
    assert set(crops[:, 0, 0, 0].tolist()) == {float(7 * row + column) for row in range(3) for column in range(4)}


def test_p0_has_the_colour_mean_and_covariance_of_the_window() -> None:
    generator = torch.Generator().manual_seed(0)
    mixing = torch.tensor([[0.2, 0.0, 0.0], [0.1, 0.1, 0.0], [0.05, 0.0, 0.02]])
    offset = torch.tensor([0.1, -0.2, 0.3])
    window = torch.einsum("ij,jhw->ihw", mixing, torch.randn((3, 64, 64), generator=generator)) + offset[:, None, None]
    drawn = coloured_noise(*colour_statistics(window), 4, (128, 128), generator).transpose(0, 1).flatten(1)
    torch.testing.assert_close(drawn.mean(1), window.flatten(1).mean(1), atol=4e-3, rtol=0)
    torch.testing.assert_close(torch.cov(drawn), torch.cov(window.flatten(1)), atol=1.5e-3, rtol=0.03)
