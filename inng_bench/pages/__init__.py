"""Pages that are one HTML file. Everything is inline; a policy forbids to load anything else."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

BASE = ("inng_bench.pages", "base.css")

Source = tuple[str, str]
"""A package and a file in it."""


def read_source(source: Source) -> str:
    """Return the text of a file inside a package."""
    package, name = source
    return (resources.files(package) / name).read_text(encoding="utf-8")


def render_page(template: Source, styles: Sequence[Source], scripts: Sequence[Source], **context: Any) -> bytes:
    """Return a page; whatever is in the context is escaped.

    Parameters
    ----------
    template : tuple[str, str]
        It may use ``style``, ``script`` and their hashes, ``style_hash`` and ``script_hash``.
    styles, scripts : Sequence[tuple[str, str]]
        They become one element each, the only one that the policy allows.
    context : Any
        Everything else that the template names.
    """
    script, style = ("\n".join(map(read_source, sources)) for sources in (scripts, styles))
    page = _compile(read_source(template)).render(
        context
        | {"script": Markup(script), "style": Markup(style)}
        | {"script_hash": _policy_hash(script), "style_hash": _policy_hash(style)}
    )
    return page.encode()


@cache
def _compile(template: str) -> jinja2.Template:
    """Return a template; a page that is shown live is made again and again."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    return environment.from_string(template)


def _policy_hash(text: str) -> str:
    """Return the hash by which a content security policy allows one script or style and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def data_address(picture: bytes, kind: str = "png") -> str:
    """Return a picture as an address that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
