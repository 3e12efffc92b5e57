"""What is kept of people with a commit: sealed fields, traces, profiles, consents and reads.

Each sale has a person of its own in the vault, under a key of its own. What the law on bookkeeping
keeps is sealed a second time, under another key, so that it can stay when the person is erased. Who
agreed to be remembered is a third: a profile that outlives the sale, and is found again by traces.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import events as e
from checkoutflow.checkout.needs import for_provider
from checkoutflow.customer.matching import matching_form
from checkoutflow.flow.effects import Program, ask_store, random
from checkoutflow.flow.ids import CHECKOUT_BYTES, checkout_id
from checkoutflow.payment.outcomes import Operation
from checkoutflow.privacy.consent import COULD_SAY_NO, Consent
from checkoutflow.privacy.fields import (
    FIELDS,
    KEEP_FORMER,
    KEEP_PROFILE,
    KEEP_UNFINISHED,
    Purpose,
)
from checkoutflow.privacy.register import last_day
from checkoutflow.privacy.vault import Keys, SubjectKey, Vault, VaultRow, digests
from checkoutflow.stores.contract import (
    ConsentRow,
    DigestRow,
    ErasureRow,
    ProfileRow,
    ReadRow,
    SightingRow,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.choice.rules import Rules

ORDERED: Final = (e.Confirmed, e.ReviewApproved)

EVERYBODY: Final = 10_000  # more than anybody buys before what they bought is forgotten

# What a sale can be found by, for whoever asks what is kept of them.
_OF_A_SALE: Final = ("email", "phone")
# What a profile is found by: all of it together.
KNOWN_BY: Final = {
    "email": ("email", "postal_code"),
    "phone": ("phone",),
    "login": ("login",),
    "organisation_number": ("organisation_number",),
}

# A telephone may be shared, and several may buy for one company: whoever else has it, it is theirs
# too, and finds neither.
_SHARED: Final = frozenset({"phone", "organisation_number"})
# Traces that need no key. A checkout leads to whoever is remembered by it, and a person to where
# they were reached before.
BOUGHT: Final = "checkout"
FORMER: Final = "former"
# By what people are reached, and told that it was changed.
_REACHED_BY: Final = ("email", "phone")
# Every kind of trace of a profile.
TRACES: Final = (*_OF_A_SALE, *(f"known {by}" for by in KNOWN_BY))


@dataclass(frozen=True, slots=True)
class About:
    """The part of a change that is about people; see `Change`.

    Attributes:
        news: Events that follow from it.
    """

    subjects: tuple[SubjectKey, ...] = ()
    vault: tuple[VaultRow, ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()
    digests: tuple[DigestRow, ...] = ()
    people: tuple[str, ...] = ()
    consents: tuple[ConsentRow, ...] = ()
    reads: tuple[ReadRow, ...] = ()
    profile: ProfileRow | None = None
    traces: tuple[str, ...] = ()
    sightings: tuple[SightingRow, ...] = ()
    unseen: tuple[str, ...] = ()
    value: tuple[str, int] | None = None
    retraced: str = ""
    news: tuple[e.Event, ...] = ()

    def __add__(self, other: About) -> About:
        """Both of them."""
        if self is NOTHING or other is NOTHING:  # nearly always
            return other if self is NOTHING else self
        both = {
            item.name: getattr(self, item.name) + getattr(other, item.name)
            for item in fields(self)
            if item.name not in {"profile", "value"}
        }
        profile, value = other.profile or self.profile, other.value or self.value
        return About(**both, profile=profile, value=value)


NOTHING: Final = About()


def books_of(subject: str) -> str:
    """Under whom the vault keeps what the law on bookkeeping wants of a person."""
    return f"{subject}.books"


def former_of(checkout_id: str, version: int) -> str:
    """Under whom the vault keeps where somebody was reached until this commit changed it."""
    return f"{checkout_id}/{version}.former"


class Keeping:
    """Seals, opens and finds again; what a program knows about people."""

    rules: Rules
    _keys: Keys
    _vault: Vault

    # Sealing --------------------------------------------------------------------------------------

    def _sealed(
        self, subject: str, values: Mapping[str, str], at: datetime, *, is_new: bool
    ) -> Program[About]:
        """Seal contact details for the vault, with what finds them again.

        Args:
            subject: Whose they are.
            values: Clean, by field name.
            at: Now.
            is_new: Whether the vault has nothing of them yet.
        """
        if not values:
            return NOTHING
        for_books = {
            name: value
            for name, value in values.items()
            if Purpose.KEEP_BOOKS in FIELDS[name].purposes
        }
        mine = yield from self._sealed_for(subject, values, at, is_new=is_new)
        books = yield from self._sealed_for(
            books_of(subject), for_books, at, is_new=is_new, only=Purpose.KEEP_BOOKS
        )
        until = at + timedelta(days=KEEP_UNFINISHED)
        return mine + books + About(digests=self._traces_of_sale(subject, values, until))

    def _sealed_for(
        self,
        subject: str,
        values: Mapping[str, str],
        at: datetime,
        *,
        is_new: bool,
        only: Purpose | None = None,
        until: datetime | None = None,
    ) -> Program[About]:
        if not values:
            return NOTHING
        key: SubjectKey | None = None
        if not is_new:
            key, _ = yield from ask_store("person", subject)
        # One drawing for all that sealing needs: a data key, and a nonce for each thing sealed.
        octets = yield from random(32 + 12 * (len(values) + 1))
        made, rows = self._vault.write(
            key, subject, values, at=at, random=_Drawn(octets), only=only, until=until
        )
        return About(subjects=() if key else (made,), vault=tuple(rows))

    def _opened(
        self, subject: str, purpose: Purpose, at: datetime, names: Iterable[str] | None = None
    ) -> Program[Mapping[str, str]]:
        """Open a person's fields for a purpose."""
        key: SubjectKey | None
        key, rows = yield from ask_store("person", subject)
        return self._vault.read(key, rows, purpose, at, names) if key is not None else {}

    # Traces ---------------------------------------------------------------------------------------

    def trace(self, kind: str, *values: str) -> tuple[str, ...]:
        """The digests of a trace, under each of the shop's keys, the current one first."""
        return digests(self._keys, f"trace {kind}", "\n".join(values))

    def _trace_row(
        self, kind: str, subject: str, until: datetime, values: Iterable[str]
    ) -> DigestRow:
        return DigestRow(kind, self.trace(kind, *values)[0], subject, until)

    def _traces_of_sale(
        self, subject: str, values: Mapping[str, str], until: datetime
    ) -> tuple[DigestRow, ...]:
        return tuple(
            self._trace_row(name, subject, until, [self._matching(name, values[name])])
            for name in _OF_A_SALE
            if name in values
        )

    def _matching(self, name: str, value: str) -> str:
        # What is clean has one form already; of an address only how its letters are written may
        # differ, and that is the same in every market.
        return matching_form(name, value, self.rules.shop.seat) if name == "email" else value

    def known_by(self, by: str, values: Mapping[str, str]) -> tuple[str, ...] | None:
        """What somebody would be found by as a profile; None where too little is given."""
        names = KNOWN_BY[by]
        if not all(name in values for name in names):
            return None
        return tuple(self._matching(name, values[name]) for name in names)

    def _found(self, by: str, values: Mapping[str, str], at: datetime) -> Program[Sequence[str]]:
        """Who has a profile with this trace."""
        known = self.known_by(by, values)
        if known is None:
            return ()
        kind = f"known {by}"
        people: Sequence[str] = yield from ask_store(
            "find_people", kind, self.trace(kind, *known), at
        )
        return people

    def _somebody_elses(
        self, person: str, values: Mapping[str, str], at: datetime
    ) -> Program[frozenset[str]]:
        """By what of all this somebody else is found already."""
        taken = set()
        for by in KNOWN_BY:
            if {*(yield from self._found(by, values, at))} - {person}:
                taken.add(by)
        return frozenset(taken) - _SHARED

    def _traces_of_profile(
        self, person: str, values: Mapping[str, str], until: datetime, others: Collection[str]
    ) -> tuple[DigestRow, ...]:
        """What a profile is found by, without what finds others."""
        return self._traces_of_sale(person, values, until) + tuple(
            self._trace_row(f"known {by}", person, until, known)
            for by in KNOWN_BY
            if by not in others and (known := self.known_by(by, values)) is not None
        )

    def person_of(self, state: Checkout, at: datetime) -> Program[str]:
        """Who is remembered by a checkout: who was shown to buy, or began to be known by it."""
        person = shown(state)
        if not person:
            found = yield from ask_store("find_people", BOUGHT, (state.id,), at)
            person = "".join(found)  # one at most: a checkout is one person's
        return person

    # The sale -------------------------------------------------------------------------------------

    def _about(
        self, before: Checkout | None, after: Checkout, events: Sequence[e.Event], at: datetime
    ) -> Program[About]:
        """What a commit means for what is kept: reads, consents, what goes, and the sale."""
        reads, dropped = self._reads(after, events, at), _dropped(before, after)
        about = About(reads=reads, dropped=dropped) if reads or dropped else NOTHING
        for event in events:
            if isinstance(event, e.ConsentChanged):
                owner = (yield from self.person_of(after, at)) or after.subject
                about += About(consents=_consents(owner, event, after.id, before, at))
            elif isinstance(event, e.RefusalOffered):
                about += About(consents=(_offered(event, after, before, at),))
            elif isinstance(event, e.Verified) and event.person and before is not None:
                here = yield from ask_store("consents", after.subject)
                said = yield from ask_store("consents", event.person)
                about += About(consents=brought(here, said, event.person))
        if after.provided and any(isinstance(event, ORDERED) for event in events):
            about += yield from self._sold(after, at, gone=about.dropped)
        return about

    def _reads(
        self, state: Checkout, events: Sequence[e.Event], at: datetime
    ) -> tuple[ReadRow, ...]:
        """What will be read for providers; written down before it is sent to them."""
        reads = []
        for event in events:
            if isinstance(event, e.AttemptStarted) and event.operation is Operation.AUTHORISE:
                payment = state.payment(event.payment)
                for purpose, names in self.wanted(state, payment.method, payment.provider).items():
                    names_read = tuple(sorted(names))
                    read = ReadRow(state.subject, at, purpose, names_read, payment.provider or "")
                    reads.append(read)
        return tuple(reads)

    def code_field(self, method: str) -> str:
        """Where the vault keeps the code of a gift card, or of an account with store credit."""
        way = self.rules.ways.get(method)
        return (way.code_field if way is not None else "") or "gift_card_code"

    def wanted(
        self, state: Checkout, method: str, provider: str | None
    ) -> dict[Purpose, frozenset[str]]:
        """Which fields a provider is given for a payment, by the purpose of each."""
        way, able = self.rules.ways.get(method), self.rules.behind(provider)
        found: dict[Purpose, frozenset[str]] = {}
        for name, purpose in for_provider(way, able.details):
            if name in state.provided:
                found[purpose] = found.get(purpose, frozenset()) | {name}
        return found

    def _sold(
        self,
        state: Checkout,
        at: datetime,
        *,
        gone: Collection[tuple[str, str]] = (),
        sealed: About = NOTHING,
    ) -> Program[About]:
        """Now there is a sale to look after: what was typed for it lives as long as it must.

        Args:
            state: The checkout.
            at: Now.
            gone: Fields that go with this commit, each with whose it is.
            sealed: What came to be known of the customer only now; it is part of what is returned.
        """
        key, rows = yield from self._with(state.subject, sealed)
        _, books = yield from self._with(books_of(state.subject), sealed)
        shop, law = self.rules.shop, self.rules.law
        day = law.day(state.market, at)
        books_end = _end_of(law.books_until(shop.seat, day, year_ends=shop.year_ends))
        is_durable = any(line.durable for line in state.cart.lines)
        # Rows whose time was over by now stay so: what must be gone does not come back.
        kept = About(
            vault=tuple(
                replace(row, expires_at=until)
                for row, until in (
                    *((row, self._sale_end(row.field, state, day, is_durable)) for row in rows),
                    *((row, books_end) for row in books),
                )
                if at < row.expires_at and (row.subject_id, row.field) not in gone
            ),
            subjects=sealed.subjects,
        )
        if key is None:
            return kept
        left = [row for row in rows if (row.subject_id, row.field) not in gone]
        values = self._vault.read(key, left, Purpose.REMEMBER, at)
        until = self._sale_end("email", state, day, is_durable)
        traces = self._traces_of_sale(state.subject, values, until)
        kept += About(digests=traces)
        if (yield from self._is_to_be_remembered(state)):
            kept += yield from self._remembered(state, values, at, until)
        return kept

    def _with(
        self, subject: str, sealed: About
    ) -> Program[tuple[SubjectKey | None, Sequence[VaultRow]]]:
        """What the vault has of a person, with what it will have."""
        key: SubjectKey | None
        rows: Sequence[VaultRow]
        key, rows = yield from ask_store("person", subject)
        new = {row.field: row for row in sealed.vault if row.subject_id == subject}
        made = (made for made in sealed.subjects if made.subject_id == subject)
        kept = [row for row in rows if row.field not in new]
        return key or next(made, None), [*kept, *new.values()]

    def _is_to_be_remembered(self, state: Checkout) -> Program[bool]:
        """Whether the customer agreed to it, and was not forgotten since, in whatever checkout."""
        if state.erasure is not None:
            return False
        person = shown(state)
        if not person:
            return state.consents.get(Consent.PROFILE, False)
        said = last_words((yield from ask_store("consents", person))).get(Consent.PROFILE)
        if said is None or not said.is_given:
            return False
        erasures: Sequence[ErasureRow] = yield from ask_store("erasures", person)
        return all(erasure.at <= said.at for erasure in erasures)

    def _sale_end(self, name: str, state: Checkout, day: date, is_durable: bool) -> datetime:  # noqa: FBT001 -- a fact of the sale
        return _end_of(last_day(name, self.rules.law, state.market, day, durable=is_durable))

    def _remembered(
        self, state: Checkout, values: Mapping[str, str], at: datetime, sale_until: datetime
    ) -> Program[About]:
        """Keep a profile, or keep up the one there is.

        Nobody takes over another's: where somebody else is found by the same traces, a customer who
        has not shown who they are leaves them alone, and one who has is found by the others.
        """
        person = shown(state)
        is_new = not person
        others = yield from self._somebody_elses(person, values, at)
        consents: tuple[ConsentRow, ...] = ()
        known: Mapping[str, str] = {}
        if is_new:
            if others and state.recognition.level != "verified":
                return NOTHING
            octets = yield from random(CHECKOUT_BYTES)
            person = checkout_id(octets)
            consents = carried((yield from ask_store("consents", state.subject)), (), person)
        else:
            before: ProfileRow | None = yield from ask_store("profile", person)
            if before is not None and before.restricted_at is not None:
                return NOTHING
            known = yield from self._opened(person, Purpose.REMEMBER, at, _REACHED_BY)
        until = at + timedelta(days=KEEP_PROFILE)
        values = {"country": state.market, **values}
        former = yield from self._former(state, person, known, values, at)
        sealed = yield from self._sealed_for(
            person, values, at, is_new=is_new, only=Purpose.REMEMBER, until=until
        )
        traces = self._traces_of_profile(person, values, until, others)
        bought = DigestRow(BOUGHT, state.id, person, max(until, sale_until))
        choices = {"delivery": state.delivery, "payment": state.method}
        profile = ProfileRow(person, {name: to for name, to in choices.items() if to}, at)
        read = ReadRow(state.subject, at, Purpose.REMEMBER, tuple(sorted(values)), "checkoutflow")
        mine = About(
            digests=(*traces, bought),
            traces=tuple(row.kind for row in traces),
            retraced=person,
            people=(person,),
            consents=consents,
            reads=(read,),
            profile=profile,
        )
        return sealed + former + mine

    # What was changed -----------------------------------------------------------------------------

    def _former(
        self,
        state: Checkout,
        person: str,
        known: Mapping[str, str],
        values: Mapping[str, str],
        at: datetime,
    ) -> Program[About]:
        """Keep where somebody was reached until now, so that they are told there.

        Whoever got into what is kept of a customer would be told alone, if only the new address
        were. The old one is sealed apart, with the commit of the checkout that the message names.

        Args:
            state: The checkout before that commit.
            person: Who is remembered.
            known: What is kept of them.
            values: What will be.
            at: Now.
        """
        gone = {
            name: known[name]
            for name in _REACHED_BY
            if name in known
            and name in values
            and self._matching(name, known[name]) != self._matching(name, values[name])
        }
        if not gone:
            return NOTHING
        news = About(news=(e.ContactChanged(fields=tuple(gone)),))
        if "contact_changed" not in self.rules.shop.messages:
            return news  # nobody would tell them
        former = former_of(state.id, state.version + 1)
        until = at + timedelta(days=KEEP_FORMER)
        sealed = yield from self._sealed_for(
            former, gone, at, is_new=True, only=Purpose.PREVENT_FRAUD, until=until
        )
        return sealed + news + About(digests=(DigestRow(FORMER, person, former, until),))

    def _formers(self, person: str, at: datetime) -> Program[Sequence[str]]:
        """Under whom the vault keeps where somebody was reached before."""
        found: Sequence[str] = yield from ask_store(
            "find_people", FORMER, (person,), at, limit=EVERYBODY
        )
        return found

    def _erased(self, person: str, at: datetime, reason: str) -> Program[bool]:
        """Destroy the key of somebody who is remembered, and what leads from there."""
        for former in (yield from self._formers(person, at)):
            yield from ask_store("erase", ErasureRow(former, at, reason))
        is_erased: bool = yield from ask_store("erase", ErasureRow(person, at, reason))
        return is_erased


