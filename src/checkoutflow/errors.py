"""Every error of checkoutflow on one page, each saying what to do next.

Callers branch on ``error.next`` or on the class, never on the text. A declined payment is not an
error: it is an outcome and is returned. No message holds a value that the customer typed.

```text
CheckoutError
+-- UsageError                fix the call; nothing was sent and nothing was stored
|   +-- InvalidInput          a field is wrong; `field` is its path
|   +-- UnknownRule           no country rule for that market, category and date
|   +-- NotFound              no such checkout, payment or attempt
|   +-- IllegalTransition     the table has no such step from here
|   |   +-- ReviewOver        the order is decided, or not there to be; `why` says which
|   +-- ReviewTaken           another reviewer has the order; `by` and `until` name them
|   +-- NeedsAnother          two people decide this, and the second is not the first
|   +-- NotSupported          the provider or the shop does not do this
|   +-- DetailsMissing        something still has to be asked; `fields` names it
|   +-- TotalChanged          the customer accepted another total; both are given
|   +-- IdempotencyConflict   this key was used for something else
|   +-- PurposeRefused        personal data asked for without a purpose that allows it
+-- OutcomeUnknown            wait and look again; money may have moved
+-- ProviderError             the provider broke its own contract
|   +-- Contradiction         stop; the answer disagrees with what we asked
|   +-- UntrustedNotice       drop it; the webhook is not proven genuine
+-- UntrustedLink             drop it; the link is over, used, or none of ours
+-- TransportError            ask the provider; money may have moved
+-- StoreError                the store cannot be used as it is; the text says why
|   +-- StoreConflict         reload; someone else wrote first
|   +-- StoreUnavailable      make the same call again; nothing was written
|   +-- CommitUnknown         look again; nobody knows whether it was written
|   +-- SchemaMismatch        create or upgrade the tables first
+-- VaultError                the key is missing or wrong, or a row was changed
```
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Next(StrEnum):
    """What the caller should do about an error."""

    FIX_THE_CALL = "fix_the_call"
    ASK_THE_PROVIDER = "ask_the_provider"
    LOOK_AGAIN = "look_again"
    RELOAD = "reload"
    TRY_AGAIN = "try_again"
    DROP = "drop"
    STOP = "stop"


class CheckoutError(Exception):
    """Base of everything this library raises on purpose.

    Attributes:
        next: What to do about it; stable, so that callers can branch on it.
        field: Path of the field at fault (``lines[2].quantity``), where there is one.
    """

    next: ClassVar[Next] = Next.STOP

    def __init__(self, message: str, *, field: str | None = None) -> None:
        """Keep the message and, where there is one, the path of the field at fault."""
        super().__init__(message)
        self.field = field


class UsageError(CheckoutError):
    """The call cannot be carried out as it is. Nothing was sent and nothing was stored."""

    next = Next.FIX_THE_CALL


class InvalidInput(UsageError):
    """A value is not acceptable; ``field`` is its path and the message gives the way out.

    Attributes:
        problems: Every problem found, as (path, message); the first is the one in the message.
    """

    def __init__(
        self, message: str, *, field: str, problems: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Name the field at fault, and the other problems found in the same input."""
        super().__init__(f"{field}: {message}" if field else message, field=field)
        self.problems = tuple(problems) or ((field, message),)


class UnknownRule(UsageError):
    """No country rule covers that market, category and date."""


class NotFound(UsageError):
    """There is no such checkout, payment, shipment or attempt in this store."""


class IllegalTransition(UsageError):
    """The table has no step for this event or command from this state."""

    def __init__(self, thing: str, state: str, step: str) -> None:
        """Say which step was refused, of what, and in which state it was."""
        super().__init__(f"{step} cannot happen while the {thing} is {state}")
        self.thing = thing
        self.state = state
        self.step = step


class ReviewOver(IllegalTransition):
    """The order that a reviewer would decide does not wait for a decision any more.

    Attributes:
        why: ``approved``, ``rejected``, ``deadline``, ``authorisation_lost`` or ``cancelled``.
    """

    def __init__(self, state: str, step: str, why: str) -> None:
        """Say what came before."""
        super().__init__("checkout", state, step)
        self.args = (f"{self}: {_WHY_OVER[why]}",)
        self.why = why


_WHY_OVER = {
    "approved": "it was approved",
    "rejected": "it was rejected",
    "deadline": "its deadline passed, and the shop's policy has decided",
    "authorisation_lost": "what was reserved for it went away",
    "cancelled": "it was cancelled meanwhile",
}


class ReviewTaken(UsageError):
    """Another reviewer has the order, or nobody who could give it away.

    Attributes:
        by: Who has it, in the shop's own words; empty if nobody does.
        until: When they lose it unless they claim it again, as text; empty if nobody has it.
    """

    def __init__(self, by: str, until: str) -> None:
        """Name who has it."""
        has = f"{by} has this order until {until}" if by else "nobody has claimed this order"
        way_out = "wait, or ask them to hand it over" if by else "claim it first"
        super().__init__(f"{has}; {way_out}", field="reviewer")
        self.by = by
        self.until = until


class NeedsAnother(UsageError):
    """Two people decide something of this value, and the second is not the first."""


class NotSupported(UsageError):
    """The provider, the market or the shop's settings do not offer this."""


class DetailsMissing(UsageError):
    """Something must still be asked of the customer before this step.

    Attributes:
        fields: Names of what is missing, in the order in which to ask.
    """

    def __init__(self, fields: Iterable[str]) -> None:
        """Name every missing field, in the order in which to ask for them."""
        self.fields = tuple(fields)
        super().__init__(f"still missing: {', '.join(self.fields)}", field=self.fields[0])


