"""The shop's settings: what they accept, and which line an error points at."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from typing import Any

import pytest

from checkoutflow.cart import Cart
from checkoutflow.choice.options import options
from checkoutflow.choice.rules import Rules
from checkoutflow.choice.situation import Situation
from checkoutflow.delivery import Delivery
from checkoutflow.errors import InvalidInput
from checkoutflow.law.choice import FeeRule
from checkoutflow.money import Money
from checkoutflow.payment.steering import Area, Sum
from checkoutflow.shop import Shop

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROW = {
    "market": "SE",
    "id": "SE-INV",
    "instruments": ["invoice"],
    "limit": "nothing",
    "valid_from": "2026-01-01",
    "source": "our lawyer",
    "read_on": "2026-02-01",
    "confidence": "low",
}
KIND = {
    "id": "voucher_book",
    "name": "Voucher book",
    "family": "voucher",
    "instruments": ["voucher"],
    "tier": "no_credit",
}
RF = {"kind": "rf", "market": "SE"}
BASE: dict[str, Any] = {
    "name": "Test shop",
    "markets": ["DK", "SE"],
    "methods": [{"id": "card"}, {"id": "own_invoice"}],
    "deliveries": [{"id": "parcel", "name": "Parcel", "prices": ["39.00 DKK"]}],
    "areas": [{"id": "town", "market": "DK", "postal_codes": ["1000-2499"]}],
    "experiments": [{"id": "words", "arms": {"a": 1, "b": 1}}],
    "steering": [
        {"id": "first", "methods": ["card"], "rank": 1},
        {"id": "second", "deliveries": ["parcel"], "rank": 1},
    ],
}


def with_rule(**rule: Any) -> dict[str, Any]:
    """The settings with a third rule, which is wrong."""
    return {**BASE, "steering": [*BASE["steering"], {"id": "third", **rule}]}


def for_card(**rule: Any) -> dict[str, Any]:
    return with_rule(methods=["card"], **rule)


def when(**conditions: Any) -> dict[str, Any]:
    return for_card(rank=1, when=conditions)


def with_method(**method: Any) -> dict[str, Any]:
    return {**BASE, "methods": [*BASE["methods"], {"id": "swish", **method}]}


def with_delivery(**delivery: Any) -> dict[str, Any]:
    more = {"id": "pickup", "name": "Pick-up", "prices": ["0.00 DKK"], **delivery}
    return {**BASE, "deliveries": [*BASE["deliveries"], more]}


def with_area(**area: Any) -> dict[str, Any]:
    more = {"id": "isle", "market": "DK", "postal_codes": ["3700"], **area}
    return {**BASE, "areas": [*BASE["areas"], more]}


def with_test(**test: Any) -> dict[str, Any]:
    more = {"id": "fees", "arms": {"a": 1, "b": 1}, **test}
    return {**BASE, "experiments": [*BASE["experiments"], more]}


def test_good_settings_are_read():
    shop = Shop.read(BASE)
    assert [method.id for method in shop.methods] == ["card", "own_invoice"]
    assert shop.presentation == "strict"
    assert shop.order_button == "strict"
    assert not shop.is_sme
    assert Shop.read(shop.model_dump(mode="json")) == shop
    assert Shop.read({"name": "S", "markets": ["IS"], "methods": [{"id": "card"}]}).deliveries == ()


WRONG = {
    # The shop itself.
    "name": ({**BASE, "name": ""}, "name", "at least 1"),
    "long_name": ({**BASE, "name": "x" * 101}, "name", "at most 100"),
    "no_markets": ({**BASE, "markets": []}, "markets", "empty"),
    "market": ({**BASE, "markets": ["DK", "UK"]}, "markets", "UK is not one of"),
    "no_methods": ({**BASE, "methods": []}, "methods", "empty"),
    "presentation": ({**BASE, "presentation": "loose"}, "presentation", "'strict' or 'national'"),
    "order_button": ({**BASE, "order_button": "buy"}, "order_button", "'strict' or 'short'"),
    "capital": ({**BASE, "capital_cost_percent": 101}, "capital_cost_percent", "100"),
    "capital_below": ({**BASE, "capital_cost_percent": -1}, "capital_cost_percent", "0"),
    "unknown_setting": ({**BASE, "stearing": []}, "stearing", "not permitted"),
    "lifetime": ({**BASE, "lifetime_s": 0}, "lifetime_s", "greater than 0"),
    # Ways to pay.
    "method_id": (with_method(id="My Card"), "methods[2].id", "match"),
    "method_twice": (with_method(id="card"), "methods[2].id", "another one has this id"),
    "method_kind": (with_method(kind="goose"), "methods[2].kind", "not in the catalogue"),
    "method_market": (with_method(markets=["SV"]), "methods[2].markets", "SV is not known"),
    "method_delivery": (
        with_method(deliveries=["ship"]),
        "methods[2].deliveries",
        "ship is not known; known are parcel",
    ),
    "method_customer": (with_method(customers=["child"]), "methods[2].customers[0]", "business"),
    "method_minimum": (
        with_method(minimum=["1.00 SEK", "2.00 SEK"]),
        "methods[2].minimum",
        "one amount for each currency",
    ),
    "method_money": (with_method(maximum=["1 EURO"]), "methods[2].maximum[0]", "unknown currency"),
    "method_age": (with_method(age_limit=101), "methods[2].age_limit", "100"),
    "method_cost": (with_method(cost={"percent": 101}), "methods[2].cost.percent", "100"),
    "method_details": (with_method(details=["shoe_size"]), "methods[2].details", ""),
    "method_terms": (with_method(terms={"days": 1, "day_of_month": 2}), "methods[2].terms", "one"),
    "method_plan": (with_method(plan={"months": 0}), "methods[2].plan.months", "1"),
    "method_creditor": (
        with_method(id="instalments_3"),
        "methods[2].creditor",
        "names its creditor",
    ),
    # Ways of delivery.
    "delivery_twice": (with_delivery(id="parcel"), "deliveries[1].id", "another one"),
    "delivery_market": (with_delivery(markets=["XX"]), "deliveries[1].markets", "XX is not known"),
    "delivery_price": (
        with_delivery(prices=["1.00 SEK", "-1.00 DKK"]),
        "deliveries[1].prices",
        "negative",
    ),
    "delivery_prices": (
        with_delivery(prices=["1.00 DKK", "1.00 DKK"]),
        "deliveries[1].prices",
        "one amount for each currency",
    ),
    "delivery_to": (with_delivery(to="moon"), "deliveries[1].to", "'address' or 'pickup'"),
    # Kinds of its own.
    "kind_twice": ({**BASE, "kinds": [KIND, KIND]}, "kinds[1].id", "another one has this id"),
    "kind_family": ({**BASE, "kinds": [{**KIND, "family": "x"}]}, "kinds[0].family", "card"),
    "kind_market": ({**BASE, "kinds": [{**KIND, "markets": ["X"]}]}, "kinds[0].markets", "X is"),
    "kind_instruments": (
        {**BASE, "kinds": [{**KIND, "instruments": []}]},
        "kinds[0].instruments",
        "empty",
    ),
    # Areas.
    "area_twice": (with_area(id="town"), "areas[1].id", "another one has this id"),
    "area_market": (with_area(market="NO"), "areas[1].market", "NO is not known; known are DK, SE"),
    "area_empty": (with_area(postal_codes=[]), "areas[1].postal_codes", "empty"),
    "area_span": (with_area(postal_codes=["1000", "20-30"]), "areas[1].postal_codes[1]", "match"),
    "area_letters": (with_area(postal_codes=["DK-1000"]), "areas[1].postal_codes[0]", "match"),
    "area_down": (
        with_area(postal_codes=["2000-1999"]),
        "areas[1].postal_codes",
        "lower to a higher",
    ),
    "area_lengths": (with_area(postal_codes=["100-2000"]), "areas[1].postal_codes", "same length"),
    # Experiments.
    "test_twice": (with_test(id="words"), "experiments[1].id", "another one has this id"),
    "test_one_arm": (with_test(arms={"a": 1}), "experiments[1].arms", ""),
    "test_no_part": (with_test(arms={"a": 1, "b": 0}), "experiments[1].arms.b", "1"),
    "test_market": (with_test(markets=["NO"]), "experiments[1].markets", "NO is not known"),
    # Steering.
    "rule_twice": (
        with_rule(id="first", methods=["card"], rank=1),
        "steering[2].id",
        "another one",
    ),
    "rule_for_nothing": (with_rule(rank=1), "steering[2]", "name either methods or deliveries"),
    "rule_for_both": (
        with_rule(methods=["card"], deliveries=["parcel"], rank=1),
        "steering[2]",
        "name either methods or deliveries",
    ),
    "rule_does_nothing": (for_card(), "steering[2]", "does nothing"),
    "rule_only_label": (for_card(label="Fee"), "steering[2]", "does nothing"),
    "rule_method": (
        with_rule(methods=["card", "swish"], rank=1),
        "steering[2].methods",
        "swish is not known; known are card, own_invoice",
    ),
    "rule_delivery": (with_rule(deliveries=["x"], rank=1), "steering[2].deliveries", "x is not"),
    "rule_rank": (for_card(rank=1001), "steering[2].rank", "1000"),
    "rule_fee": (for_card(fee={}), "steering[2].fee", "fixed amount or a percentage"),
    "rule_fee_nothing": (for_card(fee={"percent": 0}), "steering[2].fee", "fixed amount or a"),
    "rule_fee_below": (for_card(fee={"fixed": ["-1.00 DKK"]}), "steering[2].fee", "negative"),
    "rule_cap_below": (
        for_card(discount={"percent": 1, "at_most": ["-1.00 DKK"]}),
        "steering[2].discount",
        "negative",
    ),
    "rule_percent": (for_card(fee={"percent": 101}), "steering[2].fee.percent", "100"),
    "rule_fine": (for_card(fee={"percent": "0.001"}), "steering[2].fee.percent", "2 decimal"),
    "rule_fixed": (
        for_card(fee={"fixed": ["1.00 DKK", "2.00 DKK"]}),
        "steering[2].fee.fixed",
        "one amount for each currency",
    ),
    "rule_free_from": (
        for_card(free_from=["1.00 DKK", "2.00 DKK"]),
        "steering[2].free_from",
        "one amount for each currency",
    ),
    "rule_words": (for_card(recommend=""), "steering[2].recommend.text", "1"),
    "rule_language": (
        for_card(recommend={"de": "Gut"}),
        "steering[2].recommend.by_language.de.[key]",
        "'da'",
    ),
    "when_area": (
        when(areas=["isle"]),
        "steering[2].when.areas",
        "isle is not known; known are town",
    ),
    "when_outside": (when(outside=["isle"]), "steering[2].when.outside", "isle is not known"),
    "when_market": (when(markets=["NO"]), "steering[2].when.markets", "NO is not known"),
    "when_delivery": (when(deliveries=["x"]), "steering[2].when.deliveries", "x is not known"),
    "when_arm": (
        when(arms=["words:c"]),
        "steering[2].when.arms",
        "words:c is not known; known are words:a, words:b",
    ),
    "when_customer": (when(customers=["child"]), "steering[2].when.customers[0]", "business"),
    "when_weight": (when(min_weight_g=-1), "steering[2].when.min_weight_g", "0"),
    "when_weights": (
        when(min_weight_g=2, max_weight_g=1),
        "steering[2].when",
        "below min_weight_g",
    ),
    "when_at_least": (
        when(at_least=["1.00 DKK", "2.00 DKK"]),
        "steering[2].when.at_least",
        "one amount for each currency",
    ),
    "when_never": (
        when(at_least=["2.00 DKK"], below=["9.00 SEK", "2.00 DKK"]),
        "steering[2].when",
        "below is not above at_least",
    ),
    "when_zone": (when(since="2026-11-27T00:00:00"), "steering[2].when.since", "time zone"),
    "when_window": (
        when(since="2026-11-27T01:00:00+01:00", until="2026-11-27T00:00:00Z"),
        "steering[2].when",
        "until is not after since",
    ),
    "when_typo": (when(market=["DK"]), "steering[2].when.market", "not permitted"),
    "delivery_as_method": (
        with_delivery(id="card"),
        "deliveries[1].id",
        "a way to pay has this id",
    ),
    # Law of its own.
    "law_twice": (
        {**BASE, "own_law": {"fee": [ROW, ROW]}},
        "own_law.fee",
        "two rows rule SE SE-INV",
    ),
    "law_row": (
        {**BASE, "own_law": {"fee": [{**ROW, "limit": "all"}]}},
        "own_law.fee[0].limit",
        "cost",
    ),
    "law_kind": ({**BASE, "own_law": {"fees": []}}, "own_law.fees", "not permitted"),
    "references": ({**BASE, "references": [RF, RF]}, "references", "each market has one scheme"),
    "reference_kind": ({**BASE, "references": [{"kind": "x"}]}, "references[0]", "no known kind"),
}


@pytest.mark.parametrize(("data", "path", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_setting_is_named_by_its_path(data, path, words):
    with pytest.raises(InvalidInput) as caught:
        Shop.read(data)
    assert caught.value.field == path
    assert words in str(caught.value)


def test_where_nothing_can_be_named_the_error_says_that_too():
    data = {
        **BASE,
        "areas": [],
        "steering": [{"id": "x", "methods": ["card"], "rank": 1, "when": {"areas": ["town"]}}],
    }
    with pytest.raises(InvalidInput, match="town is not known; none are known"):
        Shop.read(data)


def test_things_of_different_sorts_may_have_the_same_name():
    data = {**BASE, "steering": [{"id": "card", "methods": ["card"], "rank": 1}]}
    assert Shop.read(data).steering[0].id == "card"


@pytest.mark.parametrize("market", ["DK", "SE", "FO", "IS"])
def test_a_method_may_name_any_market_that_there_is(market):
    assert Shop.read(with_method(markets=[market])).methods[2].markets == {market}


# -- files -----------------------------------------------------------------------------------------

TOML = """
name = "Test shop"
markets = ["DK"]
methods = [{ id = "card" }]

