"""How typical a window is of its texture, in closed form."""

import numpy as np
import torch
from scipy.stats import multivariate_normal

from inng_bench.metrics.typicality import TypicalWindows


def correlated(count: int, seed: int) -> torch.Tensor:
    """Parts of windows that are correlated and of unlike scales, (2, 1, count)."""
    white = torch.randn((2, count), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    mixed = torch.tensor([[3.0, 0.0], [200.0, 50.0]], dtype=torch.float64) @ white
    return (mixed + torch.tensor([[10.0], [-2000.0]], dtype=torch.float64))[:, None]


def test_typicality_is_the_log_density_of_the_fitted_gaussian_less_that_of_its_mean() -> None:
    train, asked = correlated(500, seed=0), correlated(40, seed=1)
    windows = train[:, 0].numpy()
    normal = multivariate_normal(windows.mean(1), np.cov(windows, ddof=0))
    expected = normal.logpdf(asked[:, 0].numpy().T) - normal.logpdf(windows.mean(1))
    found = TypicalWindows.of(train).log_typicality(asked)
    np.testing.assert_allclose(found[0].numpy(), expected, rtol=1e-6)
    assert float(found.max()) <= 0


def test_units_of_the_two_parts_do_not_matter() -> None:
    train, asked = correlated(500, seed=0), correlated(40, seed=1)
    units = torch.tensor([1e-3, 1e2], dtype=torch.float64)[:, None, None]
    torch.testing.assert_close(
        TypicalWindows.of(units * train).log_typicality(units * asked), TypicalWindows.of(train).log_typicality(asked)
    )


def test_a_part_that_a_model_has_not_says_nothing() -> None:
    train, asked = correlated(500, seed=0), correlated(40, seed=1)
    train[1], asked[1] = 0.0, 0.0
    found = TypicalWindows.of(train).log_typicality(asked)
    alone = -((asked[0] - train[0].mean()) ** 2) / (2 * train[0].var(correction=0))
    torch.testing.assert_close(found, alone)


def test_what_leaves_a_value_that_all_windows_share_is_untypical() -> None:
    train, asked = correlated(500, seed=0), correlated(40, seed=1)
    train[1] = -5000.0
    asked[1] = -5000.0
    typical = TypicalWindows.of(train)
    within = typical.log_typicality(asked)
    asked[1] = -5000.0 * (1 + 1e-7)  # by round-off
    torch.testing.assert_close(typical.log_typicality(asked), within, atol=0.1, rtol=0)
    asked[1] = -4990.0
    assert float(typical.log_typicality(asked).max()) < float(within.min()) - 1000
    train[1], asked[1] = 2 * train[0], 2 * asked[0]
    typical = TypicalWindows.of(train)
    within = typical.log_typicality(asked)
    asked[1] += 50.0
    assert float(typical.log_typicality(asked).max()) < float(within.min()) - 1000
