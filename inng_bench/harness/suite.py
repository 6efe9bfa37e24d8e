"""Suites: which methods meet which textures, how often and under which budget."""

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from inng_bench.errors import InputError
from inng_bench.harness.bundled import suite_names, suite_text
from inng_bench.hashes import canonical_hash, file_hash
from inng_bench.metrics.catalogue import selected, selected_of_sets
from inng_bench.records.schema import COPYING_ROWS
from inng_bench.suggest import did_you_mean
from inng_bench.textures import (
    Role,
    Texture,
    find_texture,
    is_own_set,
    load_folder,
    load_own,
    own_texture_name,
    set_infos,
    texture_names,
)

REFERENCE_ROWS = ("real", "noise", "random-phase", *COPYING_ROWS)
"""Rows that every suite has by itself: unseen pixels of the texture, matched noise, matched spectrum and copies."""

SET_ROWS = ("real", "noise", "pixel-gaussian")
"""The same of a suite of sets: unseen pictures, noise of the set's colours, and such noise place by place."""

WINDOW_SIDE = 256
"""Side in pixels of a window of a bundled texture."""

_LABEL = r"^[a-z0-9][a-z0-9._-]*$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class MethodEntry(_Strict):
    """One row of every table.

    Attributes
    ----------
    label : str
        Name of the row, in lower case, because it is also the name of a folder.
    implementation : str
        Entry-point name in the group ``inng_bench.methods``, or ``module:Class``.
    budget_factor : float
        Multiple of the suite's budget.
    replicates : int or None
        Fewer seeds than the suite's, for an expensive row.
    settings : dict
        Values that differ from the method's defaults.
    """

    label: str = Field(pattern=_LABEL)
    implementation: str
    budget_factor: float = Field(default=1.0, gt=0, le=1e6)
    replicates: int | None = Field(default=None, ge=1)
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _settings_can_be_hashed(self) -> Self:
        try:
            canonical_hash(self.settings)
        except ValueError as error:
            raise ValueError(f"a setting of {self.label!r} is not a finite number") from error
        return self


class Picture(_Strict):
    """A picture of one's own as a texture of a suite.

    Attributes
    ----------
    path : Path
        PNG, JPEG, TIFF or WebP; or a folder of such pictures or an archive, which is a set. Relative to the suite's
        file.
    one_texture : bool
        Of a folder: whether its pictures are photographs of one texture, and no set.
    side : int or None
        Of a set: to which side in pixels the middle square of each picture is reduced; None takes them as they are.
    pass_over : bool
        Of a set: whether files that cannot be used are passed over.
    scale : float or None
        Factor to resize by before cutting; None leaves the choice to the texture loader.
    """

    path: Path
    scale: float | None = Field(default=None, gt=0)
    one_texture: bool = False
    side: int | None = Field(default=None, ge=8, le=128)
    pass_over: bool = False

    @property
    def is_set(self) -> bool:
        """Whether each picture of a folder or archive is a sample."""
        return is_own_set(self.path) and not self.one_texture

    def load(self) -> Texture:
        """Read it."""
        return load_own(**self.model_dump())

    def sha256(self) -> str:
        """Return the hash of the file's bytes, or of a folder's pictures."""
        if is_own_set(self.path):
            return "-".join(self.load().facts().hashes)
        try:
            return file_hash(self.path)
        except OSError as error:
            raise InputError(f"the picture {self.path} cannot be read: {error.strerror}.") from error


