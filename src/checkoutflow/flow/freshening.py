"""What is told of people from elsewhere: that they want no offers, by a register or a mailing.

Only what protects them is taken in for whoever is found. Who moved or died is known to such sources
by name and birthday, by which nobody is found here: that is what ``find_people``, and then
``correct_person`` and ``restrict_person``, are for.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from checkoutflow.customer import clean
from checkoutflow.errors import InvalidInput
from checkoutflow.flow.effects import Program, ask_store, now
from checkoutflow.flow.keeping import words
from checkoutflow.flow.rights import Rights
from checkoutflow.privacy.cards import refuse_card_number
from checkoutflow.privacy.consent import Consent
from checkoutflow.stores.contract import ConsentRow, PersonChange

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

_OFFERS: Final = frozenset({Consent.MARKETING, Consent.NO_MARKETING})
# In place of the text that somebody read.
_ELSEWHERE: Final = "told elsewhere"


class Freshening(Rights):
    """What a flow takes in about people who are not there."""

    def opt_out(
        self, given: Mapping[str, str], market: str, on: date, source: str
    ) -> Program[tuple[str, ...]]:
        """Send no more offers to whoever an e-mail address or telephone finds.

        Raises:
            InvalidInput: If neither is given, one cannot be right, or the day is still to come.
        """
        if not given or given.keys() - {"email", "phone"}:
            raise InvalidInput("give email or phone", field="email")
        refuse_card_number(source, "source")
        at = yield from now()
        if on > at.date():
            raise InvalidInput("is a day that is still to come", field="on")
        until = datetime.combine(on + timedelta(days=1), time(), UTC)
        told: list[str] = []
        for person in (yield from self.find_people(clean(given, market=market))):
            rows = yield from ask_store("consents", person)
            if not _is_news(rows, until):
                continue
            said = words(rows)
            no = {Consent.NO_MARKETING: True}
            if said.get(Consent.MARKETING):
                no[Consent.MARKETING] = False
            consents = tuple(
                ConsentRow(person, kind, is_given, min(at, until), _ELSEWHERE, "", source)
                for kind, is_given in no.items()
            )
            yield from ask_store("write_person", PersonChange(subject=person, consents=consents))
            told.append(person)
        return tuple(told)


def _is_news(rows: Iterable[ConsentRow], until: datetime) -> bool:
    """Whether somebody has neither said no already, nor yes after the day of the opt-out."""
    said = sorted((row for row in rows if row.kind in _OFFERS), key=lambda row: row.at)
    if not said:
        return True
    last = said[-1]
    says_no = last.is_given == (last.kind == Consent.NO_MARKETING)
    return not says_no and last.at < until
