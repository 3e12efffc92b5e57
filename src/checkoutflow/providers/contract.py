"""The contract between the flow and a payment provider.

An operation is a generator: it yields ``httpx.Request``, receives ``httpx.Response`` and returns a
``Result`` or a ``Standing``. One request is the usual case; a token to fetch or a link to follow is
one more ``yield``. What the shop itself keeps is asked by a `Consult` in place of a request. An
adapter never sleeps, retries, logs or stores, and keeps nothing from call to call but an access
token. The same order gives the same bytes, so that a repeat is a repeat: what an order says of
earlier operations is for reading the answer, and for look-ups, not for the request.

What an adapter cannot do is absent from its ``capabilities`` and refused before a request is built.
A status code or word that it does not know is ``unknown``, ``pending`` or ``unclear``: all three
make us ask again, and none makes us guess. An answer that is about another amount, currency or
payment raises ``Contradiction``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar, cast

from checkoutflow.errors import InvalidInput, TransportError, UntrustedNotice
from checkoutflow.payment.capabilities import Capabilities

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    import httpx

    from checkoutflow.law.choice import Customer
    from checkoutflow.money import Money
    from checkoutflow.payment.books import Books
    from checkoutflow.payment.outcomes import Heard, Mandate, Operation, Outcome, Result, Standing
    from checkoutflow.privacy.secret import Secret

__all__ = [
    "Agree",
    "Ask",
    "Authorise",
    "Capabilities",
    "Charge",
    "Consult",
    "Earlier",
    "Exchange",
    "LineKind",
    "MandateAsk",
    "MandateProvider",
    "Modification",
    "Notice",
    "OrderLine",
    "Provider",
    "Transport",
    "Webhook",
    "consult",
]

T = TypeVar("T")
About = TypeVar("About")


@dataclass(frozen=True, slots=True)
class Consult:
    """A call of something of the shop's own: yielded and answered like a request, and sent nowhere.

    Attributes:
        call: A method that can be called again with the same, and from another thread.
        about: Its one argument.
        provider: Whose operation it is a step of.
        operation: Which operation.
        payment: Our reference for the payment that it is about.
    """

    call: Callable[[Any], object]
    about: object
    provider: str = ""
    operation: str = ""
    payment: str = ""

    @property
    def name(self) -> str:
        """The method's own name."""
        return getattr(self.call, "__name__", "call")

    def perform(self) -> object:
        """Make the call.

        Raises:
            TransportError: Whatever it raises: whether anything was done, nobody knows.
        """
        try:
            return self.call(self.about)
        except TransportError:
            raise
        except Exception as error:  # noqa: BLE001 -- the shop's own code may raise anything
            # The kind of failure is enough; its text may hold what the call was about.
            raise TransportError(f"{self.name} failed: {type(error).__name__}") from None


Exchange = Generator["httpx.Request", "httpx.Response", T]


def consult(call: Callable[[About], T], about: About) -> Exchange[T]:
    """One call of something of the shop's own, as a step of an operation."""
    # The type names requests alone: nobody who only sends has to think of anything else.
    answer: object = yield cast("httpx.Request", Consult(call, about))
    return cast("T", answer)


_LONGEST_OPERATION_S: Final = 20.0  # an attempt belongs to its worker for a minute