class Suite(_Strict):
    """A suite: what is compared.

    Attributes
    ----------
    name, description : str
        For people; not part of the hash.
    textures : tuple[str, ...]
        Names of bundled textures.
    pictures : tuple[Picture, ...]
        Pictures of one's own.
    replicates : int
        Number of seeds of every row; not part of the hash.
    budget_tflop : float
        Counted training operations of one run, in 10**12.
    precision : str
        ``auto``, ``float32`` or ``bfloat16``, as :class:`inng_bench.contract.Precision`.
    sample_size : int
        Side in pixels of a sampled canvas; of a set the side of its pictures counts.
    canvases : int
        Number of canvases, or of pictures of a set. A method that draws only smaller tiles draws as many as fill the
        same area.
    threads_per_run : int
        Threads of one run; results repeat bit by bit only under the same number.
    methods : tuple[MethodEntry, ...]
        The rows beside :data:`REFERENCE_ROWS`.
    baseline : str or None
        Label of the row that all others differ from in one thing. Every row then has that row's seeds, so that they
        can be compared in pairs, and the report shows the effects.
    references : tuple[str, ...]
        Labels of the rows that the report compares with every rival of their budget; empty for all rows of the first
        method's implementation. Not part of the hash.
    rivals : tuple[str, ...]
        Labels of the rows that these are compared with; empty for all others. Not part of the hash.
    metrics : tuple[str, ...]
        Metrics on request that are measured beside the default set; not part of the hash, since a finished run can be
        measured again.
    throughput : bool
        Whether samplers are timed after the grid, of methods that are :class:`inng_bench.contract.TimedSampler`.
    time_limit_minutes, memory_limit_gib : float or None
        What the process of one run may take before it is ended and becomes a failed row; None is no limit. Not part of
        the hash: no figure depends on them.
    """

    name: str = Field(pattern=_LABEL)
    description: str = ""
    textures: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    replicates: int = Field(ge=1, le=1000)
    budget_tflop: float = Field(gt=0, le=1e9)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    sample_size: int = Field(default=256, ge=8, le=4096)
    canvases: int = Field(default=4, ge=1, le=4096)
    threads_per_run: int = Field(default=1, ge=1, le=1024)
    methods: tuple[MethodEntry, ...] = Field(min_length=1)
    baseline: str | None = None
    references: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    throughput: bool = False
    time_limit_minutes: float | None = Field(default=None, gt=0)
    memory_limit_gib: float | None = Field(default=None, gt=0)

    @field_validator("metrics")
    @classmethod
    def _metrics_exist(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in selected_of_sets(names):
            raise ValueError(f"the metric {name!r} is measured in every suite of sets, and in no other")
        try:
            return selected(names)
        except InputError as error:
            raise ValueError(str(error).rstrip(".")) from error

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        labels = [*self.reference_rows, *(entry.label for entry in self.methods)]
        for kind, names in (("method label", labels), ("texture", list(self.textures))):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"the {kind} {twice[0]!r} stands there twice or is a reference row")
        if not self.textures and not self.pictures:
            raise ValueError("there is neither a texture nor a picture")
        _refuse_mixed_roles(self.textures)
        if self.of_sets and len({*map(_is_set, self.textures), *(picture.is_set for picture in self.pictures)}) > 1:
            raise ValueError("it mixes sets of pictures and textures, which have other metrics; make a suite of each")
        if not self.of_sets and self.sample_size < SMALLEST_CANVAS:
            raise ValueError(f"canvases of textures have at least {SMALLEST_CANVAS} px a side; raise sample_size")
        if not self.of_sets and self.canvases * self.sample_size**2 < WINDOW_SIDE**2:
            raise ValueError(
                f"{self.canvases} canvases of {self.sample_size} px are less than one window of {WINDOW_SIDE} px, with "
                "which they are compared at equal area; take more or larger canvases"
            )
        compared = {"baseline": [self.baseline] if self.baseline else [], "reference": self.references}
        for kind, named in (compared | {"rival": self.rivals}).items():
            for label in named:
                if label not in labels[len(self.reference_rows) :]:
                    raise ValueError(f"the {kind} {label!r} is the label of no method")
        return self

    @property
    def of_sets(self) -> bool:
        """Whether it compares methods on sets of pictures."""
        return any(map(_is_set, self.textures)) or any(picture.is_set for picture in self.pictures)

    @property
    def reference_rows(self) -> tuple[str, ...]:
        """Rows that it has by itself."""
        return SET_ROWS if self.of_sets else REFERENCE_ROWS

    @property
    def texture_names(self) -> tuple[str, ...]:
        """Names of all textures, bundled and own."""
        return *self.textures, *(own_texture_name(picture.path) for picture in self.pictures)

    def hash(self) -> str:
        """Return the SHA-256 of everything that a figure depends on.

        Name, description, limits, metrics, comparisons and numbers of seeds stay out: more seeds are more replicates of
        the same suite. A picture counts with its content, not with its place.
        """
        content = self.model_dump(
            mode="json",
            exclude={
                "name": True,
                "description": True,
                "replicates": True,
                "metrics": True,
                "references": True,
                "rivals": True,
                "time_limit_minutes": True,
                "memory_limit_gib": True,
                "pictures": True,
                "methods": {"__all__": {"replicates"}},
            },
        )
        content["pictures"] = [[picture.sha256(), picture.scale] for picture in self.pictures]
        if self.baseline is None:
            del content["baseline"]  # so that suites keep the hash that they had before there were baselines
        return canonical_hash(content)


SMALLEST_CANVAS = 64
"""Side in pixels of a sampled canvas of a texture."""


def _is_set(name: str) -> bool:
    """Say whether a texture is a set of pictures; one that does not exist is refused when it is loaded."""
    return name in {info.name for info in set_infos()}


def _refuse_mixed_roles(textures: Sequence[str]) -> None:
    """Refuse to choose a recipe on what it is tested on; a texture that does not exist is refused when it is loaded."""
    by_role: dict[str, list[str]] = {}
    for name in textures:
        if name in texture_names():
            by_role.setdefault(find_texture(name).role, []).append(name)
    if Role.TUNING in by_role and Role.TEST in by_role:
        tuning, test = (", ".join(by_role[role]) for role in (Role.TUNING, Role.TEST))
        raise ValueError(
            f"it mixes tuning textures ({tuning}) and test textures ({test}), and what is chosen on a texture proves "
            "nothing on it; make a suite of each"
        )


