"""From files of answers to comparisons of methods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inng_bench.errors import InputError
from inng_bench.people.documents import Answers, Choice, Key, read_answers, read_key
from inng_bench.people.page import find_key
from inng_bench.people.strength import Comparison, Strengths, estimate_strengths
from inng_bench.records.store import RUNS

_SCORES = {Choice.FIRST: 1.0, Choice.SECOND: 0.0, Choice.CANNOT_TELL: 0.5}


@dataclass(frozen=True)
class Verdict:
    """What people said of some methods.

    Attributes
    ----------
    methods : tuple[str, ...]
        Those that some answer is about.
    copying : frozenset[str]
        Methods that copy the picture.
    comparisons : tuple[Comparison, ...]
        One an answer, by the places in ``methods``.
    sittings, asked : int
        Files of answers, and pairs of their pages.
    """

    methods: tuple[str, ...]
    copying: frozenset[str]
    comparisons: tuple[Comparison, ...]
    strengths: Strengths
    sittings: int
    asked: int


def read_verdict(files: Sequence[Path], results: Path | None = None) -> Verdict:
    """Read files of answers, open the keys of their pages and fit the strengths.

    Parameters
    ----------
    files : Sequence[Path]
        As the pages saved them; of one results folder.
    results : Path or None
        The results folder that the pages are of; None to look for them in ``results/runs``.

    Raises
    ------
    InputError
        When a file is damaged, belongs to no page or to one of another folder, names a pair that its page has not, or
        two are of one sitting.
    """
    sheets = [(path, read_answers(path)) for path in files]
    _refuse_repeated(sheets)
    folders = {_folder_of(path, sheet, results) for path, sheet in sheets}
    if len(folders) > 1:
        named = " and ".join(sorted(map(str, folders)))
        raise InputError(f"the answers are to pages of {named}, whose rows may differ; read each folder alone.")
    folder = folders.pop()
    keys = {page: read_key(find_key(folder, page)) for page in dict.fromkeys(sheet.page for _, sheet in sheets)}
    methods: dict[str, int] = {}
    comparisons = _compare(sheets, keys, methods)
    return Verdict(
        methods=tuple(methods),
        copying=frozenset(name for key in keys.values() for name in key.copying),
        comparisons=comparisons,
        strengths=estimate_strengths(comparisons, len(methods), np.random.default_rng(0)),
        sittings=len(sheets),
        asked=sum(len(key.questions) for key in keys.values()),
    )


def _refuse_repeated(sheets: Sequence[tuple[Path, Answers]]) -> None:
    seen: dict[str, Path] = {}
    for path, sheet in sheets:
        if sheet.sitting in seen:
            raise InputError(
                f"{seen[sheet.sitting]} and {path} are answers of one sitting to one page and would count twice; "
                "name only the later file."
            )
        seen[sheet.sitting] = path


def _folder_of(path: Path, sheet: Answers, results: Path | None) -> Path:
    """Return the results folder that has the page of some answers."""
    for folder in sorted(RUNS.glob("*")) if results is None else [results]:
        if find_key(folder, sheet.page).exists():
            return folder
    raise InputError(
        f"{path} answers the page {sheet.page}, which is not in {results or RUNS}; name the results folder that it was "
        "made from."
    )


def _compare(
    sheets: Sequence[tuple[Path, Answers]], keys: Mapping[str, Key], methods: dict[str, int]
) -> tuple[Comparison, ...]:
    """Return the answers by what was shown; methods get their numbers as they come."""
    numbers: dict[tuple[str, str], int] = {}
    comparisons = []
    for path, sheet in sheets:
        questions = {question.pair: question for question in keys[sheet.page].questions}
        for answer in sheet.answers:
            if answer.pair not in questions:
                raise InputError(f"{path} answers a pair {answer.pair!r}, which its page does not have; save it again.")
            question = questions[answer.pair]
            first, second = (
                methods.setdefault(shown.method, len(methods)) for shown in (question.first, question.second)
            )
            number = numbers.setdefault((sheet.page, answer.pair), len(numbers))
            comparisons.append(Comparison(first, second, _SCORES[answer.choice], number))
    return tuple(comparisons)
