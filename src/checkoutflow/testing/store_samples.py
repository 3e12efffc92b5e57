"""Checkouts and changes to put into a store, for `STORE_CHECKS` and for a store author's own tests.

They need not make sense as orders: a store decides nothing, and must hold whatever it is given.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.cart import (
    Cart,
    Charge,
    Discount,
    Line,
    Priced,
    PricedDiscount,
    PricedLine,
    VatPart,
)
from checkoutflow.checkout.events import (
    AttemptPending,
    AttemptStarted,
    ConsentChanged,
    CoverAnswer,
    CreditNoteIssued,
    DetailsProvided,
    Event,
    Held,
    InsuranceAnswered,
    InvoiceIssued,
    PaymentRecorded,
    PaymentStarted,
    Placed,
    PoliciesBound,
    PolicyEntered,
    QuotesTaken,
    RefundStarted,
    Replaced,
    Repriced,
    ShipmentStarted,
    Started,
)
from checkoutflow.checkout.invoice import CreditNote, Invoice
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.state import (
    Attempt,
    Attention,
    Chargeback,
    Checkout,
    Credit,
    Erasure,
    PartState,
    Payment,
    Recognition,
    Refund,
    Shipment,
    Tender,
)
from checkoutflow.insurance.policies import CoverTerms, Entry, Policy, PolicyState
from checkoutflow.insurance.quotes import Quote
from checkoutflow.money import Money
from checkoutflow.payment.books import Books
from checkoutflow.payment.machine import PaymentState
from checkoutflow.payment.outcomes import OpenApp, Operation, Outcome, Redirect, ShowQr
from checkoutflow.payment.terms import Terms
from checkoutflow.privacy.vault import SubjectKey, VaultRow
from checkoutflow.review import Hit, Request, Review, ReviewState, Scored
from checkoutflow.stores.contract import (
    AttemptRow,
    Change,
    ConsentRow,
    DigestRow,
    ListingRow,
    ReadRow,
    SightingRow,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# A moment with microseconds, which a store must not lose.
NOON: Final = datetime(2025, 3, 1, 12, 0, 0, 123_457, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """Give a moment by its minutes after `NOON`."""
    return NOON + timedelta(minutes=minutes)


def sample_checkout(checkout_id: str = "co-1", version: int = 1, **more: Any) -> Checkout:  # noqa: ANN401 -- any field of the model
    """Make a checkout of one line.

    Args:
        checkout_id: Its id.
        version: How many commits made it.
        more: Other fields of ``Checkout``.
    """
    price = Money(129_00, "DKK")
    fields: Mapping[str, Any] = {
        "market": "DK",
        "locale": "da_DK",
        "customer": "consumer",
        "subject": f"subject of {checkout_id}",
        "started_at": NOON,
        "expires_at": at(60),
        "cart": Cart(lines=(Line(sku="lamp", name="Læselampe", quantity=1, unit_price=price),)),
        "priced": Priced(
            lines=(
                PricedLine(
                    id="lamp",
                    quantity=1,
                    goods=price,
                    payable=price,
                    charged=Money(0, price.currency),
                    vat_percent=Decimal(25),
                ),
            ),
            discounts=(),
            charges=(),
            vat=(VatPart(percent=Decimal(25), gross=price, vat=Money(25_80, "DKK")),),
            prices_include_vat=True,
        ),
        **more,
    }
    return Checkout(id=checkout_id, version=version, **fields)


def sample_change(state: Checkout | None = None, **more: Any) -> Change:  # noqa: ANN401 -- any field of the change
    """Make a change that leads to a state, a minute after the one before it.

    Args:
        state: The checkout afterwards; a new one if None.
        more: Other fields of ``Change``.
    """
    state = state or sample_checkout()
    fields: Mapping[str, Any] = {
        "events": (DetailsProvided(fields=("email",), expires_at=at(60)),),
        "at": at(state.version),
        "command": "provide",
        **more,
    }
    return Change(state=state, **fields)


def sample_attempt(payment: str = "pay-1", provider: str = "bank", **more: Any) -> AttemptRow:  # noqa: ANN401 -- any field of the row
    """Make an attempt at an authorisation that nothing was heard of yet.

    Args:
        payment: Our reference at the provider.
        provider: The adapter's name.
        more: Other fields of ``AttemptRow``.
    """
    fields: Mapping[str, Any] = {
        "id": f"{payment}-authorise",
        "operation": Operation.AUTHORISE,
        "amount": Money(129_00, "DKK"),
        "digest": "0f" * 32,
        "started_at": NOON,
        "lease_until": at(1),
        "sends": 1,
        "outcome": None,
        **more,
    }
    return AttemptRow(payment=payment, provider=provider, **fields)


def sample_key(person: str, key_id: str = "shop-key") -> SubjectKey:
    """Make a person's wrapped key; no two persons have the same.

    Args:
        person: Whose it is.
        key_id: Which of the shop's keys opens it.
    """
    return SubjectKey(person, f"\x00\xff key of {person}, under {key_id}".encode(), key_id)


def sample_field(person: str, name: str = "email", until: float = 60) -> VaultRow:
    """Make a sealed field.

    Args:
        person: Whose it is.
        name: The field's.
        until: Minutes after `NOON` at which it expires.
    """
    return VaultRow(person, name, f"{name} of {person}".encode(), ("deliver",), at(until))


def sample_trace(
    person: str, digest: str = "0f" * 32, kind: str = "email", until: float = 60
) -> DigestRow:
    """Make a trace by which a person is found, until some minutes after `NOON`."""
    return DigestRow(kind, digest, person, at(until))


def sample_sighting(
    person: str,
    digest: str = "0f" * 16,
    kind: str = "email",
    *,
    fate: str = "ordered",
    minute: float = 0,
    until: float = 60,
) -> SightingRow:
    """Make what an order was seen by, some minutes after `NOON`."""
    return SightingRow(kind, digest, fate, person, at(minute), at(until))


def sample_listing(
    kind: str, value: str, *, on: str = "block", minute: float = 0, until: float = 60
) -> ListingRow:
    """Make something that is on a list since some minutes after `NOON`."""
    return ListingRow(kind, value, on, "a reason", "reviewer-7", at(minute), at(until))


def sample_consent(person: str, **more: Any) -> ConsentRow:  # noqa: ANN401 -- any field of the row
    """Make what a person agreed to at `NOON`.

    Args:
        person: Who.
        more: Other fields of ``ConsentRow``.
    """
    fields: Mapping[str, Any] = {
        "kind": "marketing",
        "is_given": True,
        "at": NOON,
        "text": "marketing-1",
        "locale": "da_DK",
        "proof": "co-1/1",
        **more,
    }
    return ConsentRow(subject=person, **fields)


def sample_read(person: str, **more: Any) -> ReadRow:  # noqa: ANN401 -- any field of the row
    """Make a read of a person's fields at `NOON`.

    Args:
        person: Whose.
        more: Other fields of ``ReadRow``.
    """
    fields: Mapping[str, Any] = {
        "at": NOON,
        "purpose": "take_payment",
        "fields": ("email", "phone"),
        "by": "bank",
        **more,
    }
    return ReadRow(subject=person, **fields)


def full_checkout() -> Checkout:
    """Make a checkout in which every field of every model has something in it."""
    kronur = Money(12_900, "ISK")
    price = Money(-1, "ISK")  # no checkout has it, and no store may mind
    cart = Cart(
        lines=(
            Line(
                sku="lampi",
                id="lampi-2",
                name="Leslampi „Þór“ \u2028 \U0001f4a1",
                quantity=3,
                unit_price=kronur,
                vat_category="books",
                goods_category="light",
                weight_g=1_250,
                digital=True,
                durable=True,
                condition="used",
                age_months=7,
                attributes={"colour": "rauður", "serial": 2**53, "gift": True, "note": ""},
            ),
            Line(
                sku="trygging",
                id="trygging:lampi-2",
                name="Trygging",
                quantity=3,
                unit_price=Money(1_500, "ISK"),
                vat_category="insurance",
                goods_category="insurance",
                digital=True,
                kind="insurance",
                insures=("lampi-2",),
            ),
        ),
        discounts=(
            Discount(name="Afsláttur", amount=Money(900, "ISK"), lines=("lampi-2",)),
            Discount(name="Tíund", percent=Decimal("12.50")),
        ),
        prices_include_vat=False,
    )
    priced = Priced(
        lines=(
            PricedLine(
                id="lampi-2",
                quantity=3,
                goods=kronur,
                payable=price,
                charged=kronur,
                vat_percent=Decimal("11.0"),
            ),
        ),
        discounts=(PricedDiscount(name="Afsláttur", amount=Money(900, "ISK"), id="card"),),
        charges=(Charge(kind="delivery", id="post", name="Pósturinn", amount=kronur),),
        vat=(VatPart(percent=Decimal("11.0"), gross=kronur, vat=Money(1_278, "ISK")),),
        prices_include_vat=False,
    )
    attempt = Attempt(
        id="pay-1-capture",
        operation=Operation.CAPTURE,
        amount=kronur,
        part="shipment-1",
        started_at=NOON,
        lease_until=at(1),
        sends=2,
        outcome=Outcome.UNKNOWN,
        reference="theirs-1",
        resolved_by=("clerk-1", "clerk-2"),
    )
    payment = Payment(
        id="pay-1",
        method="card",
        provider="bank",
        amount=kronur,
        state=PaymentState.ACTION_REQUIRED,
        books=Books(currency="ISK", authorised=9, voided=1, captured=5, refunded=2),
        provider_reference="b-77",
        action=Redirect(url="https://bank.example/3ds?x=1&y=ö"),
        valid_until=at(5),
        attempts=(attempt,),
        look_at=at(0.5),
        looks=3,
        absences=2,
        is_unheard=True,
        reason="insufficient_funds",
        shares=("email",),
        profile_at=at(0.25),
        profile_asks=1,
        contradiction="captured 5 of 4",
        is_reminded=True,
    )
    others = [
        payment.model_copy(update={"id": "pay-2", "action": OpenApp(url="swish://x")}),
        payment.model_copy(update={"id": "pay-3", "action": ShowQr(payload="0002")}),
        payment.model_copy(
            update={"id": "pay-4", "provider": None, "action": None, "terms": Terms(days=14)}
        ),
        payment.model_copy(
            update={
                "id": "pay-5",
                "terms": Terms(
                    day_of_month=25, months_after=2, at_least_days=9, on_closed_day="preceding"
                ),
            }
        ),
        payment.model_copy(update={"id": "pay-6", "terms": Terms(last_banking_day=True)}),
    ]
    invoice = Invoice(
        number=2**53,
        payment="pay-4",
        shipment="shipment-1",
        amount=kronur,
        issued_on=NOON.date(),
        due_on=at(14 * 24 * 60).date(),
        remind_at=at(15 * 24 * 60),
        reference="RF341234561",
        scheme="FI",
        credit_notes=(CreditNote(number=2**53 + 1, amount=kronur, issued_on=NOON.date()),),
        paid=Money(900, "ISK"),
        is_reminded=True,
    )
    policy = Policy(
        id="trygging:lampi-2",
        terms=CoverTerms(
            product="trygging",
            name="Trygging",
            kind="insurance",
            lines=("lampi-2",),
            per="item",
            each=Money(1_500, "ISK"),
            tax_percent=Decimal("1.1"),
            insurer="nordvern",
            commission_percent=Decimal("12.50"),
            months=12,
            cooling_off_days=14,
            document="2026-01",
            quote="Q-1",
            wording="words:b",
        ),
        state=PolicyState.BOUND,
        answers={"home_cover": "no"},
        starts=NOON.date(),
        ends=at(365 * 24 * 60).date(),
        free_until=at(14 * 24 * 60).date(),
        entries=(
            Entry(
                kind="bound",
                units=3,
                premium=Money(4_500, "ISK"),
                at=NOON,
                on=NOON.date(),
            ),
            Entry(
                kind="cancelled",
                units=-1,
                premium=Money(-1_500, "ISK"),
                at=at(60),
                on=NOON.date(),
                part="refund-1",
            ),
        ),
    )
    quote = Quote(
        offer="trygging:lampi-2",
        each=Money(1_500, "ISK"),
        value=Money(10_000, "ISK"),
        reference="Q-1",
        valid_until=at(60),
    )
    return sample_checkout(
        "co-full",
        market="IS",
        locale="is_IS",
        customer="business",
        phase=Phase.HELD,
        cart=cart,
        priced=priced,
        adult=True,
        arms={"fees": "control"},
        recognition=Recognition(
            level="verified",
            person="person-1",
            by="email",
            challenge="0f" * 32,
            sending=2,
            tries=1,
            sent_at=NOON,
            valid_until=at(10),
        ),
        consents={"marketing": True, "profile": False},
        provided=("email", "name"),
        areas=("reykjavik",),
        delivery="post",
        method="card",
        credits=(Credit(method="gift_card", amount=kronur),),
        return_url="https://shop.example/thanks",
        tenders=(
            Tender(
                payment="pay-1",
                method="card",
                provider="bank",
                amount=kronur,
                others=("wallet",),
                shares=("email",),
            ),
        ),
        payments=(payment, *others),
        shipments=(
            Shipment(
                id="shipment-1",
                lines={"lampi-2": 2},
                first={"lampi-2": 0},
                amount=kronur,
                state=PartState.DONE,
                is_paid=False,
            ),
        ),
        refunds=(
            Refund(
                id="refund-1",
                lines={"lampi-2": 1, "trygging:lampi-2": 1},
                first={"lampi-2": 0, "trygging:lampi-2": 0},
                amount=kronur,
                premiums={"trygging:lampi-2": Money(1_500, "ISK")},
                on=NOON.date(),
                by=("accountant-1", "accountant-2"),
                state=PartState.FAILED,
            ),
        ),
        invoices=(invoice,),
        cancelled={"lampi-2": 1},
        signals={"value": 14_200, "new_customer": True},
        hits=(Hit(rule="dear", hold=True, weight=40, shadow=True),),
        scored=Scored(
            standing="ready",
            version="0f" * 8,
            probability=0.25,
            would_hold=True,
            held=True,
            because=("tries",),
        ),
        second=Recognition(level="verified", by="phone"),
        chargebacks=(Chargeback(amount=kronur, is_fraud=True),),
        policies=(policy,),
        quotes=(quote,),
        replaced={"lampi-2": 1},
        review=Review(
            state=ReviewState.CLAIMED,
            reasons=("total above 100 ISK",),
            deadline=at(72 * 60),
            held_at=at(0),
            reviewer="reviewer-7",
            claimed_until=at(30),
            endorsed_by="reviewer-6",
            requests=(
                Request(
                    id="q1",
                    what="code",
                    by="phone",
                    reviewer="reviewer-6",
                    asked_at=at(5),
                    answer="shown",
                    answered_at=at(6),
                ),
            ),
            notes=1,
            ended="rejected",
            reason="series",
        ),
        ending="cancelled",
        attention=(Attention(reason="unresolved", payment="pay-1"),),
        could_say_no=True,
        erasure=Erasure(reason="letter 7", asked_at=at(5)),
    )


def full_events() -> tuple[Event, ...]:
    """Give events that hold every kind of value that events can hold."""
    state = full_checkout()
    payment = state.payments[0]
    own, invoice = state.payments[3], state.invoices[0]
    (note,) = invoice.credit_notes
    return (
        Started(
            checkout=state.id,
            subject=state.subject,
            market=state.market,
            locale=state.locale,
            customer=state.customer,
            cart=state.cart,
            priced=state.priced,
            at=NOON,
            expires_at=at(60),
        ),
        Placed(
            accepted_total=state.total,
            priced=state.priced,
            tenders=state.tenders,
            return_url=state.return_url,
            expires_at=at(60),
        ),
        AttemptStarted(
            payment=payment.id,
            attempt="pay-1-authorise",
            operation=Operation.AUTHORISE,
            amount=payment.amount,
            at=NOON,
            lease_until=at(1),
        ),
        *(
            AttemptPending(
                payment=each.id,
                attempt="pay-1-authorise",
                action=each.action,
                valid_until=each.valid_until,
                look_at=at(2),
            )
            for each in state.payments
        ),
        ConsentChanged(
            consents={"marketing": True}, texts={"marketing": "marketing-1"}, locale="is_IS"
        ),
        ShipmentStarted(shipment="shipment-1", lines={"lampi-2": 2}, amount=payment.amount),
        Held(reasons=("total above 100 ISK",), deadline=at(72 * 60)),
        PaymentStarted(
            payment=own.id, method=own.method, provider=None, amount=own.amount, terms=own.terms
        ),
        InvoiceIssued(
            invoice=invoice.number,
            **invoice.model_dump(
                include={"payment", "shipment", "amount", "issued_on", "due_on", "remind_at"}
            ),
            reference=invoice.reference,
            scheme=invoice.scheme,
        ),
        CreditNoteIssued(
            credit_note=note.number,
            invoice=invoice.number,
            amount=note.amount,
            issued_on=note.issued_on,
        ),
        PaymentRecorded(invoice=invoice.number, amount=invoice.paid, received_on=invoice.issued_on),
        *_of_insurance(state),
    )


def _of_insurance(state: Checkout) -> tuple[Event, ...]:
    """Events of the covers of a checkout."""
    (policy,), (refund,) = state.policies, state.refunds
    said = CoverAnswer(offer=policy.id, is_wanted=True, terms=policy.terms, answers=policy.answers)
    return (
        QuotesTaken(quotes=state.quotes, expires_at=at(60)),
        InsuranceAnswered(answers=(said,), expires_at=at(60)),
        Repriced(priced=state.priced, delivery="post", method="card", policies=state.policies),
        PoliciesBound(at=NOON, on=NOON.date(), free_until={policy.id: at(14 * 24 * 60).date()}),
        RefundStarted(**refund.model_dump(exclude={"id", "state"}), refund=refund.id),
        PolicyEntered(policy=policy.id, entry=policy.entries[1]),
        Replaced(lines={"lampi-2": 1}, at=NOON, on=NOON.date()),
    )
