"""The register of personal data: every field accounted for, and the record that is made of it."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sqlalchemy import BigInteger, Integer

from checkoutflow import Cart, CheckoutFlow, MemoryStore, Shop
from checkoutflow.checkout.events import Event
from checkoutflow.checkout.processing import Kept, Recipient, Record, record_of_processing
from checkoutflow.checkout.state import Checkout
from checkoutflow.cli import privacy
from checkoutflow.cli.paper import WIDTH, Paper, width
from checkoutflow.errors import UnknownRule, UsageError
from checkoutflow.law import Law
from checkoutflow.privacy.consent import Consent
from checkoutflow.privacy.fields import FIELDS, KEEP_ORDER, Basis, Purpose
from checkoutflow.privacy.register import MEASURES, PROOFS, READERS, USES, Reader, last_day
from checkoutflow.stores.schema import METADATA
from checkoutflow.testing import Clock

if TYPE_CHECKING:
    from checkoutflow.law.choice import Customer

TODAY = date(2026, 11, 21)
LAW = Law.load()
MARKETS = ["DK", "SE", "NO", "FI", "IS", "FO", "GL", "AX", "SJ"]
SECRETS = ["national_id", "gift_card_code", "store_credit_code"]

PARCEL = {"id": "parcel", "name": {"en": "Parcel", "sv": "Paket"}, "prices": ["49 SEK", "59 NOK"]}
PICKUP = {"id": "pickup", "name": "Pick-up", "to": "pickup", "prices": ["0 NOK"], "markets": ["NO"]}
CARD = {"id": "card", "provider": "bank"}
INVOICE = {"id": "own_invoice"}
LATER = {
    "id": "later",
    "kind": "provider_invoice_14",
    "provider": "lending",
    "creditor": "Fjordkredit",
    "markets": ["SE"],
    "details": ["phone", "national_id"],
}
CODES = [{"id": "gift_card", "provider": "cards"}, {"id": "store_credit", "provider": "cards"}]


def shop_of(*methods: Any, deliveries: Any = (PARCEL,), markets: Any = ("SE", "NO")) -> Shop:
    return Shop.read(
        {
            "name": "Fjordbutikken",
            "markets": list(markets),
            "methods": list(methods),
            "deliveries": list(deliveries),
        }
    )


def record_of(shop: Shop, *markets: str) -> Record:
    return record_of_processing(shop, shop.law(), TODAY, markets=markets)


# -- the register ----------------------------------------------------------------------------------


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_every_field_has_purposes_grounds_an_end_and_readers(field):
    assert field.purposes
    for purpose, basis in field.purposes.items():
        assert basis in Basis
        assert READERS[purpose]
    assert 0 < field.keep_days <= KEEP_ORDER


def test_every_purpose_says_what_is_done_who_reads_until_when_and_by_what_right():
    assert {*USES} == {*READERS} == {*Purpose}
    for use in USES.values():
        assert all((use.what, use.readers, use.kept, use.source))
        assert len({*use.readers}) == len(use.readers)
    assert {reader for readers in READERS.values() for reader in readers} == {*Reader}


# Who is shown what: the whole of it, so that a reader more is a decision.
@pytest.mark.parametrize(
    ("field", "readers"),
    [
        ("national_id", "lender"),
        ("gift_card_code", "payment_provider"),
        ("store_credit_code", "payment_provider"),
        ("login", "customer staff"),
        ("street", "accountant carrier customer insurer lender staff"),
        ("phone", "carrier customer lender payment_provider staff"),
        ("email", "carrier customer insurer lender payment_provider staff"),
        ("name", "accountant carrier customer insurer lender payment_provider staff"),
    ],
)
def test_who_may_read_a_field(field, readers):
    found = {reader for purpose in FIELDS[field].purposes for reader in READERS[purpose]}
    assert sorted(found) == readers.split()


def test_what_needs_no_agreement_is_never_said_to_be_agreed_to():
    for field in FIELDS.values():
        for purpose, basis in field.purposes.items():
            is_agreed = purpose in {Purpose.REMEMBER, Purpose.MARKET}
            assert (basis is Basis.CONSENT) == is_agreed


# -- when a field goes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "market", "durable", "last"),
    [
        ("email", "DK", False, "2028-03-02"),
        ("email", "SE", False, "2029-03-02"),
        ("street", "NO", False, "2028-03-02"),
        ("street", "NO", True, "2031-03-02"),
        ("phone", "FO", True, "2028-03-02"),
        ("national_id", "SE", False, "2026-04-01"),
        ("gift_card_code", "IS", True, "2026-04-01"),
    ],
)
def test_a_field_is_kept_while_the_customer_may_complain(field, market, durable, last):
    assert str(last_day(field, LAW, market, date(2026, 3, 2), durable=durable)) == last


@given(
    field=st.sampled_from(sorted(FIELDS)),
    market=st.sampled_from(MARKETS),
    on=st.dates(date(2022, 7, 1), date(2200, 1, 1)),
    durable=st.booleans(),
)
def test_the_books_outlive_the_sale_and_goods_meant_to_last_are_never_forgotten_earlier(
    field, market, on, durable
):
    last = last_day(field, LAW, market, on, durable=durable)
    assert on + timedelta(days=30) <= last <= LAW.books_until(market, on)
    assert last >= last_day(field, LAW, market, on)


def test_what_is_not_declared_has_no_last_day():
    with pytest.raises(UsageError, match="not declared"):
        last_day("shoe_size", LAW, "SE", TODAY)


# -- what a shop asks for --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("methods", "deliveries", "asked"),
    [
        ([CARD], [], "email"),
        ([CARD], [PICKUP], "name email phone"),
        ([CARD], [PARCEL], "name email street postal_code city"),
        ([CARD], [PARCEL, PICKUP], "name email phone street postal_code city"),
        ([INVOICE], [], "name organisation organisation_number email street postal_code city"),
        ([INVOICE | {"customers": ["consumer"]}], [], "name email street postal_code city"),
        ([LATER], [], "name email phone street postal_code city national_id"),
        ([CARD, CODES[0]], [], "email gift_card_code"),
        ([CARD, *CODES], [], "email gift_card_code store_credit_code"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(each["id"] for each in value),
)
def test_a_shop_asks_for_what_its_choices_need_and_for_nothing_else(methods, deliveries, asked):
    record = record_of(shop_of(*methods, deliveries=deliveries))
    assert list(record.asked) == asked.split()
    assert not {*record.if_given} & {*record.asked, *SECRETS}
    assert {name for each in record.processing for name in each.fields} == {*record.asked}


@pytest.mark.parametrize(
    ("methods", "deliveries", "consents", "taken"),
    [
        ([INVOICE], [], [], "login"),
        ([INVOICE], [PARCEL], [], "country login"),
        ([CARD], [PARCEL], [], "organisation phone country login"),
        ([CARD], [PICKUP], [], "organisation login"),
        ([LATER], [], [], "organisation country login"),
        ([INVOICE], [PARCEL], ["marketing"], "phone country login"),
        ([{"id": "till", "kind": "card"}], [], ["profile"],
         "name organisation organisation_number phone street postal_code city country login"),
    ],
)  # fmt: skip
def test_what_is_taken_without_being_asked_for_serves_what_can_be_chosen(
    methods, deliveries, consents, taken
):
    shop = shop_of(*methods, deliveries=deliveries).but(consents=tuple(map(Consent, consents)))
    assert list(record_of(shop).if_given) == taken.split()


def test_each_market_has_its_own():
    shop = shop_of(CARD, LATER, deliveries=[PARCEL, PICKUP])
    norway, sweden = record_of(shop, "NO"), record_of(shop, "SE", "SE")
    assert (norway.markets, sweden.markets) == (("NO",), ("SE",))
    assert "national_id" not in norway.asked
    assert "national_id" in sweden.asked
    assert Recipient(Reader.LENDER, "Fjordkredit", ("later",)) not in norway.recipients
    assert Recipient(Reader.LENDER, "Fjordkredit", ("later",)) in sweden.recipients
    both = record_of(shop)
    assert {*both.asked} == {*norway.asked, *sweden.asked}
    assert {kept.market for kept in both.retention} == {"SE", "NO"}


def test_no_checkout_asks_for_more_than_the_record_says():
    shop = shop_of(INVOICE, {"id": "later", "kind": "own_invoice"}, deliveries=[PARCEL, PICKUP])
    flow = CheckoutFlow(shop, store=MemoryStore(), clock=Clock())
    lines = [{"sku": "mug", "name": "Mug", "quantity": 1, "unit_price": "99 NOK"}]
    seen = set()
    customers: tuple[Customer, ...] = ("consumer", "business")
    for delivery, payment, customer in product(
        ("parcel", "pickup"), ("own_invoice", "later"), customers
    ):
        sale = flow.start(Cart.read({"lines": lines}), market="NO", customer=customer)
        flow.choose_delivery(sale.id, delivery)
        flow.choose_payment(sale.id, payment)
        seen |= {need.field for need in flow.view(sale.id).missing}
    assert seen == {*record_of(shop, "NO").asked}


# -- what it is used for ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("methods", "deliveries", "unused"),
    [
        ([CARD], [PARCEL], "identify_for_credit insure invoice"),
        ([CARD], [], "deliver identify_for_credit insure invoice keep_books"),
        ([INVOICE], [PARCEL], "insure take_payment"),
        ([LATER], [PARCEL], "insure"),
        ([CARD | {"details": ["street"]}], [], "deliver identify_for_credit insure"),
    ],
    ids=["card", "nothing-sent", "own-invoice", "credit", "address-for-the-bill"],
)
def test_the_record_has_the_purposes_that_this_shop_has(methods, deliveries, unused):
    record = record_of(shop_of(*methods, deliveries=deliveries))
    used = [processing.purpose for processing in record.processing]
    assert used == [purpose for purpose in USES if purpose in used]
    assert sorted({*Purpose} - {*used}) == unused.split()


def test_a_use_names_its_fields_with_the_ground_of_each_and_who_reads_them():
    record = record_of(shop_of(LATER, INVOICE))
    uses = {processing.purpose: processing for processing in record.processing}
    assert uses[Purpose.INVOICE].fields == {
        "name": Basis.LEGAL_OBLIGATION,
        "organisation": Basis.LEGAL_OBLIGATION,
        "organisation_number": Basis.CONTRACT,
        "email": Basis.CONTRACT,
        "street": Basis.LEGAL_OBLIGATION,
        "postal_code": Basis.LEGAL_OBLIGATION,
        "city": Basis.LEGAL_OBLIGATION,
    }
    assert uses[Purpose.IDENTIFY_FOR_CREDIT].fields["national_id"] is Basis.CONTRACT
    assert uses[Purpose.IDENTIFY_FOR_CREDIT].readers == (Reader.LENDER,)
    assert uses[Purpose.KEEP_BOOKS].readers == (Reader.ACCOUNTANT,)
    for purpose, processing in uses.items():
        use = USES[purpose]
        assert (processing.what, processing.kept, processing.source) == (
            use.what,
            use.kept,
            use.source,
        )


# -- who is given it -------------------------------------------------------------------------------


def test_recipients_are_those_of_the_shops_own_settings():
    routes = [
        {"provider": "swedish", "markets": ["SE"]},
        {"provider": "norwegian", "markets": ["NO"]},
    ]
    shop = shop_of(
        {"id": "card", "routes": routes}, LATER, INVOICE, *CODES, deliveries=[PARCEL, PICKUP]
    )
    assert record_of(shop, "SE").recipients == (
        Recipient(Reader.STAFF, "Fjordbutikken"),
        Recipient(Reader.PAYMENT_PROVIDER, "swedish", ("card",)),
        Recipient(Reader.PAYMENT_PROVIDER, "lending", ("later",)),
        Recipient(Reader.LENDER, "Fjordkredit", ("later",)),
        Recipient(Reader.PAYMENT_PROVIDER, "cards", ("gift_card", "store_credit")),
        Recipient(Reader.CARRIER, "", ("parcel",)),
        Recipient(Reader.ACCOUNTANT, ""),
    )
    names = [recipient.name for recipient in record_of(shop).recipients]
    assert {"swedish", "norwegian"} < {*names}


def test_what_only_the_shop_can_know_is_asked_for():
    questions = record_of(shop_of(CARD, deliveries=[PARCEL, PICKUP])).to_add
    assert "who carries what is sent by parcel (Parcel)" in questions
    assert "who carries what is sent by pickup (Pick-up)" in questions
    assert any("leaves the EEA" in question for question in questions)
    assert not any("is not known" in question for question in questions)


def test_where_a_countrys_law_is_not_known_the_record_asks_for_it():
    parcel = PARCEL | {"prices": ["39 DKK"]}
    record = record_of(shop_of(CARD, deliveries=[parcel], markets=["DK", "FO"]))
    unknown = [question for question in record.to_add if "is not known" in question]
    assert unknown == [
        "how long the law of FO wants vouchers kept; here that is not known",
        "how long a customer in FO may complain; here that is not known",
    ]


# -- how long --------------------------------------------------------------------------------------


def test_retention_by_market_with_its_rules():
    record = record_of(shop_of(CARD, LATER, *CODES, deliveries=[PARCEL, PICKUP]))
    kept = {(each.market, each.fields): each for each in record.retention}
    address = ("name", "street", "postal_code", "city")
    assert [*kept] == [
        ("SE", address),
        ("SE", ("email", "phone")),
        ("SE", ("national_id", "gift_card_code", "store_credit_code")),
        ("NO", address),
        ("NO", ("email", "phone")),
        ("NO", ("gift_card_code", "store_credit_code")),
    ]
    codes = kept["NO", ("gift_card_code", "store_credit_code")]
    assert codes == Kept(
        market="NO",
        fields=("gift_card_code", "store_credit_code"),
        unfinished="30 days",
        sale="30 days",
        durable="30 days",
        books="",
        sources=(),
    )
    norway, sweden = kept["NO", address], kept["SE", address]
    assert (norway.sale, norway.durable, norway.books) == ("2 years", "5 years", "5 years")
    assert (sweden.sale, sweden.durable, sweden.books) == ("3 years", "3 years", "7 years")
    assert kept["NO", ("email", "phone")].books == ""
    assert norway.sources == tuple(
        LAW.retention("NO", name, TODAY).explain() for name in ("order", "durable_order", "voucher")
    )
    assert len(sweden.sources) == 2


@pytest.mark.parametrize("market", MARKETS)
def test_what_the_record_says_is_what_the_dates_are(market):
    currency = LAW.market(market, TODAY).currency
    parcel = PARCEL | {"prices": [f"49 {currency}"]}
    record = record_of(shop_of(CARD, deliveries=[parcel], markets=[market]))
    for kept in record.retention:
        for field, (words, durable) in product(
            kept.fields, ((kept.sale, False), (kept.durable, True))
        ):
            years = last_day(field, LAW, market, TODAY, durable=durable).year - TODAY.year
            assert words == f"{years} years"


def test_a_shops_own_rule_is_in_its_record():
    own = {
        "market": "NO",
        "records": ["order"],
        "months": 36,
        "counted_from": "delivery",
        "valid_from": "2026-01-01",
        "source": "our guarantee",
        "read_on": "2026-01-01",
        "confidence": "high",
    }
    shop = Shop.read(
        {
            "name": "S",
            "markets": ["NO"],
            "methods": [CARD],
            "own_law": {"retention": [own]},
        }
    )
    (kept,) = record_of(shop).retention
    assert (kept.fields, kept.sale, kept.durable) == (("email",), "3 years", "5 years")
    assert "the shop's own rule instead of: NO: contact details of an order" in kept.sources[0]


def test_where_no_rule_is_known_there_is_no_record():
    with pytest.raises(UnknownRule, match="how long order is kept in SE"):
        record_of_processing(shop_of(CARD), Law([]), TODAY)


# -- the command -----------------------------------------------------------------------------------


@pytest.fixture
def run(capsys):
    """Run the command on a shop's settings and give what it wrote."""

    def run(shop: Path, *markets: str, is_json: bool = False) -> str:
        arguments = Namespace(shop=shop, market=[*markets], json=is_json)
        assert privacy.run(arguments, Paper(sys.stdout, {})) == 0
        out: str = capsys.readouterr().out
        return out

    return run


