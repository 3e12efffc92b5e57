"""Telling people where they were reached before that it was changed.

Whoever gets hold of what is kept of a customer changes where they are reached first. So it is told
there, and what is told holds neither the old value nor the new one: the old address may be somebody
else's by now, and the new one is nobody's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.flow.effects import Program, ask_store, now
from checkoutflow.flow.keeping import FORMER, former_of
from checkoutflow.flow.sharing import Sharing
from checkoutflow.privacy.fields import Purpose
from checkoutflow.privacy.secret import Secret
from checkoutflow.stores.contract import PersonChange, ReadRow
from checkoutflow.texts import mark, translate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checkoutflow.stores.contract import DigestRow, Message

# Translators: {shop} is the name of a shop. The subject of an e-mail.
_SUBJECT: Final = mark("Your contact details at {shop} were changed")
# Translators: {shop} is the name of a shop. It goes to where the customer was reached before, by
# e-mail or SMS: keep it short, and without an address or number.
_BODY: Final = mark(
    "Your contact details at {shop} were changed. Was it you? Then all is well. If not, get in"
    " touch with {shop} at once."
)


@dataclass(frozen=True, slots=True)
class ChangeToTell:
    """What the shop sends to where a customer was reached before; printing it shows no address.

    Attributes:
        by: ``email`` or ``phone``.
        to: The address or number before the change.
        subject: Of an e-mail.
        body: Of an e-mail, or all of an SMS.
    """

    by: Literal["email", "phone"]
    to: Secret = field(repr=False)
    subject: str
    body: str


class Telling(Sharing):
    """What a flow does so that nobody's contact details are changed behind their back."""

    def changes_to_tell(self, message: Message) -> Program[tuple[ChangeToTell, ...]]:
        """What to send for a message ``contact_changed``; nothing once it is erased, or too old."""
        state = yield from self.load(message.checkout)
        at = yield from now()
        former = former_of(message.checkout, message.version)
        values = yield from self._opened(former, Purpose.PREVENT_FRAUD, at)
        traces: Sequence[DigestRow] = yield from ask_store("traces", former)
        for person in {row.digest for row in traces if row.kind == FORMER and values}:
            names = tuple(sorted(values))
            read = ReadRow(person, at, Purpose.PREVENT_FRAUD, names, "checkoutflow")
            yield from ask_store("write_person", PersonChange(subject=person, reads=(read,)))
        shop = " ".join(self.shop.name.split())  # one line, whatever stands in the settings
        subject, body = (
            translate(text, state.locale).format(shop=shop) for text in (_SUBJECT, _BODY)
        )
        ways: tuple[Literal["email", "phone"], ...] = ("email", "phone")
        return tuple(
            ChangeToTell(by, Secret(values[by]), subject, body) for by in ways if by in values
        )