class TotalChanged(UsageError):
    """The total the customer accepted is not the total of the checkout.

    Attributes:
        accepted: What the customer said yes to, as text (``"199.00 DKK"``).
        actual: What the checkout costs now, as text.
    """

    def __init__(self, accepted: str, actual: str) -> None:
        """Give both totals, so that the page can show the new one and ask again."""
        super().__init__(
            f"the customer accepted {accepted} but the total is {actual}; show it and ask again",
            field="accepted_total",
        )
        self.accepted = accepted
        self.actual = actual


class IdempotencyConflict(UsageError):
    """The idempotency key was used before for a call with other content."""


class NotVerified(UsageError):
    """The customer has not shown who they are: a code is wrong, used up or over.

    It does not say which, since that would help whoever guesses.
    """


class TooManyTries(UsageError):
    """Somebody tried that too often; try again later."""


class PurposeRefused(UsageError):
    """Personal data was asked for without a purpose that allows it."""


class OutcomeUnknown(CheckoutError):
    """An earlier operation has no known outcome yet; look again before touching the payment."""

    next = Next.LOOK_AGAIN


class ProviderError(CheckoutError):
    """The provider broke its own contract."""


class Contradiction(ProviderError):
    """The provider's answer disagrees with what was asked or with the books. Stop."""

    next = Next.STOP


class UntrustedNotice(ProviderError):
    """The webhook is not proven genuine; drop it. ``reason`` is safe to count, not to answer."""

    next = Next.DROP


class UntrustedProof(ProviderError):
    """It is not proven who the customer is; they stay as unknown as they were.

    Attributes:
        reason: One word or two for counting: ``state``, ``signature``, ``nonce``. Not for answers.
    """

    next = Next.DROP

    def __init__(self, issuer: str, reason: str) -> None:
        """Name the issuer and what does not hold."""
        super().__init__(
            f"{issuer}: the proof does not hold ({reason}); let the customer start again"
        )
        self.reason = reason


class UntrustedLink(CheckoutError):
    """The link is not to be followed: show how to get another one, and say no more.

    Attributes:
        reason: For counting, not for answers: ``token``, ``key`` and ``proof`` where it is none of
            ours for this purpose and audience, ``expired``, ``used`` where it serves once, or
            ``gone`` where its checkout is.
    """

    next = Next.DROP

    def __init__(self, reason: str) -> None:
        """Keep what does not hold."""
        super().__init__(
            "this link cannot be followed any more; ask for another one", field="token"
        )
        self.reason = reason


class TransportError(CheckoutError):
    """The request left or may have left, and no usable answer came back."""

    next = Next.ASK_THE_PROVIDER


class Unreachable(TransportError):
    """The provider could not be reached: the request never left, so nothing was done."""


class Busy(Unreachable):
    """We ourselves have too many requests under way to the provider; this one never left."""


class StoreError(CheckoutError):
    """The store cannot be used as it is."""


class StoreConflict(StoreError):
    """Someone else changed this checkout first. Nothing was written; reload and decide again."""

    next = Next.RELOAD


class StoreUnavailable(StoreError):
    """The database cannot do it now. Nothing was written; the same call can be made again."""

    next = Next.TRY_AGAIN


class CommitUnknown(StoreError):
    """The connection was lost while a commit was under way: it was written, or it was not.

    Load what the call was about and decide again, or repeat the call under the same idempotency
    key. What was sent to a provider is found and asked about, as after a crash.
    """

    next = Next.LOOK_AGAIN

    def __init__(self) -> None:
        """Say so."""
        super().__init__(
            "the connection to the database was lost while it wrote, and nobody knows whether it"
            " did; look again"
        )


class SchemaMismatch(StoreError):
    """The tables are missing, too old or too new for this version of the library.

    Attributes:
        found: The version of the tables that are there; zero if there are none.
    """

    def __init__(self, message: str, *, found: int = 0) -> None:
        """Say what to do, and which version was found."""
        super().__init__(message)
        self.found = found


class VaultError(CheckoutError):
    """The key is missing or wrong, or a stored row was changed. Nothing was read."""


_AS_IN_CARDS: Final = 12  # digits: no field of ours is named with so many


def problem_paths(errors: Iterable[Mapping[str, object]]) -> list[tuple[str, str]]:
    """Turn validation errors into (path, message) pairs that never echo the value.

    >>> problem_paths([{"type": "x", "loc": ("lines", 0, "quantity"), "msg": "Should be positive"}])
    [('lines[0].quantity', 'Should be positive')]
    """
    found: list[tuple[str, str]] = []
    echoes: set[str] = set()
    for error in errors:
        path = ""
        location = error["loc"]
        for part in location if isinstance(location, tuple) else ():
            if isinstance(part, str) and sum(map(str.isnumeric, part)) >= _AS_IN_CARDS:
                part = "*"  # noqa: PLW2901 -- a key that was given may be a card's number
            path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
        kind, message = error["type"], str(error["msg"])
        if kind == "default_factory_not_called":
            continue  # it follows from another problem
        if kind == "union_tag_invalid":
            message = "is of no known kind"  # pydantic's message repeats what was given
        if kind == "too_short":
            echoes.add(path)  # perhaps only because what was in it is wrong
            context = error.get("ctx")
            if isinstance(context, dict) and context.get("min_length") == 1:
                message = "must not be empty"
        found.append((path, message.removeprefix("Value error, ")))
    return [
        (path, message)
        for path, message in found
        if path not in echoes or not any(other.startswith(f"{path}[") for other, _ in found)
    ]