EXAMPLE = Path(__file__).parents[1] / "examples" / "shop.toml"


def test_the_record_as_text_has_everything_and_fits(run):
    out = run(EXAMPLE)
    assert all(width(line) <= WIDTH for line in out.splitlines())
    text = " ".join(out.split())
    for part in (
        "controller Test Shop",
        "asked for name, email, phone, street, postal_code, city",
        "keep books keep the vouchers of a sale, under a key of their own",
        "name, street, postal_code, city: legal obligation read by accountant only",
        "payment provider simulated_bank (card, wallet)",
        "carrier to be added (parcel, pickup)",
        "NO 30 days 2 years 5 years 5 years",
        "Norwegian consumer sales act of 2002 s. 27",
        "who carries what is sent by parcel (Parcel to the door)",
        *MEASURES,
        *(f"{proof.what}: {proof.kept}" for proof in PROOFS),
    ):
        assert part in text, part


def test_the_record_as_json_has_the_same(run):
    document = json.loads(run(EXAMPLE, "no", is_json=True))
    shop = Shop.load(EXAMPLE)
    assert document["markets"] == ["NO"]
    today = date.fromisoformat(document["on"])
    record = record_of_processing(shop, shop.law(), today, markets=["NO"])
    assert document["asked"] == [*record.asked]
    assert [each["purpose"] for each in document["processing"]] == [
        each.purpose for each in record.processing
    ]
    assert document["processing"][0]["fields"]["name"] == "contract"
    assert document["retention"][0]["books"] == "5 years"
    assert document.keys() == Record.__dataclass_fields__.keys()
    assert [each["kept"] for each in document["proofs"]] == [each.kept for each in PROOFS]