# What a line is for. A fee is what a way to pay costs the customer.
LineKind = Literal["goods", "digital", "delivery", "fee"]


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line as the provider shows it to the customer; the lines add up to the order's amount.

    Attributes:
        amount: For the whole line, after discounts, VAT included.
        vat_basis: Rate in hundredths of a percent: 2550 is 25.5 %.
        vat: The VAT in the amount. Those of the lines of an order add up to the order's.
    """

    id: str
    name: str
    quantity: int
    amount: Money
    vat_basis: int
    vat: Money
    kind: LineKind = "goods"


@dataclass(frozen=True, slots=True)
class Authorise:
    """Reserve ``amount`` on the customer's means of payment.

    Attributes:
        key: Idempotency key, at most 40 characters of ``a-z0-9-``.
        merchant_reference: Our name for the payment: 20 characters of ``a-z2-7``.
        market: Country or territory code of the order.
        customer: ``consumer`` or ``business``.
        lines: What is bought; empty where this payment is not for all of it.
        instrument: What the method works on where that is not asked for by the provider itself (a
            gift card's code), from the vault.
        details: Contact fields named in ``Capabilities.details``, as far as the customer gave them.
        shares: Contact fields that the customer is asked to share while they pay, where the
            provider can ask (``lookups.ProfileProvider``). Who refuses does not pay.
        at: When it is sent, for providers that want a time signed; as in every order and question.
    """

    key: str
    merchant_reference: str
    method: str
    amount: Money
    return_url: str
    locale: str
    market: str
    customer: Customer
    lines: tuple[OrderLine, ...] = ()
    instrument: Secret | None = None
    details: Mapping[str, str] = field(default_factory=dict, repr=False)
    shares: frozenset[str] = frozenset()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """A capture, void or refund that we asked of the same payment before, and that did not fail.

    Attributes:
        key: The idempotency key that it was sent with.
        outcome: None while nothing was heard of it.
        reference: The provider's own name for it, where it gave one at once.
    """

    key: str
    operation: Operation
    amount: Money
    outcome: Outcome | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Modification:
    """Capture, void or refund ``amount`` of a payment that the provider knows.

    A void releases everything not captured; its amount says how much that should be.

    Attributes:
        method: The provider's name for the way to pay, as it was authorised with.
        books: What we know to have happened to the payment before this.
        lines: What is captured or given back for, where it is known and adds up to the amount.
        earlier: What else we asked of the payment, oldest first.
    """

    key: str
    merchant_reference: str
    provider_reference: str | None
    amount: Money
    method: str
    books: Books
    lines: tuple[OrderLine, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask how a payment stands.

    Attributes:
        amount: What we asked to reserve.
        method: The provider's name for the way to pay.
        earlier: What we asked of the payment since, oldest first: for providers that can only be
            asked about each of them.
    """

    merchant_reference: str
    provider_reference: str | None
    amount: Money
    method: str
    earlier: tuple[Earlier, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Agree:
    """Ask the customer for a mandate to take later payments.

    Attributes:
        merchant_reference: Our name for the mandate: 20 characters of ``a-z2-7``.
        method: The provider's name for the way to pay.
        title: What it is for, as the customer reads it: ``Coffee every month``.
        maximum: The most that one charge will be.
        every_months: Months from one charge to the next; 0 where they come irregularly.
        first: A payment to take at once, where the provider can. It has a reference of its own,
            under which it is asked about, captured and refunded like any other; what `agree`
            gives as provider reference stands for both.
        details: Contact fields, as in `Authorise`.
    """

    key: str
    merchant_reference: str
    method: str
    title: str
    maximum: Money
    return_url: str
    locale: str
    market: str
    customer: Customer
    every_months: int = 0
    first: Charge | None = None
    details: Mapping[str, str] = field(default_factory=dict, repr=False)
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """Take a payment on a mandate, while the customer is away.

    Attributes:
        merchant_reference: Our name for the payment.
        mandate: Our name for the mandate.
        token: The mandate's, as the provider gave it; None with a first payment.
        title: What it is for, as the customer reads it.
        due: When it is to be taken, where the provider wants to know ahead; None for at once.
        lines: As in `Authorise`.
    """

    key: str
    merchant_reference: str
    mandate: str
    token: Secret | None
    method: str
    amount: Money
    title: str
    locale: str
    market: str
    customer: Customer
    due: date | None = None
    lines: tuple[OrderLine, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MandateAsk:
    """Ask how a mandate stands, or end it.

    Attributes:
        key: The idempotency key of an end; empty in a question.
        merchant_reference: Our name for the mandate.
        provider_reference: The provider's own, as `agree` gave it.
        token: Where it is known.
        maximum: The most that one charge will be, as agreed.
    """

    merchant_reference: str
    provider_reference: str | None
    method: str
    token: Secret | None = None
    maximum: Money | None = None
    key: str = ""
    at: datetime | None = None


# Bytes: more is no answer to a payment request, and no notice about one.
MAX_BODY_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Webhook:
    """Something that arrived at the address for a provider's notices, as it was received.

    Attributes:
        headers: Names in any case.
        body: The raw bytes. Verified before they are parsed.
        query: What followed the question mark in the address.
        now_s: Unix time, for the age of a signature.
    """

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    now_s: float
    query: str = field(default="", repr=False)


_LONGEST: Final = 300  # characters


@dataclass(frozen=True, slots=True)
class Notice:
    """One event of a webhook after it is verified and parsed.

    For a provider that can be asked it is a reason to look, never the truth itself.

    Attributes:
        id: The provider's id of this event, or one made of its stable parts. Acted on once.
        merchant_reference: Which payment of ours it is about.
        kind: The provider's word for it, kept for the record.
        heard: What it proves, where the provider cannot be asked and the signature covers it.

    Raises:
        UntrustedNotice: If it has no id, or texts that not every store takes: longer than 300
            characters, or with signs that are not printed.
    """

    id: str
    merchant_reference: str
    kind: str
    heard: Heard | None = None

    def __post_init__(self) -> None:
        """See that it can be kept and looked up."""
        texts = (self.id, self.merchant_reference, self.kind)
        if not self.id or any(len(it) > _LONGEST or not it.isprintable() for it in texts):
            raise UntrustedNotice("its id, reference or kind cannot be one")


@dataclass(frozen=True, slots=True)
class Transport:
    """How requests to a provider are sent.

    Attributes:
        timeout_s: Seconds to wait for one answer, while a customer may be waiting.
        operation_s: Seconds for all the answers that one operation needs, at most 20.
        connections: How many requests one process has under way at once; more wait their turn.
        certificate: Path of a PEM file with our certificate, for providers that ask for one.
        key: Path of a PEM file with its private key, where it is not in the same file.
        password: What opens the key.
        roots: Path of a PEM file with the authorities to trust for this provider alone; by default
            those of the machine.
    """

    timeout_s: float = 5.0
    operation_s: float = 10.0
    connections: int = 100
    certificate: Path | None = None
    key: Path | None = None
    password: Secret | None = None
    roots: Path | None = None

    def __post_init__(self) -> None:
        """Check that one worker's turn is long enough for it.

        Raises:
            InvalidInput: If a time is not above zero, or too long.
        """
        if not 0 < self.timeout_s <= self.operation_s <= _LONGEST_OPERATION_S:
            raise InvalidInput(
                f"is above 0 and at most operation_s, which is at most {_LONGEST_OPERATION_S}",
                field="timeout_s",
            )
        if self.connections < 1:
            raise InvalidInput("is at least 1", field="connections")


DEFAULT: Final = Transport()


class Named(Protocol):
    """Somebody whom requests are sent to: a provider, or an issuer of identities."""

    @property
    def name(self) -> str:
        """In settings, in errors and in the store."""


def transport_of(provider: Named) -> Transport:
    """How a provider's requests are sent: in its own way, or as most are."""
    own = getattr(provider, "transport", DEFAULT)
    return own if isinstance(own, Transport) else DEFAULT


class Provider(Protocol):
    """What an adapter is. ``name`` is used in settings, in the store and in notice addresses.

    It may have one more property, ``transport``, where its requests are sent in a way of their own.
    """

    @property
    def name(self) -> str:
        """Lower case, digits and underscores."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def authorise(self, order: Authorise) -> Exchange[Result]:
        """Reserve money, or say what the customer must do first."""

    def status(self, ask: Ask) -> Exchange[Standing]:
        """Say how the payment stands now."""

    def capture(self, order: Modification) -> Exchange[Result]:
        """Take some or all of what is reserved."""

    def void(self, order: Modification) -> Exchange[Result]:
        """Release what is reserved and not captured."""

    def refund(self, order: Modification) -> Exchange[Result]:
        """Give captured money back."""

    def read_notices(self, webhook: Webhook) -> Sequence[Notice]:
        """Verify what arrived, and parse it.

        Returns:
            The events in it that are about payments; none for what is genuine and about something
            else.

        Raises:
            UntrustedNotice: If it is not proven genuine, too old, or not readable.
        """


class MandateProvider(Provider, Protocol):
    """What an adapter is whose ``capabilities`` have ``mandates``."""

    def agree(self, order: Agree) -> Exchange[Result]:
        """Ask the customer for a mandate: ``pending`` with an action, or at once."""

    def mandate(self, ask: MandateAsk) -> Exchange[Mandate]:
        """Say how a mandate stands now."""

    def charge(self, order: Charge) -> Exchange[Result]:
        """Take a payment on a mandate. It is asked about, captured and refunded like any other."""

    def end_mandate(self, ask: MandateAsk) -> Exchange[Result]:
        """End a mandate for good: nothing more is taken on it."""
