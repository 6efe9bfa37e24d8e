"""Tolerances: changes of a metric or a time that do not matter, or that another machine's rounding explains."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tolerance:
    """The greater of a share of the old value and an amount."""

    relative: float
    absolute: float

    def at(self, value: float) -> float:
        """Return the tolerance about a value."""
        return max(self.relative * abs(value), self.absolute)


NEGLIGIBLE: dict[str, Tolerance] = {
    "gram": Tolerance(0.05, 0.01),
    "patch_fid": Tolerance(0.05, 0.01),
    "patch_kid": Tolerance(0.05, 0.0005),
    "gram_far": Tolerance(0.05, 0.01),
    "patch_fid_far": Tolerance(0.05, 0.01),
    "patch_fid_wavelet": Tolerance(0.05, 0.001),
    "copy_rate": Tolerance(0.05, 0.05),
    "set_fid": Tolerance(0.05, 0.01),
    "set_kid": Tolerance(0.05, 0.0005),
    "set_copy_rate": Tolerance(0.05, 0.05),
}
"""By metric: a trained row that is worse by no more than this is no regression, however significant the shift is.

Only these metrics are judged: every further cell would make the others less sensitive.

The amounts are those of a sharp eye: a twentieth of the value; for the kernel distance the values of the row ``real``;
for copying a patch in twenty, where a verbatim copy has all of them.
"""

ROUNDING: dict[str, Tolerance] = {
    "gram": Tolerance(0.01, 0.001),
    "patch_fid": Tolerance(0.01, 0.001),
    "patch_kid": Tolerance(0.01, 0.00002),
    "gram_far": Tolerance(0.01, 0.001),
    "patch_fid_far": Tolerance(0.01, 0.001),
    "patch_fid_wavelet": Tolerance(0.01, 0.0001),
    "copy_rate": Tolerance(0.01, 0.02),
    "set_fid": Tolerance(0.01, 0.001),
    "set_kid": Tolerance(0.01, 0.00002),
    "set_copy_rate": Tolerance(0.01, 0.02),
}
"""By metric: a row without training has no spread from seed to seed and repeats up to this on any machine."""

SLOWDOWN = 1.1
"""Ratio of median times that does not matter, however certain it is."""

LEAST_ROUNDS = 7
"""Rounds of each side of a comparison: fewer could not reach the level even if one side were always the slower."""