def test_a_market_of_somebody_elses_is_refused(run):
    with pytest.raises(UsageError, match="DE is no market of the shop: DK, SE, NO, FI, IS"):
        run(EXAMPLE, "NO", "de")


# -- nothing elsewhere -----------------------------------------------------------------------------

# What each column that is no number holds. None has room for a contact value: references are
# random, words are of a closed list or the shop's own, digests are keyed.
HOLDS = {
    "reference": "id checkout_id subject_id card_id payment key reference proof",
    "word": "phase command provider operation outcome kind purposes purpose field fields kept "
    "currency locale text move scheme read_by reason choices fate list added_by",
    "digest": "digest key_id value",
    "sealed": "wrapped_key ciphertext",
    "model": "state events answer",
}
COLUMNS = {name: what for what, names in HOLDS.items() for name in names.split()}


@pytest.mark.parametrize("table", METADATA.tables.values(), ids=METADATA.tables)
def test_no_column_outside_the_vault_has_room_for_a_contact_value(table):
    for column in table.columns:
        assert column.name not in FIELDS
        if not isinstance(column.type, BigInteger | Integer):
            assert column.name in COLUMNS, "say what it holds"
            is_sealed = COLUMNS[column.name] == "sealed"
            assert is_sealed == (
                table.name.removeprefix("checkoutflow_") in {"subjects", "vault"}
                and column.type.python_type is bytes
            )


@pytest.mark.parametrize("model", [Checkout, Event], ids=["state", "events"])
def test_neither_state_nor_events_have_a_property_for_a_contact_value(model):
    schema = TypeAdapter(model).json_schema()
    objects = {"": schema, **schema["$defs"]}
    found = {
        (name, field)
        for name, each in objects.items()
        for field in each.get("properties", {})
        if field in FIELDS
    }
    # The names of goods and covers, fees and discounts.
    goods = {"Line", "CoverTerms", "Charge", "Discount", "PricedDiscount"}
    assert found == {(name, "name") for name in goods}
