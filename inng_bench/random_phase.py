"""Random phase noise of a window: its mean, its spectrum, and nothing else.

The window's texton (its periodic component [1]_, less the mean) is laid on a torus at least as large as the window and
as the picture asked for, and every frequency is given a random phase, the same for the three colours, so that their
correlations stay [2]_. Where the torus is larger than the window, the texton fades to zero at its border. The texton is
normalised to the colour covariance of the window.

References
----------
.. [1] L. Moisan, "Periodic plus smooth image decomposition", J. Math. Imaging Vis. 39, 2011,
   https://doi.org/10.1007/s10851-010-0227-1
.. [2] B. Galerne, Y. Gousseau, J.-M. Morel, "Random phase textures: theory and synthesis", IEEE Trans. Image
   Process. 20(1), 2011, https://doi.org/10.1109/TIP.2010.2052822
"""

import torch
from torch import Tensor


def texton_of(window: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean (3,) and the texton (3, H, W) of a window (3, H, W), float64, or of several (N, 3, H, W)."""
    periodic = periodic_component(window) if window.ndim == 3 else _mean_spectrum(window)
    mean = periodic.mean(dim=(1, 2))
    # The smooth component has a part of the variance; the texton stands for the window's whole.
    covariances = [_covariance(one.flatten(1)) for one in window.reshape(-1, *window.shape[-3:])]
    return mean, _with_covariance(periodic - mean[:, None, None], torch.stack(covariances).mean(0))


def _mean_spectrum(windows: Tensor) -> Tensor:
    """Return a picture (3, H, W) whose spectrum is the mean of the windows', as far as one picture can have it.

    At each frequency it has the principal part of the mean cross spectrum of the three colours, and the phase of the
    first window.
    """
    periodic = torch.stack([periodic_component(window) for window in windows])
    spectra = torch.fft.rfft2(periodic).permute(2, 3, 1, 0)
    values, vectors = torch.linalg.eigh(spectra @ spectra.mH / len(windows))
    principal = vectors[..., -1] * values[..., -1:].clamp_min(0).sqrt()
    turn = (principal.conj() * spectra[..., 0]).sum(-1, keepdim=True).sgn()
    picture: Tensor = torch.fft.irfft2((principal * turn).permute(2, 0, 1), s=windows.shape[2:])
    means = windows.mean((0, 2, 3))
    return picture + (means - picture.mean((1, 2)))[:, None, None]


def random_phase_noise(
    mean: Tensor, texton: Tensor, count: int, size: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """Draw pictures with the spectrum of a texton: :func:`random_phase_field`, clipped to [-1, 1]."""
    return random_phase_field(mean, texton, count, size, generator).clamp_(-1.0, 1.0)


def random_phase_field(
    mean: Tensor, texton: Tensor, count: int, size: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """Draw fields with the spectrum of a texton, which may be beyond the range of a picture.

    Parameters
    ----------
    mean, texton : Tensor
        As from :func:`texton_of`, float64.
    count : int
        Number of fields.
    size : tuple[int, int]
        Height and width; fields at least as large as the texton are toroidal.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    Tensor
        float32 (count, 3, height, width).
    """
    torus = (max(size[0], texton.shape[1]), max(size[1], texton.shape[2]))
    spectrum = torch.fft.rfft2(_lay_on_torus(texton, torus))
    spectrum[:, 0, 0] = 0.0  # the mean is kept, not drawn
    fields = []
    for _ in range(count):
        field = torch.fft.irfft2(spectrum * _random_phases(torus, generator), s=torus)
        fields.append((mean[:, None, None] + field)[:, : size[0], : size[1]])
    return torch.stack(fields).float()


def periodic_component(picture: Tensor) -> Tensor:
    """Return the periodic component of a picture: the same inside, without the jumps between opposite borders.

    Parameters
    ----------
    picture : Tensor
        float64 (C, H, W).

    Returns
    -------
    Tensor
        float64 (C, H, W), of the same mean; the difference from the picture is smooth (its discrete Laplacian
        vanishes inside).

    References
    ----------
    L. Moisan, "Periodic plus smooth image decomposition", 2011, https://doi.org/10.1007/s10851-010-0227-1
    """
    jumps = torch.zeros_like(picture)
    vertical = picture[:, -1, :] - picture[:, 0, :]
    horizontal = picture[:, :, -1] - picture[:, :, 0]
    jumps[:, 0, :] += vertical
    jumps[:, -1, :] -= vertical
    jumps[:, :, 0] += horizontal
    jumps[:, :, -1] -= horizontal
    height, width = picture.shape[1:]
    rows = torch.fft.fftfreq(height, dtype=torch.float64)[:, None]
    columns = torch.fft.fftfreq(width, dtype=torch.float64)[None, :]
    laplacian = 2.0 * torch.cos(2.0 * torch.pi * rows) + 2.0 * torch.cos(2.0 * torch.pi * columns) - 4.0
    laplacian[0, 0] = 1.0
    smooth = torch.fft.fft2(jumps) / laplacian
    smooth[:, 0, 0] = 0.0
    periodic: Tensor = picture - torch.fft.ifft2(smooth).real
    return periodic


def _lay_on_torus(texton: Tensor, torus: tuple[int, int]) -> Tensor:
    """Put a texton of zero mean on a larger torus, scaled so that the field's colour covariance is the texton's.

    The energy that a spot has on a torus of A pixels is A times the variance of its random phase noise.
    """
    height, width = texton.shape[1:]
    canvas = texton.new_zeros(3, *torus)
    canvas[:, :height, :width] = texton * _fade(height, torus[0])[:, None] * _fade(width, torus[1])[None, :]
    return _with_covariance(canvas, _covariance(texton.flatten(1)))


def _with_covariance(picture: Tensor, covariance: Tensor) -> Tensor:
    """Mix the colours of a picture (3, H, W) so that their covariance becomes the given one."""
    whitening = torch.linalg.pinv(_symmetric_root(_covariance(picture.flatten(1))), rtol=1e-6, hermitian=True)
    return torch.einsum("dc,chw->dhw", _symmetric_root(covariance) @ whitening, picture)


def _fade(length: int, torus: int) -> Tensor:
    """Rise from 0 to 1 and fall again, over a tenth of the length each; stay at 1 if nothing is extended."""
    if torus == length:
        return torch.ones(length, dtype=torch.float64)
    ramp = max(1, length // 10)
    from_border = torch.minimum(torch.arange(length), torch.arange(length - 1, -1, -1)).double() + 0.5
    return 0.5 - 0.5 * torch.cos(torch.pi * (from_border / ramp).clamp(max=1.0))


def _random_phases(torus: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Return phases of white noise, complex128 of modulus 1 on the half spectrum, with the symmetry of a real field."""
    white = torch.fft.rfft2(torch.randn(torus, generator=generator, dtype=torch.float64))
    return torch.polar(torch.ones(white.shape, dtype=torch.float64), white.angle())


def _covariance(colours: Tensor) -> Tensor:
    """Return the (3, 3) covariance of (3, N) colours, divided by N."""
    return torch.cov(colours, correction=0)


def _symmetric_root(covariance: Tensor) -> Tensor:
    """Return the symmetric square root of a covariance that may be singular, as that of a grey picture is."""
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = vectors @ torch.diag(values.clamp(min=0.0).sqrt()) @ vectors.T
    return root
