"""Configuration of the site; ``tox -e docs`` builds it."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import generate

project = "inng-bench"
author = "The inng-bench developers"
version = release = installed_version("inng-bench")

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]

myst_heading_anchors = 3
numpydoc_show_class_members = False
autodoc_typehints = "none"  # the docstrings name the types
autodoc_member_order = "bysource"

highlight_language = "text"  # of blocks that name none

html_theme = "pydata_sphinx_theme"
html_title = "inng-bench"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_sidebars = {page: [] for page in ("index", "tutorial", "changes")}
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
copyright = "the inng-bench developers, MIT licence"


def setup(app):
    """Write the pages that are generated before Sphinx looks for pages."""
    app.connect("config-inited", lambda *_: generate.write_all())
