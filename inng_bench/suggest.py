"""The nearest right name, for the sentence that says a name is wrong."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` for the name nearest to a word, or the list of names when none is near."""
    names = sorted(names)
    near = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"choose from {', '.join(names)}." if names else "there is none."
