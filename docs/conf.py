"""How Sphinx builds these pages: Markdown by hand, the reference from the docstrings."""

from __future__ import annotations

import re
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING

from pygments.lexers.special import TextLexer  # type: ignore[import-untyped]  # its stubs are a package of their own

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "checkoutflow"
author = "The checkoutflow authors"
project_copyright = author
version = release = version_of(project)
language = "en_GB"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "providers/tables"]
html_theme = "furo"
html_title = f"checkoutflow {version}"
html_copy_source = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autoclass_content = "class"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_default_options = {
    "members": True,
    "undoc-members": True,
    "exclude-members": "model_config",
}
napoleon_use_ivar = True
default_role = "code"  # `name` in a docstring is code, as it is on the Markdown pages

FENCE = re.compile(r"```(\w+)")


def fences_to_directives(
    _app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]
) -> None:
    """Let docstrings, which Sphinx reads as reStructuredText, hold fenced blocks of code."""
    converted: list[str] = []
    inside = False
    for line in lines:
        if not inside and (opening := FENCE.fullmatch(line.strip())):
            converted += ["", f".. code-block:: {opening[1]}", ""]
            inside = True
        elif inside and line.strip() == "```":
            converted.append("")
            inside = False
        else:
            converted.append(f"    {line}" if inside else line)
    lines[:] = converted


def setup(app: Sphinx) -> None:
    """Add what no extension gives: fences in docstrings, and Mermaid shown as its text."""
    app.connect("autodoc-process-docstring", fences_to_directives, priority=100)
    app.add_lexer("mermaid", TextLexer)
