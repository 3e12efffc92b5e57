"""What the checks are given: an adapter, a fake of its service, and the first steps with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar, cast

import httpx

from checkoutflow.errors import TransportError
from checkoutflow.money import Money
from checkoutflow.payment.books import Books, Posting
from checkoutflow.payment.outcomes import Operation, Outcome
from checkoutflow.providers.contract import (
    Agree,
    Ask,
    Authorise,
    Charge,
    Earlier,
    MandateAsk,
    Modification,
    OrderLine,
    Webhook,
)

if TYPE_CHECKING:
    from checkoutflow.payment.outcomes import Action, Result, Standing
    from checkoutflow.privacy.secret import Secret
    from checkoutflow.providers.contract import Consult, Exchange, MandateProvider, Provider

T = TypeVar("T")
Handler: TypeAlias = Callable[[httpx.Request], httpx.Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """An adapter, and a fake of the service that it speaks to. Both are new for every check.

    Attributes:
        provider: The adapter.
        handler: The fake service: answers one request, and keeps its own book. `performed` where
            the adapter sends nothing and asks what the shop itself keeps.
        notice: The service's newest genuine notice, about the payment made last. None for one that
            sends none: then no notice at all is believed.
        customer: Does what an action asks of the customer; the second argument is whether they say
            yes. The action is None where the customer is asked in an app of their own. None for
            methods that ask nobody.
        decline_next: Makes the next authorisation end with a "no"; None where only the customer
            can say it.
        takes_at_once: Whether this method takes the money at once, though others of the provider
            are captured later.
        settle: Lets the service end what it only took in so far; None where it does so at once.
    """

    provider: Provider
    handler: Handler
    notice: Callable[[], Webhook] | None
    customer: Callable[[Action | None, bool], None] | None = None
    decline_next: Callable[[], None] | None = None
    takes_at_once: bool = False
    settle: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterCase:
    """What the checks must know about one adapter and one of its methods.

    Attributes:
        make: Builds a stage with an empty book; called many hundred times.
        foreign: Builds a stage of another merchant: the same, with other credentials.
        method: The provider's name for the way to pay.
        amount: What to authorise, in a currency that it takes; at least 100 minor units.
        secrets: The credentials that ``make`` uses; they must not show anywhere.
        instrument: For methods that work on one, such as a gift card's code.
        details: Contact fields for ``authorise``, where it wants some.
        words: Where the word for the outcome stands in the JSON of an answer, by ``authorise``,
            ``capture``, ``void``, ``refund`` and ``status``; left out where an answer has none.
        signature: How notices are proven genuine: ``hmac`` over their bytes with a shared secret; a
            ``public_key``; a shared secret sent along in a ``header``; an ``address`` of each
            payment's own; or not at all (``none``), in which case they are hints.
        mandate_method: The provider's name for the way to pay on which mandates are given; by
            default ``method``.
        notice_age_s: For how long a signed notice is believed; None where no time is signed.
    """

    make: Callable[[], Stage]
    foreign: Callable[[], Stage]
    method: str
    amount: Money
    secrets: tuple[str, ...]
    instrument: Secret | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)
    signature: Literal["hmac", "public_key", "header", "address", "none"] = "hmac"
    mandate_method: str = ""
    notice_age_s: int | None = 300


def exchange(operation: Exchange[T], handler: Handler) -> T:
    """Run one operation of an adapter: its requests go to the handler, the answers back.

    Args:
        operation: What an adapter's method returns.
        handler: Answers requests; ``httpx.Client().send`` is one. Its ``httpx.TransportError``
            reaches the adapter as our own, as in the flow.

    Returns:
        What the operation returns.

    Raises:
        TransportError: If no answer came.
    """
    try:
        request = next(operation)
        while True:
            try:
                response = handler(request)
            except httpx.TransportError as error:
                request = operation.throw(TransportError(f"no answer: {type(error).__name__}"))
            else:
                request = operation.send(response)
    except StopIteration as stop:
        result: T = stop.value
        return result


def performed(asked: httpx.Request) -> httpx.Response:
    """Make the call that an adapter asks for in place of a request (``providers.consult``)."""
    return cast("httpx.Response", cast("Consult", asked).perform())


@dataclass(slots=True)
class Paid:
    """A payment, with what was asked of it since and what we know of it."""

    order: Authorise
    provider_reference: str | None
    books: Books
    earlier: list[Earlier] = field(default_factory=list)
    orders: dict[tuple[int, Money], Modification] = field(default_factory=dict)

    @classmethod
    def of(cls, order: Authorise, provider_reference: str | None) -> Paid:
        """A payment of which nothing is known yet."""
        return cls(order, provider_reference, Books(currency=order.amount.currency))

    @classmethod
    def charged(cls, order: Charge, result: Result) -> Paid:
        """A payment that was taken on a mandate."""
        as_order = Authorise(
            key=order.key,
            merchant_reference=order.merchant_reference,
            method=order.method,
            amount=order.amount,
            return_url="",
            locale=order.locale,
            market=order.market,
            customer=order.customer,
        )
        return cls.of(as_order, result.provider_reference)

    def take_in(self, standing: Standing) -> None:
        """Let our books have what the provider says."""
        self.provider_reference = standing.provider_reference or self.provider_reference
        for posting, amount in (
            (Posting.AUTHORISED, standing.authorised),
            (Posting.CAPTURED, standing.captured),
        ):
            if amount.minor:
                self.books = self.books.post(posting, amount)

    def modify(self, number: int, amount: Money) -> Modification:
        """An order about it, under a key of its own; a repeat is the same order."""
        order = Modification(
            key=key_of(number),
            merchant_reference=self.order.merchant_reference,
            provider_reference=self.provider_reference,
            amount=amount,
            method=self.order.method,
            books=self.books,
            earlier=tuple(self.earlier),
            at=NOW,
        )
        return self.orders.setdefault((number, amount), order)

    @property
    def ask(self) -> Ask:
        """The question how it stands."""
        return Ask(
            merchant_reference=self.order.merchant_reference,
            provider_reference=self.provider_reference,
            amount=self.order.amount,
            method=self.order.method,
            earlier=tuple(self.earlier),
            at=NOW,
        )


def expect(is_so: object, advice: str) -> None:
    """Fail with advice to the adapter's author.

    Raises:
        AssertionError: If it is not so.
    """
    if not is_so:
        raise AssertionError(advice)


def key_of(number: int) -> str:
    """An idempotency key, as long as keys get."""
    return f"check-{number:034}"


def part_of(case: AdapterCase) -> Money:
    """A part of the amount: less than half, so that it goes in twice."""
    return Money(case.amount.minor // 3, case.amount.currency)


def order_of(case: AdapterCase, number: int = 1) -> Authorise:
    """An order for one payment; another number is another payment."""
    line = OrderLine(
        id="line-1",
        name="Kaffekværn",
        quantity=1,
        amount=case.amount,
        vat_basis=2500,
        vat=Money(case.amount.minor // 5, case.amount.currency),
    )
    return Authorise(
        key=key_of(number),
        merchant_reference=chr(ord("a") + number) * 20,
        method=case.method,
        amount=case.amount,
        return_url="https://shop.example/return",
        locale="da_DK",
        market="DK",
        customer="consumer",
        lines=(line,),
        instrument=case.instrument,
        details=case.details,
        at=NOW,
    )


def modify(provider: Provider, operation: Operation, order: Modification) -> Exchange[Result]:
    """Capture, void or refund."""
    match operation:
        case Operation.CAPTURE:
            return provider.capture(order)
        case Operation.VOID:
            return provider.void(order)
        case _:
            return provider.refund(order)


@dataclass(frozen=True, slots=True)
class Agreed:
    """A mandate that the customer was asked for.

    Attributes:
        result: What came of asking.
        token: What charges are made with; None until the customer has given it.
    """

    order: Agree
    result: Result
    token: Secret | None = None

    @property
    def ask(self) -> MandateAsk:
        """The question how it stands."""
        reference = self.result.provider_reference
        return MandateAsk(
            merchant_reference=self.order.merchant_reference,
            provider_reference=reference,
            method=self.order.method,
            token=self.token,
            maximum=self.order.maximum,
            at=NOW,
        )

    def charge(self, case: AdapterCase, number: int) -> Charge:
        """A charge on it; another number is another payment."""
        order = order_of(case, number)
        return Charge(
            key=order.key,
            merchant_reference=order.merchant_reference,
            mandate=self.order.merchant_reference,
            token=self.token,
            method=self.order.method,
            amount=case.amount,
            title=self.order.title,
            locale=order.locale,
            market=order.market,
            customer=order.customer,
            due=_DUE,
            lines=order.lines,
            at=NOW,
        )


NOW: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
_DUE: Final = date(2027, 1, 15)  # far enough ahead for whoever wants to know before


def agreement_of(case: AdapterCase) -> Agree:
    """An order for a mandate."""
    order = order_of(case, 20)
    return Agree(
        key=order.key,
        merchant_reference=order.merchant_reference,
        method=case.mandate_method or case.method,
        title="Kaffe hver måned",
        maximum=case.amount,
        every_months=1,
        return_url=order.return_url,
        locale=order.locale,
        market=order.market,
        customer=order.customer,
        details=case.details,
        at=NOW,
    )


def mandates_of(stage: Stage) -> MandateProvider:
    """The adapter, as one that takes later payments."""
    return cast("MandateProvider", stage.provider)


def agree(case: AdapterCase, stage: Stage, *, approve: bool = True) -> Agreed:
    """Ask for a mandate, and let the customer give it or not.

    Raises:
        AssertionError: If the adapter does not ask, or what was given is not found.
    """
    provider = mandates_of(stage)
    order = agreement_of(case)
    agreed = Agreed(order, exchange(provider.agree(order), stage.handler))
    expect(
        agreed.result.outcome is Outcome.PENDING and agreed.result.action is not None,
        f"agree must end as pending with an action; it is {agreed.result.outcome}",
    )
    if stage.customer is None or agreed.result.action is None:
        raise AssertionError("agree gives an action: fill in Stage.customer")
    stage.customer(agreed.result.action, approve)
    if stage.settle is not None:
        stage.settle()
    found = exchange(provider.mandate(agreed.ask), stage.handler)
    return replace(agreed, token=found.token)


def offers(stage: Stage, operation: Operation) -> bool:
    """Whether the capabilities have it, and the method as well."""
    if stage.takes_at_once and operation in {Operation.CAPTURE, Operation.VOID}:
        return False
    return operation in stage.provider.capabilities.operations


def pay(case: AdapterCase, stage: Stage, number: int = 1) -> Paid:
    """Authorise, with the customer's help where it is needed.

    Raises:
        AssertionError: If that does not succeed.
    """
    order = order_of(case, number)
    result = exchange(stage.provider.authorise(order), stage.handler)
    if result.outcome is Outcome.PENDING:
        if stage.customer is None:
            raise AssertionError("authorise waits for somebody: fill in Stage.customer")
        stage.customer(result.action, True)  # noqa: FBT003 - an author's callable: yes or no
    else:
        expect(
            result.outcome is Outcome.SUCCEEDED,
            f"authorise must end as succeeded, or pending; it is {result.outcome}",
        )
    if stage.settle is not None:
        stage.settle()
    paid = Paid.of(order, result.provider_reference)
    paid.provider_reference = _told(stage, paid) or paid.provider_reference
    paid.books = paid.books.post(Posting.AUTHORISED, order.amount)
    if not offers(stage, Operation.CAPTURE):
        paid.books = paid.books.post(Posting.CAPTURED, order.amount)
    return paid


def notice_of(stage: Stage) -> Webhook:
    """The service's newest notice.

    Raises:
        AssertionError: If it sends none.
    """
    if stage.notice is None:
        raise AssertionError("fill in Stage.notice: what cannot be asked must send notices")
    return stage.notice()


def _told(stage: Stage, paid: Paid) -> str | None:
    """The provider's name for a payment, as it is known once the money is there."""
    if stage.provider.capabilities.can_be_asked:
        return exchange(stage.provider.status(paid.ask), stage.handler).provider_reference
    heard = [notice.heard for notice in stage.provider.read_notices(notice_of(stage))]
    return next((item.provider_reference for item in heard if item is not None), None)


