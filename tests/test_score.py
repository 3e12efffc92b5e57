"""The learned score adds up, explains itself, steps aside when it should, and refuses nobody."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from checkoutflow.errors import InvalidInput
from checkoutflow.review.drift import FEWEST, drift, stability_index
from checkoutflow.review.notice import notice
from checkoutflow.review.score import (
    Feature,
    Learned,
    Opinion,
    Part,
    ScoreModel,
    ScoreSettings,
    Standing,
    opinion,
    read_model,
    standing,
)
from checkoutflow.review.signals import SIGNALS
from checkoutflow.texts import LANGUAGES

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LEARNED = Learned(
    digest="0" * 64,
    rows=1000,
    harmful=100,
    first=NOW - timedelta(days=400),
    last=NOW - timedelta(days=70),
    settle_days=60,
    seed=0,
    made_by="hand",
)
ATTEMPTS = Feature(
    name="tries",
    meaning="payments begun before",
    edges=(0.5, 2.5),
    points=(-0.2, 0.5, 2.0),
    missing=0.0,
    seen=(800, 150, 50, 0),
)
FORWARDER = Feature(
    name="forwarder",
    meaning="it goes to a freight forwarder",
    edges=(0.5,),
    points=(-0.1, 1.5),
    missing=0.05,
    seen=(700, 100, 200),
)


def model(**changes):
    made = ScoreModel(
        trained_at=NOW - timedelta(days=10),
        learned=LEARNED,
        base=-3.0,
        features=(ATTEMPTS, FORWARDER),
        cuts=((0.5, 0.0), (2, -1.5), (5, -2.4)),
    ).but(**changes)
    return made.but(version=made.digest())


MODEL = model()

numbers = st.floats(-20, 20).map(lambda number: round(number, 3))
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(),
    st.sampled_from([math.nan, math.inf, -math.inf]),
)


@st.composite
def features(draw, name="signal"):
    edges = tuple(sorted(draw(st.sets(numbers, max_size=6))))
    points = draw(st.lists(numbers, min_size=len(edges) + 1, max_size=len(edges) + 1))
    seen = draw(st.lists(st.integers(0, 999), min_size=len(edges) + 2, max_size=len(edges) + 2))
    return Feature(
        name=name,
        meaning=name,
        edges=edges,
        points=tuple(points),
        missing=draw(numbers),
        seen=tuple(seen),
    )


@st.composite
def models(draw):
    count = draw(st.integers(1, 5))
    made = model(
        base=draw(numbers), features=tuple(draw(features(f"s{place}")) for place in range(count))
    )
    if draw(st.booleans()):
        return made
    at = sorted(draw(st.sets(numbers, min_size=2, max_size=5)))
    gives = sorted(draw(st.lists(st.floats(0.001, 0.999), min_size=len(at), max_size=len(at))))
    made = made.but(curve=tuple(zip(at, gives, strict=True)))
    return made.but(version=made.digest())


signals = st.dictionaries(st.sampled_from(["s0", "s1", "s2", "s3", "s4", "new"]), values)


# What a score is ----------------------------------------------------------------------------------


@given(models(), signals)
def test_what_the_parts_say_is_all_that_is_said(model, signals):
    score = model.score(signals)
    assert score.logit == model.base + sum(part.points for part in score.parts)
    assert [part.name for part in score.parts] == [each.name for each in model.features]
    assert score.probability == model.probability(score.logit)
    assert 0 <= score.probability <= 1
    assert score.version == model.version


@given(models(), signals)
def test_a_model_is_the_same_after_it_was_written_and_read(model, signals):
    again = read_model(model.model_dump_json())
    assert again == model
    assert again.score(signals).logit == model.score(signals).logit


@given(models(), numbers, numbers)
@example(model(curve=((-1.0, 0.33038879676367355), (0.0, 0.9219813285365458))), 0.0, 1.0)
def test_higher_odds_are_never_a_lower_probability(model, one, other):
    low, high = sorted((one, other))
    assert model.probability(low) <= model.probability(high)


@given(features(), numbers, numbers)
def test_points_that_rise_make_a_score_that_rises(feature, one, other):
    rising = feature.but(points=tuple(sorted(feature.points)))
    low, high = sorted((one, other))
    assert rising.worth(low) <= rising.worth(high)


@pytest.mark.parametrize(
    ("value", "band"),
    [(-1, 0), (0, 0), (0.5, 0), (1, 1), (True, 1), (2.5, 1), (3, 2), (10**9, 2)]
    + [(value, 3) for value in (None, math.nan, math.inf, "many")],
)
def test_a_value_has_its_band_and_what_is_no_number_is_not_known(value, band):
    assert ATTEMPTS.band(value) == band


def test_without_signals_each_absence_counts_for_what_it_is_worth():
    assert MODEL.score({}).logit == pytest.approx(-3.0 + 0.05)
    assert MODEL.score({"unheard_of": 7}).parts == MODEL.score({}).parts


def test_without_a_curve_the_probability_is_that_of_the_odds():
    assert model(base=0.0).probability(0) == 0.5
    assert MODEL.probability(math.log(3)) == pytest.approx(0.75)
    assert MODEL.probability(-700) > 0
    assert MODEL.probability(700) <= 1


def test_a_curve_is_straight_between_its_points_and_flat_beyond():
    curved = model(curve=((-2.0, 0.1), (0.0, 0.3), (1.0, 0.3)))
    expected = {-9: 0.1, -2: 0.1, -1: 0.2, 0: 0.3, 0.5: 0.3, 1: 0.3, 9: 0.3}
    assert {at: pytest.approx(curved.probability(at)) for at in expected} == expected


# Words --------------------------------------------------------------------------------------------


def test_reasons_are_the_strongest_signals_in_words():
    score = MODEL.score({"tries": 4, "forwarder": True})
    assert score.reasons("en") == (
        "Payments begun before: 4. It multiplies the odds of harm by 7.4.",
        "It goes to a freight forwarder: Yes. It multiplies the odds of harm by 4.5.",
    )
    assert score.reasons("en", most=1) == score.reasons("en")[:1]


def test_what_speaks_for_an_order_is_no_reason_to_hold_it():
    assert MODEL.score({"tries": 0, "forwarder": False}).strongest() == ()


@pytest.mark.parametrize(
    ("value", "points", "said"),
    [
        (1234.567, 1.0, "Size: 1,234.57. It multiplies the odds of harm by 2.7."),
        (False, -1.0, "Size: No. It divides the odds of harm by 2.7."),
        (None, 0.5, "Size: not known. It multiplies the odds of harm by 1.6."),
        (math.nan, 0.5, "Size: not known. It multiplies the odds of harm by 1.6."),
    ],
)
def test_a_part_is_told_with_its_value(value, points, said):
    assert Part("size", "size", value, points).text("en") == said


# When it has a say --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "at", "moved", "found"),
    [
        (MODEL, NOW, 0, Standing.READY),
        (None, NOW, 0, Standing.ABSENT),
        (model(learned=LEARNED.but(harmful=49)), NOW, 0, Standing.COLD),
        (MODEL, NOW + timedelta(days=170), 0, Standing.READY),
        (MODEL, NOW + timedelta(days=171), 0, Standing.STALE),
        (MODEL, NOW, 0.5, Standing.READY),
        (MODEL, NOW, 0.51, Standing.MOVED),
    ],
)
def test_a_model_that_cannot_be_relied_on_leaves_it_to_the_rules_and_says_so(
    model, at, moved, found
):
    settings = ScoreSettings()
    assert standing(model, at, settings, moved=moved) is found
    said = opinion(model, {"tries": 9, "forwarder": True}, at, settings, moved=moved)
    assert said.standing is found
    assert said.holds == (found is Standing.READY)
    assert (said.score is None) == (found is Standing.ABSENT)
    (*_, last) = said.words("en")
    assert ("The rules decide alone." in last) == (found is not Standing.READY)


@pytest.mark.parametrize(
    ("percent", "cut"), [(0.4, math.inf), (0.5, 0.0), (1.9, 0.0), (2, -1.5), (100, -2.4)]
)
def test_no_more_is_held_than_people_can_look_at(percent, cut):
    assert MODEL.cut(percent) == cut
    settings = ScoreSettings(capacity_percent=percent)
    for signals in ({}, {"tries": 1}, {"tries": 4}, {"tries": 4, "forwarder": True}):
        said = opinion(MODEL, signals, NOW, settings)
        assert said.holds == (MODEL.score(signals).logit > cut)


def test_in_the_shadow_it_is_only_recorded():
    said = opinion(MODEL, {"tries": 9, "forwarder": True}, NOW, ScoreSettings(shadow=True))
    assert (said.would_hold, said.holds) == (True, False)


def test_a_calm_order_needs_no_words():
    assert opinion(MODEL, {"tries": 0}, NOW, ScoreSettings()).words("en") == ()


def test_there_is_no_way_to_refuse():
    """Holding is the only thing that an opinion can do; adding another one has to fail here."""
    assert {each.name for each in fields(Opinion)} == {"standing", "score", "would_hold", "holds"}


# Files --------------------------------------------------------------------------------------------


def changed(**changes):
    return json.dumps(MODEL.model_dump(mode="json") | changes)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "model: is not JSON"),
        ("[]", "model"),
        (changed(base=-2.0), "the file was changed after it was made"),
        (changed(version=""), "model.version: is needed"),
        (changed(format="other"), "model.format"),
        (changed(features=[]), "model.features"),
        (changed(cuts=[]), "model.cuts"),
        (changed(cuts=[[2, 0.0], [1, -1.0]]), "rises in per cent and falls in odds"),
        (changed(cuts=[[1, -1.0], [2, 0.0]]), "rises in per cent and falls in odds"),
        (changed(curve=[[0.0, 0.5], [0.0, 0.6]]), "model.curve: rises"),
        (changed(curve=[[0.0, 0.5], [1.0, 0.4]]), "model.curve: rises"),
        (changed(curve=[[0.0, 0.0]]), "lies between 0 and 1"),
        (changed(features=[FORWARDER.model_dump()] * 2), "has a signal twice"),
        (changed(trained_at="2026-11-01T00:00:00"), "model.trained_at"),
        (changed(words="more"), "model.words"),
    ],
)
def test_what_is_no_model_is_refused(text, complaint):
    with pytest.raises(InvalidInput, match=complaint):
        read_model(text)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"edges": [2.5, 0.5]}, "rises from each to the next"),
        ({"edges": [0.5, 0.5]}, "rises from each to the next"),
        ({"edges": [0.5, math.nan]}, "edges"),
        ({"points": [0.0, 1.0]}, "has one more than edges"),
        ({"points": [0.0, 1.0, math.inf]}, "points"),
        ({"seen": [1, 2, 3]}, "has one for each band and one for none"),
        ({"seen": [1, 2, 3, -1]}, "none below zero"),
    ],
)
def test_what_is_no_feature_is_refused(change, complaint):
    with pytest.raises(InvalidInput, match=complaint):
        Feature.read(ATTEMPTS.model_dump() | change)


def test_figures_and_time_do_not_change_the_version():
    other = MODEL.but(figures={"recall": 1}, trained_at=NOW)
    assert other.digest() == MODEL.version
    assert model(base=-2.9).version != MODEL.version
    assert model(learned=LEARNED.but(digest="1" * 64)).version != MODEL.version


# Drift --------------------------------------------------------------------------------------------


counts = st.lists(st.integers(0, 10_000), min_size=2, max_size=8)


@given(counts)
def test_equal_shares_have_not_moved(counts):
    assert stability_index(counts, counts) == pytest.approx(0)


@given(counts, st.randoms())
def test_other_shares_have_moved_and_by_as_much_in_both_directions(counts, dice):
    other = list(counts)
    dice.shuffle(other)
    index = stability_index(counts, other)
    assert index >= -1e-12
    assert index == pytest.approx(stability_index(other, counts))


def test_a_known_index():
    # (0.5 - 0.8) ln(0.5 / 0.8) + (0.5 - 0.2) ln(0.5 / 0.2), worked out by hand.
    assert stability_index([80_000, 20_000], [5_000, 5_000]) == pytest.approx(0.4159, abs=1e-3)


def like(model, orders):
    """Orders with the same shares as those that a model learned from."""
    tries = [0] * 16 + [1] * 3 + [3]
    forwarder = [False] * 7 + [True] + [None] * 2
    return [
        {"tries": tries[place % 20], "forwarder": forwarder[place % 10]} for place in range(orders)
    ]


def test_orders_as_they_were_have_not_moved():
    found = drift(MODEL, like(MODEL, 1000))
    assert (found.orders, found.moved) == (1000, 0)
    assert max(found.signals.values()) < 0.01


def test_what_moved_counts_by_its_weight():
    moved = [signals | {"tries": 2} for signals in like(MODEL, 1000)]
    found = drift(MODEL, moved)
    assert found.signals["tries"] > 1
    assert found.signals["forwarder"] < 0.01
    share = ATTEMPTS.weight / (ATTEMPTS.weight + FORWARDER.weight)
    assert found.moved == pytest.approx(share)
    assert standing(MODEL, NOW, ScoreSettings(), moved=found.moved) is Standing.MOVED


def test_among_few_orders_nothing_has_moved_yet():
    few = [{"tries": 9}] * (FEWEST - 1)
    assert drift(MODEL, few).moved == 0
    assert drift(MODEL, [*few, few[0]]).moved == 1


def test_a_model_without_points_rests_on_nothing_that_could_move():
    flat = FORWARDER.but(points=(0.0, 0.0), missing=0.0)
    assert drift(model(features=(flat,)), [{}] * FEWEST).moved == 0


# What customers are told --------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("moment", ["always", "held", "rejected"])
def test_customers_are_told_that_a_person_decides_and_how_to_be_heard(moment, language):
    texts = notice(moment, shop="Fjord & Co", contact="hello@example.com", locale=language)
    assert "Fjord & Co" in texts[0]
    assert "hello@example.com" in " ".join(texts)
    assert "{" not in " ".join(texts)
    english = notice(moment, shop="Fjord & Co", contact="hello@example.com", locale="en")
    assert (language == "en") == (not set(texts).isdisjoint(english))


@pytest.mark.parametrize("language", LANGUAGES)
def test_reviewers_read_reasons_in_their_language(language):
    for signal in SIGNALS.values():
        said = Part(signal.name, signal.meaning, 3, 1.0).text(language)
        assert (language == "en") == (signal.meaning[1:] in said), signal.name
    for each in Standing:
        words = Opinion(each).words(language)
        assert (each is Standing.READY) == (not words)
        assert all((language == "en") == ("The rules" in text) for text in words)


def test_the_notice_says_by_when():
    def texts(decide_by):
        return notice("held", shop="S", contact="c", locale="en_IE", decide_by=decide_by)

    assert texts(date(2026, 11, 24))[2] == "You hear from us by 24 November 2026."
    assert len(texts(None)) == len(texts(date(2026, 11, 24))) - 1
