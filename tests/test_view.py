"""What a front end is told: what to ask and why, what it costs, what to do, in seven languages."""

from __future__ import annotations

import json

import pytest
from tests.heart import CART, DEAR, FREE, Sale, nok, standing
from tests.test_machines import IN_PHASE

from checkoutflow.checkout import commands as c
from checkoutflow.checkout.machine import ALLOWED, CommandName, Phase
from checkoutflow.checkout.view import View, view_of
from checkoutflow.errors import InvalidInput
from checkoutflow.payment.methods import Method
from checkoutflow.payment.outcomes import Outcome, Redirect, Word
from checkoutflow.privacy.fields import FIELDS, Purpose
from checkoutflow.texts import LANGUAGES

LOCALES = ["da_DK", "sv_SE", "nb_NO", "nn_NO", "fi_FI", "is_IS", "en_GB"]


def view(sale: Sale, locale: str = "en_GB") -> View:
    return view_of(sale.state, sale.rules, locale, sale.now)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("locale", LOCALES)
def test_every_phase_in_every_language(phase, locale):
    seen = view(IN_PHASE[phase](), locale)
    assert seen.phase is phase
    assert seen.status
    assert seen.button
    assert View.model_validate_json(seen.model_dump_json()) == seen


@pytest.mark.parametrize("phase", Phase)
def test_every_language_speaks_for_itself(phase):
    # Finnish, Icelandic and English share no phrase with anybody; the Scandinavian ones may.
    texts = [view(IN_PHASE[phase](), locale).notice for locale in LOCALES]
    if texts[0]:
        assert len(set(texts)) == len(LANGUAGES), texts
    status = {locale: view(IN_PHASE[phase](), locale).status for locale in LOCALES}
    assert len({status[name] for name in ("sv_SE", "is_IS", "en_GB")}) == 3, status


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("da-DK", "da_DK"), ("no_NO", "nb"), ("pl_IS", "en"), ("xx", "en"), ("sv_FI", "sv_FI")],
)
def test_a_locale_that_is_not_quite_known_never_breaks_a_sale(asked, answered):
    assert view(Sale(), asked).locale == answered


def test_names_follow_the_language_of_the_view():
    data = Sale().rules.shop.model_dump(mode="json")
    data["deliveries"][0]["name"] = {"nb": "Pakke", "en": "Parcel"}
    sale = Sale(shop=type(Sale().rules.shop).read(data)).do(c.ChooseDelivery(delivery="parcel"))
    for locale, name in (("nb_NO", "Pakke"), ("en_GB", "Parcel")):
        totals = view(sale, locale).totals
        assert [item.name for item in totals.charges] == [name]
    data["deliveries"] = data["deliveries"][1:]
    sale.rules = Sale(shop=type(sale.rules.shop).read(data)).rules
    assert [item.name for item in view(sale).totals.charges] == ["Pakke"]  # as it was priced


def test_what_can_be_called_is_what_the_table_allows_and_never_a_report():
    for phase, make in IN_PHASE.items():
        allowed = set(view(make()).allowed)
        assert allowed <= {str(name) for name in ALLOWED[phase]}
        assert not allowed & {
            CommandName.RECORD_RESULT,
            CommandName.TAKE_STANDING,
            CommandName.HEAR,
            CommandName.PASS_TIME,
        }


def test_each_missing_field_says_what_it_is_for_and_on_what_ground():
    sale = Sale().do(c.ChooseDelivery(delivery="parcel"))
    for field in view(sale, "da_DK").missing:
        declared = FIELDS[field.field]
        assert field.basis == declared.purposes[Purpose(field.purpose)]
        assert field.label
        assert field.why


def test_what_is_asked_follows_from_what_is_chosen():
    def asked(sale: Sale) -> list[str]:
        return [field.field for field in view(sale).missing]

    sale = Sale()
    assert asked(sale) == ["email"]
    assert asked(sale.do(c.ChooseDelivery(delivery="pickup"))) == ["email", "name", "phone"]
    assert asked(sale.do(c.ChooseDelivery(delivery="parcel"))) == [
        "email",
        "name",
        "street",
        "postal_code",
        "city",
    ]
    assert asked(sale.do(c.Provide(fields=("email", "city")))) == ["name", "street", "postal_code"]


def test_a_method_can_need_more():
    data = Sale().rules.shop.model_dump(mode="json")
    data["methods"][0]["details"] = ["phone", "email"]
    sale = Sale(shop=type(Sale().rules.shop).read(data)).do(c.ChoosePayment(method="card"))
    missing = {field.field: field.purpose for field in view(sale).missing}
    assert missing == {"email": "send_receipt", "phone": "take_payment"}


