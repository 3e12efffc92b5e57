"""Every block of code in README.md, CONTRIBUTING.md and docs/ does what the page says.

The blocks of a page run in order, in one namespace and one empty directory that has a copy of
`examples/` in it:

- ``python`` runs, as a program or, where it opens with ``>>>``, as a doctest.
- ``toml`` is parsed; where its first line is a comment naming a file, it becomes that file.
- ``json`` is parsed.
- ``console``: each ``$ checkoutflow ...`` runs and must succeed, save one that goes on in the
  background (``&``); of the other commands only their names and make's targets are checked.
- ``text`` and ``mermaid`` are to look at. Any other language is refused, so that nothing slips by.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
import tomllib
from doctest import ELLIPSIS
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from sybil.document import Document
from sybil.example import SybilFailure
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

if TYPE_CHECKING:
    from sybil import Example
    from sybil.typing import Parser

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts),
]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
TO_LOOK_AT = {"text", "mermaid"}
NOT_RUN = {"cd", "git", "pip", "pytest", "python", "."}


def keep_toml(example: Example) -> None:
    tomllib.loads(example.parsed)
    if named := re.match(r"# ([\w-]+\.toml)\b", example.parsed):
        Path(named[1]).write_text(example.parsed, "utf-8")


def check_json(example: Example) -> None:
    json.loads(example.parsed)


def run_commands(example: Example) -> str | None:
    for line in example.parsed.splitlines():
        if line.startswith("$ ") and (complaint := run_command(line[2:])):
            return f"{line}: {complaint}"
    return None


def run_command(line: str) -> str | None:
    """Run a command of ours, or check another one; say what is wrong with it."""
    command, *arguments = shlex.split(line, comments=True)
    if command == "make":
        unknown = [word for word in arguments if "=" not in word and word not in TARGETS]
        return f"no such target: {unknown}" if unknown else None
    if command != "checkoutflow":
        return None if command in NOT_RUN else "not a command that pages may use"
    if arguments[-1:] == ["&"]:
        return None
    try:
        status = import_module("checkoutflow.cli").main(arguments)
    except SystemExit as stop:
        status = stop.code
    return f"ended with {status}" if status else None


PARSERS: list[Parser] = [
    PythonCodeBlockParser(["annotations"], doctest_optionflags=ELLIPSIS),
    CodeBlockParser("toml", keep_toml),
    CodeBlockParser("json", check_json),
    CodeBlockParser("console", run_commands),
]


def run_page(page: Path) -> None:
    document = Document.parse(str(page), *PARSERS)
    document.namespace = sys.modules["__main__"].__dict__
    for example in document.examples():
        example.evaluate()


def languages(page: Path) -> set[str]:
    lexer = FencedCodeBlockLexer(r"[^\n]*", mapping={"language": "language"})
    blocks = lexer(Document(page.read_text("utf-8"), str(page)))
    return {str(block.lexemes["language"]).strip() for block in blocks}


@pytest.fixture(autouse=True)
def _a_reader_at_an_empty_desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", StringIO("test@example.com\n"))  # what is typed, if asked
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))  # a page is a program
    if (examples := ROOT / "examples").exists():
        shutil.copytree(examples, tmp_path / "examples")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_does_what_it_says(page):
    run_page(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_block_slips_by(page):
    known = {"python", "toml", "json", "console"} | TO_LOOK_AT
    assert {name for name in languages(page) if not name.startswith("{")} <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page):
    links = re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def page_of(tmp_path: Path, text: str) -> Path:
    page = tmp_path / "page.md"
    page.write_text(text, "utf-8")
    return page


def test_blocks_run_in_order_in_one_namespace_beside_the_files_they_name(tmp_path):
    run_page(
        page_of(
            tmp_path,
            """
```toml
# shop.toml: what we sell
name = "Fjord"
```

```python
import tomllib
from dataclasses import dataclass
from pathlib import Path

@dataclass
class Shop:
    name: str

shop = Shop(**tomllib.loads(Path("shop.toml").read_text()))
```

```python
>>> shop
Shop(name='Fjord')
>>> __name__
'__main__'
```
""",
        )
    )


@pytest.mark.parametrize(
    ("block", "error", "complaint"),
    [
        ('python\nassert 1 + 1 == 3, "odd"', AssertionError, "odd"),
        ("python\n>>> 1 + 1\n3", SybilFailure, "Got:\n    2"),
        ("toml\nname = Fjord", tomllib.TOMLDecodeError, "Invalid value"),
        ("json\n{name: 1}", json.JSONDecodeError, "Expecting property name"),
        ("console\n$ make tea", SybilFailure, r"no such target: \['tea'\]"),
        ("console\n$ rm -r shop", SybilFailure, "not a command that pages may use"),
        ("console\n$ checkoutflow no-such-command", SybilFailure, "ended with 2"),
    ],
)
def test_a_page_that_does_not_do_what_it_says_is_found_out(block, error, complaint, tmp_path):
    with pytest.raises(error, match=complaint):
        run_page(page_of(tmp_path, f"```{block}\n```\n"))


@pytest.mark.parametrize(
    "command", ["make demo test", "make bench BENCH_QUICK=1", "git clone x", "checkoutflow bank &"]
)
def test_what_is_not_run_is_still_checked(command, tmp_path):
    run_page(page_of(tmp_path, f"```console\n$ {command}\n```\n"))


def test_a_block_without_a_language_is_seen(tmp_path):
    assert languages(page_of(tmp_path, "```\nx\n```\n\n```{toctree}\n```\n")) == {"", "{toctree}"}