def shown(state: Checkout) -> str:
    """Who the customer has shown to be; empty while they have only said so."""
    asked = state.recognition
    return asked.person if asked.level == "verified" else ""


def _end_of(day: date) -> datetime:
    """The moment after a last day, whatever the time zone: twelve hours later than in UTC."""
    return datetime.combine(day + timedelta(days=1), time(12), UTC)


def _consents(
    owner: str, event: e.ConsentChanged, checkout: str, before: Checkout | None, at: datetime
) -> tuple[ConsentRow, ...]:
    """What was said, each with its proof: the checkout and the version that has it."""
    proof = _proof(checkout, before)
    return tuple(
        ConsentRow(owner, kind, is_given, at, event.texts[kind], event.locale, proof)
        for kind, is_given in event.consents.items()
    )


def _offered(
    event: e.RefusalOffered, after: Checkout, before: Checkout | None, at: datetime
) -> ConsentRow:
    """That offers could be refused where the address was given: it holds for that one alone."""
    proof = _proof(after.id, before)
    return ConsentRow(
        subject=after.subject,
        kind=COULD_SAY_NO,
        is_given=True,
        at=at,
        text=event.text,
        locale=event.locale,
        proof=proof,
    )


def _proof(checkout: str, before: Checkout | None) -> str:
    return f"{checkout}/{before.version + 1 if before is not None else 1}"


