"""What a provider can tell us, in our words.

Providers disagree about words, so their words stop at the adapter. What comes out is one of five
outcomes for an operation that we asked for, or a standing: the payment as the provider sees it.
Not knowing is an outcome.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from checkoutflow.model import Frozen
from checkoutflow.money import Money
from checkoutflow.privacy.secret import Secret


class Operation(StrEnum):
    """What we can ask a provider to do with money."""

    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


class Outcome(StrEnum):
    """How an operation ended, as far as we know.

    ``succeeded``: the provider did it. ``declined``: the issuer or the customer said no; nothing
    moved. ``refused``: the provider did not take the request; nothing moved. ``pending``: the
    provider has it and will tell later, or waits for the customer. ``unknown``: it may have moved.
    """

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    REFUSED = "refused"
    PENDING = "pending"
    UNKNOWN = "unknown"


class Evidence(StrEnum):
    """Where people saw what became of an operation: never by what the customer says alone.

    ``portal``: on the provider's own pages. ``settlement``: in its report of what was paid out.
    ``provider``: its staff said so.
    """

    PORTAL = "portal"
    SETTLEMENT = "settlement"
    PROVIDER = "provider"


class Redirect(Frozen):
    """Send the customer's browser to ``url``; coming back proves nothing."""

    kind: Literal["redirect"] = "redirect"
    url: str


class OpenApp(Frozen):
    """Open the payment app through ``url`` on the customer's phone."""

    kind: Literal["open_app"] = "open_app"
    url: str


class ShowQr(Frozen):
    """Show ``payload`` as a QR code for the customer to scan."""

    kind: Literal["show_qr"] = "show_qr"
    payload: str


Action = Annotated[Redirect | OpenApp | ShowQr, Field(discriminator="kind")]


class Risk(Frozen):
    """What a provider told about the danger of fraud, with the payment.

    Attributes:
        level: ``unclear`` for a word or number that the adapter does not know; never good. Empty
            where the provider gives no opinion.
        card_country: ISO 3166 code of the country that the card is from; empty where not told.
        card: The provider's own name for the card, which is the same for the same card; it is
            digested, and not kept as it is.
    """

    level: Literal["", "low", "unclear", "elevated", "high"] = ""
    card_country: str = ""
    card: Secret | None = None


class Result(Frozen):
    """A provider's answer to one operation.

    Attributes:
        outcome: How it ended.
        provider_reference: The provider's own name for the payment, where it gave one.
        action: With ``pending``: what the customer must do.
        valid_until: When the authorisation (or, while pending, the action) runs out; None where
            the provider does not say.
        is_taken: With a success at reserving: the money was taken at once.
        operation_reference: With ``pending``: the provider's own name for a capture, void or
            refund, if a later notice or look-up calls it by that.
        reason: A short code for the shop (``insufficient_funds``), never a provider's free text.
        risk: With the answer to an authorisation: what the provider tells of the danger of fraud;
            None where it tells nothing.
    """

    outcome: Outcome
    provider_reference: str | None = None
    operation_reference: str | None = None
    is_taken: bool = False
    action: Action | None = None
    valid_until: datetime | None = None
    reason: str = ""
    risk: Risk | None = None


class Word(StrEnum):
    """Where the provider says a payment stands, before the amounts are looked at."""

    NOT_FOUND = "not_found"
    PENDING = "pending"
    AUTHORISED = "authorised"
    DECLINED = "declined"
    EXPIRED = "expired"
    VOIDED = "voided"
    UNCLEAR = "unclear"


class MandateWord(StrEnum):
    """Where the provider says a mandate stands."""

    NOT_FOUND = "not_found"
    PENDING = "pending"
    ACTIVE = "active"
    DECLINED = "declined"
    ENDED = "ended"
    UNCLEAR = "unclear"


class Mandate(Frozen):
    """The customer's leave to take later payments, as the provider sees it when asked.

    Attributes:
        token: With ``active``: what later charges are made with. It gives access to money by
            itself, so it is kept like a credential.
        action: With ``pending``: what the customer must do.
        valid_until: When it, or while pending the action, runs out.
        reason: Why not, as a short code.
    """

    word: MandateWord
    token: Secret | None = None
    action: Action | None = None
    valid_until: datetime | None = None
    reason: str = ""


class Done(Frozen):
    """What the provider says of one operation that it can name by our key.

    Attributes:
        key: The idempotency key that we sent with it.
        outcome: ``declined`` for one that failed, also when it was first accepted.
    """

    key: str
    outcome: Outcome


class Heard(Frozen):
    """What a signed notice proves about one operation.

    Attributes:
        operation: What it is about. Time that runs out is a ``void`` that succeeded, or an
            ``authorise`` that was declined.
        outcome: How that ended.
        is_taken_back: With ``declined``: it had succeeded, and failed afterwards.
        amount: Of this operation. Of a void None stands for all that is left.
        key: Our idempotency key, where the notice carries it.
        reference: The provider's own name for the operation.
        provider_reference: The provider's own name for the payment.
        is_taken: With an authorisation: the money was taken at once.
        reason: Why not, as a short code.
        risk: With an authorisation: what the provider tells of the danger of fraud.
    """

    operation: Operation
    outcome: Literal[Outcome.SUCCEEDED, Outcome.DECLINED]
    is_taken_back: bool = False
    amount: Money | None = None
    key: str = ""
    reference: str = ""
    provider_reference: str | None = None
    is_taken: bool = False
    reason: str = ""
    risk: Risk | None = None


class Standing(Frozen):
    """A payment as the provider sees it when asked.

    Amounts are the provider's aggregates and are believed over words. ``voided`` counts everything
    released without capture: voids and expiry. A word that the adapter does not know is
    ``unclear``, which changes nothing and makes us ask again.

    Attributes:
        authorised: Reserved in all, also when it has been captured or released since.
        operations: Ours, by key, where the provider lists them; what it does not list is settled
            by the amounts.
        risk: What the provider tells of the danger of fraud; None where it tells nothing.
    """

    word: Word
    authorised: Money
    captured: Money
    refunded: Money
    voided: Money
    provider_reference: str | None = None
    action: Action | None = None
    valid_until: datetime | None = None
    reason: str = ""
    operations: tuple[Done, ...] = ()
    risk: Risk | None = None

    @classmethod
    def nothing(cls, word: Word, currency: str, **more: object) -> Standing:
        """A standing in which no money has moved."""
        zero = Money(0, currency)
        return cls.model_validate(
            {
                "word": word,
                "authorised": zero,
                "captured": zero,
                "refunded": zero,
                "voided": zero,
                **more,
            }
        )