_POSTINGS: Final = {
    Operation.CAPTURE: Posting.CAPTURED,
    Operation.VOID: Posting.VOIDED,
    Operation.REFUND: Posting.REFUNDED,
}


def done(stage: Stage, operation: Operation, paid: Paid, number: int, amount: Money) -> None:
    """Capture, void or refund, and wait where the service only takes it in at first.

    Raises:
        AssertionError: If that does not succeed.
    """
    order = paid.modify(number, amount)
    result = exchange(modify(stage.provider, operation, order), stage.handler)
    is_late = stage.settle is not None and result.outcome is Outcome.PENDING
    expect(
        is_late or result.outcome is Outcome.SUCCEEDED,
        f"{operation} of {order.amount} must end as succeeded; it is {result.outcome}",
    )
    if is_late and stage.settle is not None:
        stage.settle()
    if all(item.key != order.key for item in paid.earlier):
        if paid.books.authorised:
            paid.books = paid.books.post(_POSTINGS[operation], amount)
        paid.earlier.append(
            Earlier(order.key, operation, amount, result.outcome, result.operation_reference)
        )


def captured(case: AdapterCase, stage: Stage) -> Paid:
    """A payment that is wholly captured; where there is no capture, authorising takes the money."""
    paid = pay(case, stage)
    if offers(stage, Operation.CAPTURE):
        done(stage, Operation.CAPTURE, paid, 2, case.amount)
    return paid


def stands(stage: Stage, paid: Paid, when: str, **expected: int) -> None:
    """Compare what status says with what must be true by now; passes where it cannot be asked.

    Args:
        stage: The adapter and its service.
        paid: The payment.
        when: What happened before, for the failure's text.
        expected: Minor units of ``authorised``, ``captured``, ``refunded`` and ``voided``; zero
            where it is left out.

    Raises:
        AssertionError: If they differ.
    """
    if not stage.provider.capabilities.can_be_asked:
        return
    standing = exchange(stage.provider.status(paid.ask), stage.handler)
    seen = {
        "authorised": standing.authorised,
        "captured": standing.captured,
        "refunded": standing.refunded,
        "voided": standing.voided,
    }
    for name, amount in seen.items():
        should = Money(expected.get(name, 0), paid.order.amount.currency)
        expect(
            amount == should,
            f"{when}, status must say {should} {name}; it says {amount}: read the provider's "
            "sums, and count what was authorised also after it is captured or released",
        )