def last_words(rows: Iterable[ConsentRow]) -> dict[str, ConsentRow]:
    """What somebody said last of each thing that can be agreed to."""
    said = (row for row in rows if row.kind != COULD_SAY_NO)
    return {row.kind: row for row in sorted(said, key=lambda row: row.at)}


def words(rows: Iterable[ConsentRow]) -> dict[str, bool]:
    """The same as a yes or no."""
    return {kind: row.is_given for kind, row in last_words(rows).items()}


def carried(
    said: Iterable[ConsentRow], theirs: Iterable[ConsentRow], to: str
) -> tuple[ConsentRow, ...]:
    """What was said under another reference, with its proof, where it is later than ``theirs``."""
    known = last_words(theirs)
    return tuple(
        replace(row, subject=to)
        for kind, row in last_words(said).items()
        if kind not in known or known[kind].at < row.at
    )


def brought(
    here: Iterable[ConsentRow], theirs: Iterable[ConsentRow], person: str
) -> tuple[ConsentRow, ...]:
    """What somebody said in a checkout before they showed who they are: it is theirs from then on.

    Who unticked a box there that they had just ticked has not asked to be forgotten, and wants no
    offers that they refused before.
    """
    return tuple(
        row
        for row in carried(here, theirs, person)
        if row.is_given or row.kind not in {Consent.PROFILE, Consent.NO_MARKETING}
    )


def _dropped(before: Checkout | None, after: Checkout) -> tuple[tuple[str, str], ...]:
    """The fields that the vault lets go, each with whose it is."""
    return tuple(
        (subject, name)
        for name in (before.provided if before is not None else ())
        if name not in after.provided
        for subject in (after.subject, books_of(after.subject))
    )


class _Drawn:
    """Hands out bytes that were drawn before."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def __call__(self, count: int) -> bytes:
        taken, self._octets = self._octets[:count], self._octets[count:]
        return taken