def load_suite(name_or_path: str | Path) -> Suite:
    """Read a suite by the name of a bundled one or by the path of a TOML file.

    Parameters
    ----------
    name_or_path : str or Path
        A name such as ``quick``, or a path that ends in ``.toml``.

    Returns
    -------
    Suite
        Checked: every key and every value is right.

    Raises
    ------
    InputError
        When there is none, it is not TOML, or a key or value is wrong; names the nearest right one.

    Examples
    --------
    >>> quick = load_suite("quick")
    >>> quick.textures, quick.budget_tflop, [method.label for method in quick.methods]
    (('brick', 'hubble', 'leaf-litter', 'terrazzo'), 1.0, ['inng-fast', 'dcgan'])
    """
    if Path(name_or_path).suffix == ".toml":
        return _load_file(Path(name_or_path))
    name = str(name_or_path)
    if name not in suite_names():
        hint = did_you_mean(name, suite_names())
        raise InputError(f"there is no suite {name!r}; {hint} A file of your own must end in .toml.")
    return parse_suite(suite_text(name), f"suite {name!r}")


def own_picture_suite(path: Path, scale: float | None = None) -> Suite:
    """Return the quick suite with a picture of one's own, or a folder of photographs, in the place of its textures.

    Raises
    ------
    InputError
        When a picture cannot be used.
    """
    return _own_suite("quick", Picture(path=path, scale=scale, one_texture=path.is_dir()), "the quick suite's budget")


def own_set_suite(path: Path, *, side: int | None = None, pass_over: bool = False) -> Suite:
    """Return the suite ``faces-quick`` with a folder of one's own pictures, or an archive, in the place of its set.

    Raises
    ------
    InputError
        When it cannot be used.
    """
    if not is_own_set(path):
        load_folder(path)  # which says why not
    return _own_suite(
        "faces-quick", Picture(path=path, side=side, pass_over=pass_over), "the budget of the suite faces-quick"
    )


def _own_suite(name: str, picture: Picture, budget: str) -> Suite:
    if picture.path.is_dir():
        picture = picture.model_copy(update={"path": picture.path.resolve()})  # whose name the folder has
    about = f"{picture.path.name} under {budget}."
    changes = {"name": picture.load().name, "description": about, "textures": (), "pictures": (picture,)}
    return load_suite(name).model_copy(update=changes)


def changed_suite(suite: Suite, **wanted: float | str | None) -> Suite:
    """Return a suite with other values where some are wanted.

    Raises
    ------
    InputError
        When a value cannot stand in a suite.
    """
    changes = {name: value for name, value in wanted.items() if value is not None}
    try:
        return Suite.model_validate(suite.model_dump() | changes)
    except ValidationError as error:
        raise InputError(f"suite {suite.name!r}: {_explain(error)}") from error


def parse_suite(text: str, origin: str, folder: Path | None = None) -> Suite:
    """Read a suite from TOML text.

    Parameters
    ----------
    text : str
        The TOML.
    origin : str
        How an error names the place.
    folder : Path or None
        What relative paths of pictures refer to; None for the current folder.
    """
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{origin} is not valid TOML: {error}.") from error
    if folder is not None:
        _place(content.get("pictures"), folder)
    try:
        # JSON mode is strict about types, yet takes TOML's lists for tuples and its strings for paths.
        return Suite.model_validate_json(json.dumps(content, default=str))
    except ValidationError as error:
        raise InputError(f"{origin}: {_explain(error)}") from error


def _place(pictures: object, folder: Path) -> None:
    """Put a folder before the paths of pictures, before it is asked which of them are folders themselves."""
    for picture in pictures if isinstance(pictures, list) else ():
        if isinstance(picture, dict) and isinstance(picture.get("path"), str):
            picture["path"] = str(folder / picture["path"])


def _load_file(path: Path) -> Suite:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the suite {path} cannot be read ({_reason(error)}); name a TOML file.") from error
    return parse_suite(text, str(path), path.parent)


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return str(error.strerror) if isinstance(error, OSError) else "it is not UTF-8 text"


def _explain(error: ValidationError) -> str:
    """Turn pydantic's first complaint into a sentence; a misspelt key goes before the right one that is missing."""
    complaints = error.errors(include_url=False)
    first = min(complaints, key=lambda complaint: complaint["type"] != "extra_forbidden")
    place = first["loc"]
    key = str(place[-1]) if place else ""
    where = " of " + ".".join(str(part) for part in place[:-1]) if len(place) > 1 else ""
    match first["type"]:
        case "extra_forbidden":
            tables: dict[Any, type[BaseModel]] = {"methods": MethodEntry, "pictures": Picture}
            table = tables.get(place[0], Suite) if where else Suite
            return f"unknown key {key!r}{where}; {did_you_mean(key, table.model_fields)}"
        case "missing":
            return f"the key {key!r}{where} is missing."
        case "value_error":
            return f"{first['ctx']['error']}."
        case _:
            return f"the value of {key!r}{where} is wrong: {first['msg'][0].lower()}{first['msg'][1:]}."
