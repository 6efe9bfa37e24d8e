"""PSGAN: noise moved by a cell moves the picture, a pixel sees few cells, and the average is the closed form."""

import pytest
import torch
from torch import Tensor

from inng_bench.baselines.psgan import (
    CELL,
    PSGAN,
    Generator,
    Latent,
    PSGANConfig,
    Trainer,
    cells_of,
    draw_latent,
    new_generator,
    step_flops,
)
from inng_bench.contract import Execution
from inng_bench.errors import InputError
from inng_bench.seeds import torch_generator
from inng_bench.testing import make_window

SMALL = {"filters": 4, "batch": 2, "local": 5, "periodic": 2}
CONFIG = PSGANConfig.model_validate(SMALL)


@pytest.fixture(scope="module")
def generator() -> Generator:
    return new_generator(CONFIG, torch_generator(0))


def drawn(generator: Generator, latent: Latent) -> Tensor:
    with torch.no_grad():
        picture: Tensor = generator(latent)[0]
    return picture


def test_noise_and_waves_that_move_by_a_cell_move_the_picture_by_16_px(generator: Generator) -> None:
    latent = draw_latent(1, (64, 64), CONFIG, torch_generator(1))
    rows, columns = latent.noise.shape[2:]
    later = latent._replace(
        noise=latent.noise[:, :, : rows - 1, : columns - 1], phases=latent.phases, origin=(0, 0), size=(32, 32)
    )
    moved = later._replace(noise=latent.noise[:, :, 1:, 1:], phases=latent.phases + generator.waves.detach().sum(1))
    whole = drawn(generator, later._replace(size=(48, 48)))
    torch.testing.assert_close(drawn(generator, moved), whole[:, CELL:48, CELL:48], rtol=1e-4, atol=1e-5)


def test_a_pixel_depends_on_few_cells_and_the_field_covers_every_picture(generator: Generator) -> None:
    cells = cells_of((100, 40))
    noise = torch.zeros((1, CONFIG.local, *cells), requires_grad=True)
    for origin in ((0, 0), (15, 15)):
        pictures = generator(Latent(noise, torch.zeros(1, CONFIG.periodic), origin, (100, 40)))
        assert pictures.shape == (1, 3, 100, 40)
        (gradient,) = torch.autograd.grad(pictures[0, :, 50, 20].sum(), noise)
        seen = gradient.abs().sum((0, 1)) > 0
        assert seen.any(1).sum() <= 6
        assert seen.any(0).sum() <= 6


def test_waves_are_sines_of_the_places_and_nothing_else_is_periodic(generator: Generator) -> None:
    noise, phases = torch.zeros((1, CONFIG.local, 12, 12)), torch.zeros((1, CONFIG.periodic))
    heard: list[Tensor] = []
    handle = generator.layers[0].register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0]))
    drawn(generator, Latent(noise, phases, (0, 0), (16, 16)))
    handle.remove()
    vector = generator.waves[1].detach()
    expected = torch.sin(vector[0] * torch.arange(12.0)[:, None] + vector[1] * torch.arange(12.0))
    torch.testing.assert_close(heard[0][0, CONFIG.local + 1], expected, rtol=1e-4, atol=1e-5)


def test_the_average_of_the_weights_is_that_of_an_exponential_window() -> None:
    config = PSGANConfig.model_validate(SMALL | {"average_decay": 0.9})
    trainer = Trainer(make_window(), config, Execution(), 0)

    def weights(network: Generator) -> Tensor:
        return torch.cat([weight.detach().flatten() for weight in network.parameters()])

    moments = [weights(trainer.generator)]
    for number in range(1, 5):
        trainer.step(number, 0.0)
        moments.append(weights(trainer.generator))
    latest = sum(0.1 * 0.9 ** (4 - number) * moments[number] for number in range(1, 5))
    torch.testing.assert_close(weights(trainer.averaged), 0.9**4 * moments[0] + latest)


@pytest.mark.parametrize("palette", [True, False])
def test_a_grey_window_has_grey_samples_with_its_palette_and_coloured_ones_without(palette: bool) -> None:
    grey = make_window()[:1].expand(3, -1, -1).contiguous()
    method = PSGAN(SMALL | {"palette": palette}, Execution())
    method.train(grey, seed=0, budget=2 * step_flops(CONFIG))
    sample = method.sample(1, (33, 70), generator=torch_generator(0))
    assert (float((sample - sample.mean(1, keepdim=True)).abs().max()) < 1e-5) is palette


def test_a_crop_larger_than_the_window_is_refused() -> None:
    with pytest.raises(InputError, match="a crop of 64 px does not fit into a window of 60×100 px"):
        PSGAN(SMALL | {"crop": 64}, Execution()).train(torch.zeros(3, 60, 100), seed=0, budget=1e9)


def test_weights_of_other_settings_are_refused() -> None:
    state = PSGAN(SMALL, Execution()).state()
    with pytest.raises(InputError, match="lacks weights or has others than its settings"):
        PSGAN(SMALL | {"filters": 5}, Execution()).restore(state)