def test_a_method_cannot_need_what_payments_may_not_use():
    with pytest.raises(InvalidInput, match="is not used to take_payment or identify_for_credit or"):
        Method.read({"id": "m", "name": "M", "details": ["shoe_size"]})


def test_totals_with_vat_by_rate_and_what_credits_leave_to_pay():
    sale = Sale().ready().do(c.AddCredit(method="store_credit", amount=nok(100)))
    totals = view(sale, "nb_NO").totals
    assert totals.total.text == "549,00\N{NO-BREAK SPACE}kr"
    assert totals.due.minor == 44900
    assert [(part.percent, part.text, part.vat.minor) for part in totals.vat] == [
        ("25", "25\N{NO-BREAK SPACE}%", 10980)
    ]
    assert [(item.id, item.name, item.amount.minor) for item in totals.credits] == [
        ("store_credit", "Store credit", -10000)
    ]
    assert [(item.id, item.amount.minor) for item in totals.charges] == [("parcel", 4900)]


def test_offers_show_prices_and_what_is_chosen():
    seen = view(Sale().ready("wallet"))
    assert [(offer.id, offer.price and offer.price.minor) for offer in seen.deliveries] == [
        ("parcel", 4900),
        ("pickup", 0),
    ]
    assert [offer.id for offer in seen.payments if offer.is_chosen] == ["wallet"]
    assert [(offer.id, offer.takes_code) for offer in seen.credits] == [
        ("gift_card", True),
        ("store_credit", False),
    ]


def test_nothing_is_chosen_for_the_customer():
    seen = view(Sale())
    assert not any(offer.is_chosen for offer in (*seen.payments, *seen.deliveries, *seen.credits))
    assert seen.choose == ("delivery", "payment")


def test_a_discount_and_a_deleted_method_still_show():
    cart = CART.model_dump(mode="json")
    cart["discounts"] = [{"name": "Winter", "percent": "10"}]
    sale = Sale(type(CART).read(cart)).ready()
    sale.do(c.AddCredit(method="store_credit", amount=nok(10)))
    data = sale.rules.shop.model_dump(mode="json")
    data["methods"] = data["methods"][:1]
    sale.rules = Sale(shop=type(sale.rules.shop).read(data)).rules
    totals = view(sale).totals
    assert [(item.name, item.amount.minor) for item in totals.discounts] == [("Winter", -5000)]
    assert totals.credits[0].name == "store_credit"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (Sale, ""),
        (lambda: Sale().placed().hear(Outcome.DECLINED), "Nothing was taken"),
        (lambda: Sale().placed().hear(Outcome.UNKNOWN), "do not pay again"),
        (
            lambda: (
                Sale()
                .placed("wallet")
                .hear(Outcome.PENDING, action=Redirect(url="https://bank.example/"))
            ),
            "",
        ),
        (lambda: Sale().placed().hear(Outcome.UNKNOWN).do(c.Cancel()), "cancelling your payment"),
        (lambda: Sale(DEAR).confirmed(), "reserved, not taken"),
        (lambda: Sale(DEAR).confirmed().do(c.Reject(reviewer="r")), "released"),
        (lambda: Sale().confirmed(), ""),
        (lambda: Sale().do(c.Cancel()), ""),
    ],
    ids=[
        "new",
        "declined",
        "unknown",
        "at the bank",
        "ending",
        "held",
        "rejected",
        "confirmed",
        "cancelled before paying",
    ],
)
def test_the_customer_is_told_what_is_true(make, says):
    notice = view(make()).notice
    assert says in notice
    assert bool(notice) == bool(says)


def test_progress_of_each_line():
    sale = Sale().confirmed().do(c.Ship(lines={"mug": 2})).succeed()
    sale.do(c.Refund(lines={"mug": 1})).succeed().do(c.Cancel())
    mug, lamp = view(sale).lines
    assert (mug.shipped, mug.returned, mug.cancelled, mug.to_ship) == (2, 1, 0, 0)
    assert (lamp.shipped, lamp.returned, lamp.cancelled, lamp.to_ship) == (0, 0, 1, 0)


def test_deadlines_and_attention():
    held = Sale(DEAR).confirmed()
    assert view(held).decide_by == held.state.review.deadline  # type: ignore[union-attr]
    assert view(held).expires_at is None
    assert view(Sale()).expires_at is not None
    stopped = Sale().confirmed().look(standing(Word.AUTHORISED, 549, captured=600))
    assert view(stopped).attention == ("contradiction",)


def test_the_schema_covers_the_view_and_every_field_is_explained_where_it_is_made():
    schema = View.model_json_schema()
    shown = json.loads(view(Sale(FREE)).model_dump_json())
    assert set(shown) == set(schema["properties"])
    assert schema["additionalProperties"] is False
