"""``checkoutflow law``: what each country allows, on the screen, as JSON and as a page."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from checkoutflow.cli import law, main
from checkoutflow.cli.paper import WIDTH, width
from checkoutflow.law import EVERYWHERE, Law
from checkoutflow.law.choice import ButtonWords, DiscountRule, FeeRule, PresentationRule

TODAY = date(2026, 11, 21)
COUNTRIES = ["DK", "SE", "NO", "FI", "IS"]
DOCS = Path(__file__).parents[1] / "docs" / "explanation"


@pytest.fixture
def run(capsys):
    """Run the command: its exit code, what it wrote, and what it complained of."""

    def run(*words):
        status = main(["law", *map(str, words)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def printed(run, *words):
    status, out, err = run("--date", TODAY, *words)
    assert (status, err) == (0, "")
    return out


def squeezed(text):
    """The text without its line breaks and columns."""
    return " ".join(text.split())


def parts(out):
    """The parts of the output, each with its heading first."""
    return re.split(r"^━━ ", out, flags=re.MULTILINE)[1:]


def section(out, heading):
    """The one part whose heading begins so."""
    (found,) = (part for part in parts(out) if part.startswith(heading))
    return squeezed(found)


# -- what was typed --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--market XX", "checkoutflow: no market XX on 2026-11-21"),
        ("--date today", "checkoutflow law: argument --date: is a day such as 2026-11-21"),
        ("--date 2026-02-30", "checkoutflow law: argument --date: is a day such as 2026-11-21"),
        ("--json --write x", "checkoutflow law: argument --write: not allowed with"),
        ("--write LICENSE", "checkoutflow: LICENSE: File exists"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(run, words, complaint, monkeypatch):
    monkeypatch.chdir(DOCS.parents[1])
    status, out, err = run("--date", TODAY, *words.split())
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(complaint)


def test_without_a_date_it_is_the_law_of_today(run, monkeypatch):
    monkeypatch.setattr(law, "system_clock", lambda: datetime(2020, 3, 1, 23, 59, tzinfo=UTC))
    status, out, _ = run("--json")
    assert status == 0
    assert json.loads(out)["date"] == "2020-03-01"


# -- on the screen ---------------------------------------------------------------------------------


def test_the_fees_of_all_countries_stand_side_by_side(run):
    out = printed(run)
    overview = parts(out)[0].splitlines()
    cells = [re.split(r" {2,}", line.strip()) for line in overview]
    assert COUNTRIES in cells
    for row in (
        ["consumer debit card", "no fee", "no fee", "no fee", "no fee", "no fee"],
        ["commercial card", "cost", "no fee", "cost", "cost +free", "no fee"],
        ["invoice", "agreed", "agreed", "billing", "cost +free", "agreed"],
        ["payment slip", "agreed", *["–"] * 4],  # noqa: RUF001 -- a dash, as it is printed
        ["cost", "at most what the payment costs the shop, as the shop itself states"],
        ["+free", "only if a way to pay in general use is free beside it"],
    ):
        assert row in cells
    assert all(width(line) <= WIDTH for line in out.splitlines())


def test_each_country_has_its_rules_with_their_sources(run):
    out = printed(run)
    for country in COUNTRIES:
        text = section(out, f"{country} ")
        for kind in (FeeRule, DiscountRule, PresentationRule):
            for rule in Law.load().rules_of(kind, country, TODAY):
                source = f"since {rule.valid_from}, confidence {rule.confidence}: {rule.source}"
                # A rule that another goes before for every way to pay is on the page alone.
                assert squeezed(source) in text or rule.called == "CRD-19"
    norway = section(out, "NO Norway")
    assert "billing invoice, e-invoice NO-REGNING, since 2023-01-01, confidence high" in norway
    assert "a discount kept from who pays by bill counts as a fee for the bill" in norway
    everywhere = section(out, "Everywhere")
    assert "first no credit, then may include credit, then credit; nothing is" in everywhere
    assert "nothing that costs extra is chosen beforehand" in everywhere


def test_one_country_has_no_overview_and_the_buttons_of_its_own_languages(run):
    out = printed(run, "--market", "no")
    assert "How high a fee" not in out
    assert "━━ NO Norway ━" in out
    assert "━━ DK" not in out
    everywhere = section(out, "Everywhere")
    assert "“Kjøp nå”" in everywhere
    assert "“Kjøp no”" in everywhere
    assert "“Køb nu”" not in everywhere


def test_a_part_of_a_country_says_whose_law_holds(run):
    out = printed(run, "--market", "AX", "FO", "--market", "SJ", "AX")
    assert out.count("━━ AX") == 1
    aland = section(out, "AX ")
    assert "Åland Islands (AX): the law of Finland holds." in aland
    assert "FI-46" in aland
    faroes = section(out, "FO ")
    assert "Faroe Islands (FO): no rules are known, so there is no fee" in faroes
    assert "since" not in faroes
    assert "the law of Norway holds" in section(out, "SJ ")


def test_where_businesses_are_under_another_rule_both_are_told(run):
    status, out, _ = run("--date", "2017-05-01", "--market", "DK", "SE")
    assert status == 0
    assert "commercial card       cost / –  cost / –" in out  # noqa: RUF001 -- as printed
    assert "a / b  for a consumer / for a business" in out
    denmark = section(out, "DK ")
    assert "cost consumer debit card of a consumer, consumer credit card of a consumer," in denmark
    assert "direct debit of a business, other instrument of a business, invoice," in denmark


def test_a_rule_that_ends_says_when(run):
    status, out, _ = run("--date", "2017-05-01", "--market", "DK")
    assert status == 0
    assert "to 2026-11-19, confidence" in squeezed(out)


# -- as JSON ---------------------------------------------------------------------------------------


def test_the_document_has_limits_and_rules_in_full(run):
    document = json.loads(printed(run, "--json", "--market", "FI", "FO"))
    assert document["date"] == "2026-11-21"
    assert list(document["fees"]) == ["FI", "FO"]
    assert document["fees"]["FI"]["commercial_card"]["business"] == {
        "limit": "cost",
        "rule": "FI-46",
        "needs_free_method": True,
    }
    nothing = {"limit": "nothing", "rule": None, "needs_free_method": False}
    assert document["fees"]["FO"]["commercial_card"]["consumer"] == nothing
    assert list(document["rules"]) == ["FI", "FO", EVERYWHERE]
    (rule,) = (rule for rule in document["rules"]["FI"]["fee"] if rule["id"] == "FI-46")
    assert rule["instruments"] == sorted(rule["instruments"])
    assert rule["source"].startswith("Finnish payment services act")
    assert rule["statement"].startswith("FI: a fee up to the shop's own cost for")
    assert len(document["rules"][EVERYWHERE]["button"]) == 7
    assert document["rules"]["FO"] == {name: [] for name in law.KINDS}


# -- as a page -------------------------------------------------------------------------------------


def test_the_page_in_the_docs_is_what_the_command_writes(run, tmp_path):
    folder = tmp_path / "new" / "explanation"
    out = printed(run, "--write", folder)
    file = folder / "what-each-country-allows.md"
    assert out.split() == [str(file)]
    page = (DOCS / file.name).read_text("utf-8")
    assert file.read_text("utf-8") == page, "write it again, as its first lines say"


@pytest.fixture(scope="module")
def page():
    day = law.Day(
        Law.load(), TODAY, tuple(Law.load().market(country, TODAY) for country in COUNTRIES)
    )
    return law.page(day)


def test_the_page_has_every_rule_with_its_source(page):
    lines = page.splitlines()
    for kind in law.KINDS.values():
        for place in (EVERYWHERE, *COUNTRIES):
            for rule in Law.load().rules_of(kind, place, TODAY):
                assert any(
                    line.startswith("- `") and line.endswith(rule.explain()) for line in lines
                )


def test_the_page_has_the_words_of_every_button(page):
    for rule in Law.load().rules_of(ButtonWords, EVERYWHERE, TODAY):
        short = ", ".join(rule.short)
        row = (
            f"| {rule.language} | {rule.strict} | {short} | {rule.on_credit} | {rule.confidence} |"
        )
        assert row in page


def test_the_page_says_what_holds_in_tables(page):
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()]
    fees = ["agreed `DK-INV`", "agreed `SE-INV`", "billing `NO-REGNING`", "cost +free `FI-46`"]
    assert ["invoice", *fees, "agreed `IS-INV`"] in rows
    effect = "no discount for paying on credit"
    assert ["Finland", "`FI-KKV`", effect, "consumer", "2018-01-13", "high"] in rows
    assert ["Norway", "no rule of its own was found: the default holds", "", ""] in rows


def test_the_page_says_whose_law_holds_in_parts_of_countries(page):
    assert "\n- Svalbard & Jan Mayen (SJ): the law of Norway holds.\n" in page
    assert "\n- Greenland (GL): no rules are known, so there is no fee" in page


def test_a_kind_of_rule_that_holds_nowhere_has_no_section():
    page = law.page(law.Day(Law([]), TODAY, ()))
    assert page.endswith("## Every rule and its source\n")