[[areas]]
id = "town"
market = "DK"
postal_codes = ["1000-2499"]

[[steering]]
id = "good"
methods = ["card"]
discount = { percent = 1.5, at_most = ["20.00 DKK"] }
when = { areas = ["town"], since = 2026-11-23T00:00:00+01:00 }
"""


def test_settings_load_from_toml(tmp_path):
    file = tmp_path / "shop.toml"
    file.write_text(TOML, encoding="utf-8")
    shop = Shop.load(file)
    (rule,) = shop.steering
    assert rule.discount == Sum.read({"percent": "1.5", "at_most": ["20.00 DKK"]})
    assert rule.when.since == datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert Shop.load(str(file)) == shop


def test_settings_load_from_json(tmp_path):
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(BASE), encoding="utf-8")
    assert Shop.load(file) == Shop.read(BASE)


def test_an_error_in_a_file_names_the_line_by_its_path(tmp_path):
    file = tmp_path / "shop.toml"
    file.write_text(TOML.replace('areas = ["town"]', 'areas = ["down"]'), encoding="utf-8")
    with pytest.raises(InvalidInput, match="down is not known") as caught:
        Shop.load(file)
    assert caught.value.field == "steering[0].when.areas"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("shop.toml", b"name = ", "is not toml"),
        (
            "shop.yaml",
            b"name: S",
            "is not TOML: .*; settings are TOML, or JSON in a file that ends",
        ),
        ("shop.json", b"{", "is not json"),
        ("shop.json", b'{"name": "S", "name": "T"}', "is not json: a key is there twice"),
        ("shop.json", b'{"year_ends": NaN}', "is not json: NaN is not a number"),
        ("shop.json", b"[" * 100_000, "is not json: nested too deeply"),
        ("shop.toml", b"a = " + b"[" * 100_000, "is nested too deeply"),
        ("shop.toml", b"#" * ((4 << 20) + 1), "has more than 4194304 bytes"),
        ("shop.toml", b"name = '\xff'", "is not toml"),
        ("gone.toml", None, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, content, words):
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidInput, match=words) as caught:
        Shop.load(file)
    assert caught.value.field == os.fspath(file)


# -- law and kinds of its own ----------------------------------------------------------------------


def test_without_rows_of_its_own_the_law_is_the_librarys():
    assert Shop.read(BASE).law() is Shop.read(BASE).law()


def test_rows_of_its_own_go_first_and_say_what_they_stand_in_for():
    law = Shop.read({**BASE, "own_law": {"fee": [ROW]}}).law()
    on = date(2026, 11, 21)
    (own,) = (rule for rule in law.rules_of(FeeRule, "SE", on) if rule.id == "SE-INV")
    assert (own.origin, own.limit) == ("shop", "nothing")
    assert own.replaces is not None
    assert own.replaces.limit == "agreed"
    assert "the shop's own rule" in own.explain()
    (before,) = (
        rule for rule in law.rules_of(FeeRule, "SE", date(2025, 12, 31)) if rule.id == "SE-INV"
    )
    assert before.origin == "library"


def looked_at(shop: Shop, market: str = "DK", price: str = "100.00 DKK") -> Any:
    line = {"sku": "it", "name": "It", "quantity": 1, "unit_price": price}
    situation = Situation(cart=Cart.read({"lines": [line]}), market=market, at=NOW)
    return options(Rules(shop, shop.law()), situation)


def test_a_kind_of_its_own_is_a_way_to_pay():
    book = {"id": "voucher_book", "name": {"da": "Værdibog", "en": "Voucher book"}}
    data = {**BASE, "methods": [book, {"id": "card"}], "kinds": [KIND], "steering": []}
    found = looked_at(Shop.read(data))
    assert [option.id for option in found.payments] == ["voucher_book", "card"]
    assert found.payments[0].way.kind.family == "voucher"


def test_a_kind_of_its_own_goes_before_that_of_the_catalogue():
    own = {**KIND, "id": "card", "family": "card", "instruments": ["commercial_card"]}
    shop = Shop.read({**BASE, "kinds": [own]})
    assert shop.all_kinds()["card"].instruments == ("commercial_card",)
    assert shop.all_kinds()["swish"].family == "wallet"
    assert Shop.read(BASE).all_kinds()["card"].family == "card"


def test_things_are_found_by_their_ids():
    shop = Shop.read(BASE)
    method, delivery = shop.method("own_invoice"), shop.delivery("parcel")
    assert method is not None
    assert delivery is not None
    assert (method.id, delivery.id) == ("own_invoice", "parcel")
    assert shop.method("parcel") is None
    assert shop.delivery("card") is None


def test_a_delivery_has_a_price_in_some_currencies():
    delivery = Delivery.read({"id": "p", "name": "P", "prices": ["39.00 DKK", "0.00 SEK"]})
    assert delivery.price("DKK") == Money(3900, "DKK")
    assert delivery.price("SEK") == Money(0, "SEK")
    assert delivery.price("NOK") is None


# -- areas -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "is_there"),
    [
        ("1000", True),
        ("0999", False),
        ("2499", True),
        ("2500", False),
        ("1750", True),
        ("DK-1750", True),
        ("17 50", True),
        ("3700", True),
        ("3701", False),
        ("10000", False),  # of another length
        ("100", False),
        ("", False),
        ("none", False),
    ],
)
def test_a_postal_code_lies_in_a_span_or_is_named(code, is_there):
    area = Area.read({"id": "town", "market": "DK", "postal_codes": ["1000-2499", "3700-3700"]})
    assert area.has(code) is is_there


def test_leading_zeros_are_part_of_a_postal_code():
    oslo = Area.read({"id": "oslo", "market": "NO", "postal_codes": ["0001-1299"]})
    assert oslo.has("0150")
    assert not oslo.has("150")
    icelandic = Area.read({"id": "capital", "market": "IS", "postal_codes": ["101-116", "200"]})
    assert [icelandic.has(code) for code in ("101", "116", "117", "200", "201")] == [
        *(True, True, False, True, False),
    ]


def test_a_postal_code_can_lie_in_several_areas_of_its_market():
    areas = [
        {"id": "town", "market": "DK", "postal_codes": ["1000-2499"]},
        {"id": "centre", "market": "DK", "postal_codes": ["1000-1499"]},
        {"id": "swedish", "market": "SE", "postal_codes": ["10000-12999"]},
    ]
    shop = Shop.read({**BASE, "areas": areas})
    assert shop.areas_of("DK", "1200") == ("town", "centre")
    assert shop.areas_of("DK", "2100") == ("town",)
    assert shop.areas_of("SE", "1200") == ()
    assert shop.areas_of("SE", "114 55") == ("swedish",)
    assert shop.areas_of("NO", "1200") == ()
