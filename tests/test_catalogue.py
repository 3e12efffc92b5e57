"""The catalogue of ways to pay: what each kind says and where from, and that a shop's own wins."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors import cases, table

from checkoutflow.cli import main, methods
from checkoutflow.customer import AREAS
from checkoutflow.errors import InvalidInput
from checkoutflow.law import Law
from checkoutflow.law.choice import BILLS, INSTRUMENTS, TIERS
from checkoutflow.money import DIGITS, Money
from checkoutflow.payment.catalogue import Cost, Kind, catalogue, in_currency
from checkoutflow.payment.credit.plans import PlanTerms
from checkoutflow.payment.methods import Method, Way
from checkoutflow.payment.terms import Terms
from checkoutflow.payment.timing import window_of
from checkoutflow.shop import Shop
from checkoutflow.texts import LANGUAGES

TODAY = date(2026, 11, 21)
REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
KINDS = catalogue()
LAW = Law.load()

CARDS = INSTRUMENTS - {"credit_transfer", "direct_debit", "other_instrument"}
# What a family can be to the law. Cash to a carrier is none of the law's words.
NATURES = {
    "card": CARDS,
    "wallet": CARDS | {"other_instrument"},
    "bank": {"credit_transfer"},
    "invoice": BILLS - {"bill_agreement"},
    "cash": {"unknown"},
    "instalments": {"invoice"},
    "account": {"invoice"},
    "direct_debit": {"direct_debit", "bill_agreement"},
    "voucher": {"voucher"},
    "none": {"unknown"},
}

# Kinds that stand for any of some others, which must not be stricter than they are.
ANY_OF = {
    "card": {kind.id for kind in KINDS.values() if kind.family == "card"} - {"card_on_file"},
    "wallet": {"vipps", "mobilepay", "apple_pay", "google_pay"},
    "direct_debit": {"autogiro", "avtalegiro", "betalingsservice"},
}

# The vectors' words for ways to pay, and our kinds of each.
TIER_WORDS = {
    "bank_transfer": ["bank_transfer", "trustly", "paytrail"],
    "debit_card": ["debit_card", "dankort", "visa_dankort"],
    "swish": ["swish"],
    "vipps": ["vipps", "vipps_agreement"],
    "mobilepay": ["mobilepay", "mobilepay_agreement"],
    "card": [
        "card",
        "visa_consumer",
        "visa_commercial",
        "mastercard_consumer",
        "mastercard_commercial",
        "card_on_file",
    ],
    "wallet_apple_pay": ["wallet", "apple_pay", "google_pay"],
    "credit_card": ["credit_card", "amex", "amex_commercial", "diners"],
    "invoice_14": ["own_invoice", "own_invoice_14", "e_invoice", "payment_slip"],
    "invoice_30": ["own_invoice_30"],
    "instalments_3": ["instalments_3"],
    "instalments_12": ["instalments_6", "instalments_12", "instalments_24", "instalments_36"],
    "pay_later_bnpl": ["provider_invoice_14", "provider_invoice_30", "account_credit"],
    "cash_on_delivery": ["cash_on_delivery"],
}

# The vectors' windows: which kinds have this one, and which at most this one because they stand for
# several providers. A platform's own window and one that must be asked for are nobody's default.
WINDOWS = {
    ("Visa", "customer initiated, card not present"): ({"visa_consumer", "visa_commercial"}, set()),
    ("Visa", "merchant initiated"): ({"card_on_file"}, set()),
    ("Mastercard", "final authorisation"): (
        {"mastercard_consumer", "mastercard_commercial"},
        set(),
    ),
    ("Mastercard", "pre-authorisation"): (set(), {"mastercard_consumer", "mastercard_commercial"}),
    ("Amex / Diners / JCB", "guaranteed"): ({"amex", "amex_commercial", "diners"}, set()),
    ("Dankort", "reservation"): ({"dankort", "visa_dankort"}, set()),
    ("Vipps MobilePay", "reserve, NO"): ({"vipps"}, {"vipps_agreement"}),
    ("Vipps MobilePay", "reserve, DK and FI"): ({"mobilepay"}, {"mobilepay_agreement"}),
    ("Walley (invoice, instalments)", "reserve"): (
        set(),
        {kind.id for kind in KINDS.values() if kind.financed_by == "provider"},
    ),
    ("Swedbank Pay system", "kept"): (set(), {"card", "wallet", "provider_invoice_30"}),
}


def kind_of(**others) -> Kind:
    return Kind.read(
        {
            "id": "barter",
            "name": "Barter",
            "family": "bank",
            "instruments": ["unknown"],
            "tier": "no_credit",
            **others,
        }
    )


def shop_with(*shop_methods, **others) -> Shop:
    return Shop.read({"name": "S", "markets": ["NO"], "methods": list(shop_methods), **others})


def way_of(method: dict[str, object], **kind) -> Way:
    kinds = {"barter": kind_of(**kind)}
    return Way.of(Method.read({"kind": "barter", "id": "mine", **method}), kinds)


# -- what every kind says --------------------------------------------------------------------------

each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def test_each_id_is_used_once():
    text = (files("checkoutflow.payment") / "catalogue.toml").read_text("utf-8")
    assert [row["id"] for row in tomllib.loads(text)["kind"]] == list(KINDS)


@each_kind
def test_every_kind_says_where_it_is_from_and_how_sure_it_is(kind):
    assert len(kind.source) > 5
    assert kind.read_on <= TODAY
    assert "confidence" in kind.model_fields_set
    assert kind.confidence != "low" or kind.note, "an unsure row says what is unsure"
    if "general knowledge" in kind.source:
        assert kind.confidence != "high"


@each_kind
def test_every_kind_is_named_in_every_language_or_by_its_brand(kind):
    assert isinstance(kind.name, str) or set(kind.name) == set(LANGUAGES)


@each_kind
def test_what_a_kind_is_to_the_law_fits_its_family(kind):
    assert set(kind.instruments) <= NATURES[kind.family]
    assert len(set(kind.instruments)) == len(kind.instruments)
    in_four_party_scheme = {"consumer_debit_card", "consumer_credit_card", "dankort"}
    if in_four_party_scheme & set(kind.instruments):
        assert kind.four_party
    elif kind.four_party:
        assert kind.instruments == ("commercial_card",)


@each_kind
def test_a_wallet_with_cards_behind_it_is_a_card_and_an_instrument_of_its_own(kind):
    if kind.family == "wallet" and kind.id != "swish":
        assert {"consumer_debit_card", "consumer_credit_card", "other_instrument"} <= {
            *kind.instruments
        }


@each_kind
def test_credit_is_for_adults_and_not_for_gift_cards(kind):
    if kind.tier == "credit":
        assert kind.age_limit == 18
        assert "gift_card" in kind.not_for
    else:
        assert kind.age_limit == 0
        assert kind.not_for == (frozenset({"gift_card"}) if kind.id == "gift_card" else frozenset())


@each_kind
def test_somebody_lends_where_there_may_be_credit(kind):
    lends = kind.financed_by != "nobody"
    # Who pays at the door has the goods and the bill at the same time.
    assert lends == (kind.tier != "no_credit" and kind.family != "cash")
    if kind.days or kind.months:
        assert kind.tier == "credit"
        assert kind.financed_by in {"shop", "provider"}
    assert not (kind.days and kind.months)


@each_kind
def test_a_card_s_issuer_lends_on_it_and_nobody_else(kind):
    if kind.family in {"card", "wallet"}:
        assert kind.financed_by in {"issuer", "nobody"}
        credit = {"consumer_credit_card", "commercial_card", "three_party_card"}
        assert (kind.financed_by == "issuer") == bool(credit & set(kind.instruments))


@each_kind
def test_markets_and_currencies_are_known_and_belong_together(kind):
    assert kind.markets <= set(AREAS)
    assert kind.currencies <= set(DIGITS)
    if kind.markets and kind.currencies:
        assert {LAW.market(market, TODAY).currency for market in kind.markets} == kind.currencies
    for amounts in (kind.minimum, kind.maximum, kind.cost.fixed):
        assert {amount.currency for amount in amounts} <= (kind.currencies or set(DIGITS))
    for least in kind.minimum:
        most = in_currency(kind.maximum, least.currency)
        assert most is None or least < most


@each_kind
def test_what_is_taken_at_once_is_taken_whole(kind):
    if kind.window_days == 0:
        assert not kind.partial_capture


@each_kind
def test_a_bill_of_the_shop_is_not_paid_before_it_is_due(kind):
    if kind.days and kind.financed_by == "shop":
        assert kind.settlement_days > kind.days
        assert kind.window_days is None


@each_kind
def test_an_invoice_needs_the_name_and_address_that_stand_on_it(kind):
    needed = {"name", "street", "postal_code", "city"}
    assert needed <= set(kind.details) or kind.family not in {"invoice", "instalments", "account"}


@pytest.mark.parametrize("months", [3, 6, 12, 24, 36])
def test_instalments_by_months(months):
    assert KINDS[f"instalments_{months}"].months == months


@pytest.mark.parametrize("days", [14, 30])
@pytest.mark.parametrize("lender", ["own", "provider"])
def test_invoices_by_days_and_lender(lender, days):
    kind = KINDS[f"{lender}_invoice_{days}"]
    assert kind.days == days
    assert kind.financed_by == {"own": "shop", "provider": "provider"}[lender]


@pytest.mark.parametrize(
    ("general", "special"),
    [(one, other) for one in ANY_OF for other in sorted(ANY_OF[one] - {one})],
)
def test_a_kind_that_stands_for_others_is_as_strict_as_any_of_them(general, special):
    general, special = KINDS[general], KINDS[special]
    assert set(general.instruments) >= set(special.instruments)
    assert general.four_party or not special.four_party
    assert (general.window_days or 0) <= (special.window_days or 0)
    assert general.settlement_days >= special.settlement_days
    assert general.cost.percent >= special.cost.percent
    assert general.cost.loss_percent >= special.cost.loss_percent
    for fixed in special.cost.fixed:
        most = in_currency(general.cost.fixed, fixed.currency)
        assert most is not None
        assert most >= fixed


def test_nothing_to_pay_is_only_where_nothing_is_left_to_pay():
    assert {amount.currency for amount in KINDS["zero"].maximum} == set(DIGITS)
    assert all(amount.is_zero for amount in KINDS["zero"].maximum)


def test_only_a_gift_card_works_on_a_code_and_vouchers_cover_a_part():
    assert [kind.id for kind in KINDS.values() if kind.takes_code] == ["gift_card"]
    assert {kind.id for kind in KINDS.values() if kind.covers_part} == {
        kind.id for kind in KINDS.values() if kind.family == "voucher"
    }


def test_the_catalogue_is_read_once_and_cannot_be_changed():
    assert catalogue() is KINDS
    with pytest.raises(TypeError, match="does not support item assignment"):
        KINDS["card"] = KINDS["swish"]  # type: ignore[index]


# -- the notes of the domain -----------------------------------------------------------------------

ABSENT = pytest.param("", 0, id="absent", marks=pytest.mark.skip(reason="no vectors here"))
METHOD_TIERS = table("presentation_cases").get("method_tiers", {})


@pytest.mark.parametrize(("word", "tier"), METHOD_TIERS.items() or [ABSENT])
def test_tiers_are_those_by_which_ways_to_pay_are_ordered(word, tier):
    for name in TIER_WORDS[word]:
        assert KINDS[name].tier == TIERS[tier]


def test_every_kind_has_a_tier_that_was_looked_at():
    named = [name for names in TIER_WORDS.values() for name in names]
    others = {kind.id for kind in KINDS.values()} - set(named)
    assert len(set(named)) == len(named)
    # Collected on a day that may be after the goods came; and paid for long before.
    assert {KINDS[name].family for name in others} == {"direct_debit", "voucher", "none"}
    assert not METHOD_TIERS or set(TIER_WORDS) == set(METHOD_TIERS)


@pytest.mark.parametrize("vector", cases("payments_timing_rules", key="windows"))
def test_windows_are_those_of_the_schemes(vector):
    exact, at_most = WINDOWS[vector["scheme"], vector["kind"]]
    days = int(str(vector["days"]).partition(" ")[0])
    assert exact or at_most
    for name in exact:
        assert KINDS[name].window_days == days
    for name in at_most:
        assert 0 < (KINDS[name].window_days or 0) <= days


@pytest.mark.parametrize(
    ("name", "scheme", "market"),
    [
        ("visa_consumer", "visa", "SE"),
        ("visa_commercial", "visa", "SE"),
        ("mastercard_consumer", "mastercard", "SE"),
        ("mastercard_commercial", "mastercard", "SE"),
        ("amex", "amex", "SE"),
        ("diners", "diners", "SE"),
        ("dankort", "dankort", "DK"),
        ("vipps", "vipps_mobilepay", "NO"),
        ("mobilepay", "vipps_mobilepay", "DK"),
        ("mobilepay", "vipps_mobilepay", "FI"),
    ],
)
def test_windows_are_those_of_the_table_of_windows(name, scheme, market):
    assert KINDS[name].window_days == window_of(scheme, market, TODAY, LAW).days


# -- what a payment costs --------------------------------------------------------------------------

COST = Cost.read({"fixed": ["1.80 DKK", "35 ISK"], "percent": "1.25", "loss_percent": "0.1"})


@pytest.mark.parametrize(
    ("cost", "amount", "of_use"),
    [
        (COST, "100.00 DKK", "3.05 DKK"),
        (COST, "0.00 DKK", "1.80 DKK"),
        (COST, "99.99 DKK", "3.04 DKK"),  # 3.049875
        (COST, "999 ISK", "47 ISK"),  # 47.4875
        (COST, "100.00 SEK", None),  # a fixed part, and not stated in this currency
        (Cost.read({"percent": "0.3333"}), "1.00 SEK", "0.00 SEK"),
        (Cost.read({"fixed": ["0.00 SEK"]}), "9.00 SEK", "0.00 SEK"),  # free, and it says so
        (Cost.read({"loss_percent": "2"}), "9.00 SEK", None),
        (Cost(), "9.00 SEK", None),
    ],
)
def test_what_using_it_costs_is_rounded_down(cost, amount, of_use):
    assert cost.of_use(Money.read(amount)) == (Money.read(of_use) if of_use else None)


@pytest.mark.parametrize(
    ("amount", "of_loss"),
    [("100.00 DKK", "0.10 DKK"), ("100.01 DKK", "0.11 DKK"), ("0.00 DKK", "0.00 DKK")],
)
def test_what_is_expected_to_be_lost_is_rounded_up(amount, of_loss):
    assert COST.of_loss(Money.read(amount)) == Money.read(of_loss)


def test_the_cost_of_a_bill_is_stated_or_not_known():
    assert KINDS["own_invoice"].cost.of_billing("NOK") == Money(310, "NOK")
    assert KINDS["own_invoice"].cost.of_billing("SEK") is None


@given(minor=st.integers(0, 10**9), basis=st.integers(0, 100 * 10**4))
def test_a_cost_is_never_rounded_in_the_shop_s_favour(minor, basis):
    percent = Decimal(basis) / 10**4
    amount = Money(minor, "SEK")
    cost = Cost(percent=percent, loss_percent=percent, fixed=(Money(5, "SEK"),))
    exact = Fraction(minor) * Fraction(percent) / 100
    use, loss = cost.of_use(amount), cost.of_loss(amount)
    assert use is not None
    assert use.minor - 5 <= exact < use.minor - 4
    assert loss.minor - 1 < exact <= loss.minor


# -- a method and its kind -------------------------------------------------------------------------


def test_a_method_is_what_its_id_says_unless_it_names_a_kind():
    assert Way.of(Method.read({"id": "vipps"}), KINDS).kind is KINDS["vipps"]
    renamed = Way.of(Method.read({"id": "app", "kind": "vipps"}), KINDS)
    assert (renamed.id, renamed.name) == ("app", "Vipps")


def test_what_the_shop_does_not_say_is_as_the_kind_says():
    kind = KINDS["own_invoice_30"]
    way = Way.of(Method.read({"id": "own_invoice_30"}), KINDS)
    same = """
        id name instruments tier financed_by age_limit not_for details cost settlement_days
        window_days covers_part takes_code
    """
    for name in same.split():
        assert getattr(way, name) == getattr(kind, name), name
    assert way.stated_cost is None
    assert way.terms is not None
    assert way.terms.days == 30
    assert (way.plan, way.is_deferred, way.identifies) == (None, True, False)


@pytest.mark.parametrize(
    ("field", "own", "kind_s"),
    [
        ("name", "Swap", "Barter"),
        ("age_limit", 21, 18),
        ("age_limit", 0, 18),
        ("settlement_days", 0, 9),
        ("window_days", 0, 7),
        ("cost", COST, Cost(percent=Decimal(3))),
    ],
)
def test_the_shop_s_own_word_goes_first(field, own, kind_s):
    assert getattr(way_of({field: own}, **{field: kind_s}), field) == own
    assert getattr(way_of({}, **{field: kind_s}), field) == kind_s


def test_the_shop_s_own_terms_and_plan_go_first():
    way = way_of({"terms": {"day_of_month": 28}, "plan": {"months": 4}}, days=14)
    assert way.terms == Terms(day_of_month=28)
    assert way.plan == PlanTerms(months=4)
    assert way.is_deferred


def test_a_kind_s_instalments_are_free_until_the_shop_says_what_they_cost():
    way = way_of({}, months=12)
    assert way.plan == PlanTerms(months=12)
    assert way.terms is None
    assert way.is_deferred
    assert not way_of({}).is_deferred


def test_what_a_method_cannot_buy_and_what_it_asks_for_is_added_to_its_kind_s():
    way = way_of(
        {"not_for": ["alcohol"], "details": ["phone", "name"]},
        not_for=["gift_card"],
        details=["name", "email"],
    )
    assert way.not_for == {"alcohol", "gift_card"}
    assert way.details == ("name", "email", "phone")


@pytest.mark.parametrize(
    ("own", "identity", "identifies"),
    [
        (None, ["strong_identification"], True),
        (False, ["strong_identification"], False),
        (None, ["strong_authentication", "national_id"], False),
        (True, [], True),
    ],
)
def test_only_a_strong_identification_identifies(own, identity, identifies):
    assert way_of({"identifies": own}, identity=identity).identifies is identifies


def test_a_kind_that_there_is_not_cannot_be_put_together():
    with pytest.raises(KeyError, match="telepathy"):
        Way.of(Method.read({"id": "telepathy"}), KINDS)


# -- what is wrong, and where ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ({"id": "telepathy"}, "methods[1].kind", "is not in the catalogue"),
        ({"id": "x", "kind": "telepathy"}, "methods[1].kind", "add your own under kinds"),
        ({"cost": {"percent": "101"}}, "methods[1].cost.percent", "less than or equal to 100"),
        ({"cost": {"percent": "0.00001"}}, "methods[1].cost.percent", "4 decimal places"),
        ({"cost": {"fixed": ["-1.00 NOK"]}}, "methods[1].cost.fixed", "cannot be negative"),
        (
            {"cost": {"billing": ["1.00 NOK", "2.00 NOK"]}},
            "methods[1].cost.billing",
            "one amount for each currency",
        ),
        ({"minimum": ["1.00 NOK", "2.00 NOK"]}, "methods[1].minimum", "one amount for each"),
        ({"details": ["shoe_size"]}, "methods[1].details", "shoe_size is not used to"),
        ({"age_limit": 101}, "methods[1].age_limit", "less than or equal to 100"),
        ({"terms": {"days": 14, "day_of_month": 1}}, "methods[1].terms", "give one of"),
    ],
)
def test_what_is_wrong_with_a_method_is_said_with_its_path(method, path, message):
    with pytest.raises(InvalidInput) as error:
        shop_with({"id": "card"}, {"id": "vipps", **method})
    assert error.value.field == path
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"instruments": []}, "instruments", "must not be empty"),
        ({"instruments": ["cash"]}, "instruments[0]", "Input should be"),
        ({"family": "coins"}, "family", "Input should be"),
        ({"details": ["gift_card_code", "kennitala"]}, "details", "kennitala is not used to"),
        ({"maximum": ["1 ISK", "2 ISK"]}, "maximum", "one amount for each currency"),
        ({"id": "Barter!"}, "id", "should match pattern"),
        ({"colour": "red"}, "colour", "Extra inputs"),
    ],
)
def test_what_is_wrong_with_a_kind_is_said_with_its_path(fields, path, message):
    kind = kind_of().model_dump(mode="json") | fields
    with pytest.raises(InvalidInput) as error:
        shop_with({"id": "barter"}, kinds=[kind])
    assert error.value.field == f"kinds[0].{path}"
    assert message in str(error.value)


# -- to look at ------------------------------------------------------------------------------------


@pytest.fixture
def run(capsys):
    """Run the command: its exit code, what it wrote, and what it complained of."""

    def run(*words):
        status = main(["methods", *map(str, words)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_the_table_has_every_kind_within_the_width_of_the_page(run):
    status, out, err = run()
    assert (status, err) == (0, "")
    assert set(re.findall(r"^  ([a-z]\w+)  ", out, re.MULTILINE)) == set(KINDS)
    assert max(map(len, out.splitlines())) <= 88
    assert re.search(r"^  dankort +no +DK +7 days +4 days +0.5 % \+ fixed$", out, re.MULTILINE)
    assert "consumer debit card, consumer credit card, dankort, commercial card or three" in out
    assert "direct debit or bill agreement; the shop may lend" in out
    assert "credit transfer; nobody lends" in out
    assert "invoice; the provider lends" in out


def test_a_market_has_its_kinds_and_costs_in_its_currency(run):
    status, out, _ = run("--market", "se")
    assert status == 0
    kinds = set(re.findall(r"^  ([a-z]\w+)  ", out, re.MULTILINE))
    assert {"card", "swish", "autogiro", "own_invoice"} <= kinds
    assert not kinds & {"dankort", "mobilepay", "avtalegiro"}
    assert f"{len(kinds)} kinds in SE" in out
    assert re.search(r"^  swish +no +SE +at once +at once +3.00 SEK$", out, re.MULTILINE)
    assert re.search(r"^  bank_transfer +no +all +none +4 days$", out, re.MULTILINE)


def test_the_same_as_json(run):
    status, out, _ = run("--json", "--market", "AX")
    assert status == 0
    shown = json.loads(out)
    there = {kind.id for kind in KINDS.values() if not kind.markets or "AX" in kind.markets}
    assert set(shown) == there
    for name, plain in shown.items():
        assert Kind.read(plain) == KINDS[name]
        assert plain["customers"] == sorted(plain["customers"])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--market XX", "checkoutflow: XX is not a market: DK, FO"),
        ("--market DK --write x", "checkoutflow: the page is about all markets"),
        ("--json --write x", "checkoutflow methods: argument --write: not allowed with"),
    ],
)
def test_what_was_typed_wrong_is_one_line(run, words, complaint):
    status, out, err = run(*words.split())
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(complaint)


def test_the_page_is_what_the_catalogue_says(run, tmp_path):
    folder = tmp_path / "new" / "reference"
    status, out, _ = run("--write", folder)
    assert status == 0
    assert out.split() == [str(folder / "methods.md")]
    page = (folder / "methods.md").read_text("utf-8")
    assert (REFERENCE / "methods.md").read_text("utf-8") == page
    assert page == methods.files()["methods.md"]
    assert page.count("| `vipps` |") == 4


def test_every_row_of_the_page_has_a_cell_for_each_column():
    lines = methods.files()["methods.md"].splitlines()
    tables = "\n".join(line if line.startswith("|") else "" for line in lines)
    for rows in re.split(r"\n{2,}", tables.strip()):
        assert len({row.count("|") for row in rows.splitlines()}) == 1


def test_what_the_page_shows_to_copy_works():
    examples = re.findall(r"```toml\n(.*?)```", methods.files()["methods.md"], re.DOTALL)
    first, second = map(tomllib.loads, examples)
    shop = shop_with(*first["methods"])
    ways = [Way.of(method, shop.all_kinds()) for method in shop.methods]
    assert [way.kind.id for way in ways] == ["vipps", "own_invoice_30", "card"]
    assert ways[2].settlement_days == 2
    shop = shop_with(*second["methods"], kinds=second["kinds"])
    own = Way.of(shop.methods[0], shop.all_kinds())
    assert own.financed_by == "shop"
    assert own.plan == PlanTerms(months=6)


def test_a_shop_s_own_kind_stands_in_the_catalogue_s_place():
    shop = shop_with({"id": "card"}, kinds=[kind_of(id="card").model_dump(mode="json")])
    assert Way.of(shop.methods[0], shop.all_kinds()).name == "Barter"
