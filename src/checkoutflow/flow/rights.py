"""What people may ask of whoever keeps their data, and what must be gone by itself.

Access, correction, erasure, restriction and portability: General Data Protection Regulation,
articles 15 to 18 and 20. Who must keep something by law keeps it although erasure is asked for
(article 17(3)(b)); that is what a second key, of the books alone, is for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import events as e
from checkoutflow.checkout.evolve import evolve
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.needs import kept
from checkoutflow.customer import clean
from checkoutflow.errors import InvalidInput, NotFound, PurposeRefused, StoreConflict, VaultError
from checkoutflow.flow.effects import Program, ask_store, now, random
from checkoutflow.flow.exports import Export, Kept
from checkoutflow.flow.keeping import BOUGHT, EVERYBODY, FORMER, TRACES, About, books_of
from checkoutflow.flow.sending import RELOADS
from checkoutflow.flow.telling import Telling
from checkoutflow.privacy.cards import refuse_card_number
from checkoutflow.privacy.consent import ONLY_WITH_CONSENT, Consent
from checkoutflow.privacy.fields import FIELDS, Purpose
from checkoutflow.privacy.secret import STARS, Details
from checkoutflow.privacy.vault import NONCE_BYTES, rewrap
from checkoutflow.stores.contract import (
    ErasureRow,
    Forgotten,
    PersonChange,
    ProfileRow,
    ReadRow,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.privacy.vault import SubjectKey, VaultRow
    from checkoutflow.stores.contract import ConsentRow, DigestRow, JournalEntry

_AT_ONCE: Final = 500

# What no sale under way needs.
_NOT_OF_A_SALE: Final = frozenset({Purpose.REMEMBER, Purpose.MARKET})

# What may be done with the data of somebody who asked that it only be kept.
_WHILE_RESTRICTED: Final = frozenset({Purpose.KEEP_BOOKS, Purpose.ANSWER_RIGHTS})


@dataclass(frozen=True, slots=True)
class Erased:
    """What came of the wish to be erased.

    Attributes:
        people: Whose keys were destroyed: the person's own, and those of their sales.
        kept_until: Until when the books keep name and address of a sale, by its id.
        open: Sales that are still under way, or not paid for: what these need stays until they
            are over, and goes by itself then, with ``run_due``.
    """

    people: tuple[str, ...]
    kept_until: Mapping[str, datetime]
    open: tuple[str, ...]


class Rights(Telling):
    """What a flow does for people's rights."""

    def find_people(self, given: Mapping[str, str]) -> Program[tuple[str, ...]]:
        """References of everybody that an e-mail address, telephone or login finds.

        Raises:
            InvalidInput: If nothing is given that somebody can be found by, or it cannot be right.
        """
        if not given or given.keys() - {"email", "phone", "login"}:
            raise InvalidInput("give email, phone or login", field="email")
        at = yield from now()
        typed = {name: value for name, value in given.items() if name != "login"}
        values = {**given, **(clean(typed, market=self.shop.markets[0]) if typed else {})}
        people: list[str] = []
        for name, value in values.items():
            kind = "known login" if name == "login" else name
            trace = self.trace(kind, self._matching(name, value))
            people += yield from ask_store("find_people", kind, trace, at, limit=EVERYBODY)
        return tuple(dict.fromkeys(people))

    # To see and to take along ---------------------------------------------------------------------

    def export(self, person: str) -> Program[Export]:
        """Everything that is kept about a person, for that person.

        Raises:
            NotFound: If nothing is.
            VaultError: If something cannot be opened; nothing is given then.
        """
        at = yield from now()
        sales = yield from self._sales_of(person)
        own = next((state for state in sales if state.subject == person), None)
        found = yield from self._exported(person, own, at)
        if own is None:
            parts = []
            for state in sales:
                parts += [(yield from self._exported(state.subject, state, at))]
            found = replace(found, sales=tuple(parts))
        if found.is_empty:
            raise NotFound("nothing is kept under this reference", field="person")
        for part in (found, *found.sales):
            if names := tuple(sorted({*part.fields, *part.books})):
                read = ReadRow(part.person, at, Purpose.ANSWER_RIGHTS, names, "person")
                change = PersonChange(subject=part.person, reads=(read,))
                yield from ask_store("write_person", change)
        return found

    def _exported(self, person: str, sale: Checkout | None, at: datetime) -> Program[Export]:
        """What is kept under one reference."""
        profile: ProfileRow | None = yield from ask_store("profile", person)
        traces: Sequence[DigestRow] = yield from ask_store("traces", person)
        found_by: dict[str, datetime] = {}
        for row in traces:
            if at < row.expires_at:
                found_by[row.kind] = max(row.expires_at, found_by.get(row.kind, row.expires_at))
        former = []
        for reference in (yield from self._formers(person, at)):
            former += [(yield from self._kept(reference, at))]
        history: Sequence[JournalEntry] = ()
        if sale is not None:
            history = yield from ask_store("journal", sale.id)
        return Export(
            person=person,
            fields=(yield from self._kept(person, at)),
            books=(yield from self._kept(books_of(person), at)),
            former=tuple(former),
            choices=profile.choices if profile else {},
            restricted_at=profile.restricted_at if profile else None,
            found_by=found_by,
            consents=tuple((yield from ask_store("consents", person))),
            reads=tuple((yield from ask_store("reads", person))),
            erasures=tuple((yield from ask_store("erasures", person))),
            seen=tuple((yield from ask_store("sightings", person))),
            sale=sale,
            history=tuple(history),
        )

    def _kept(self, person: str, at: datetime) -> Program[Mapping[str, Kept]]:
        key: SubjectKey | None
        rows: Sequence[VaultRow]
        key, rows = yield from ask_store("person", person)
        if key is None:
            return {}
        values = self._vault.read(key, rows, Purpose.ANSWER_RIGHTS, at)
        return {
            row.field: Kept(values.get(row.field, STARS), row.purposes, row.expires_at)
            for row in rows
            if at < row.expires_at
        }

    def _sales_of(self, person: str) -> Program[tuple[Checkout, ...]]:
        ids = yield from ask_store("checkouts_of", person)
        sales: list[Checkout] = []
        for checkout_id in ids:
            sales += [(yield from self.load(checkout_id))]
        return tuple(sales)

    # To put right and to leave alone --------------------------------------------------------------

    def correct(self, person: str, given: Mapping[str, str], market: str) -> Program[None]:
        """Put right what is kept of a person.

        What the books keep of a sale stays as it was: a voucher is not changed afterwards.

        Somebody who is remembered and is reached elsewhere from now on is told where they were.

        Raises:
            InvalidInput: If a value cannot be right, or is none that is shown to anybody.
            NotFound: If nothing is kept under this reference.
            StoreConflict: If their last checkout kept changing.
        """
        if secret := sorted(name for name in given if name in FIELDS and FIELDS[name].secret):
            raise InvalidInput("is only given in a checkout, and never changed", field=secret[0])
        values = clean(given, market=market)
        for _ in range(RELOADS):
            at = yield from now()
            sales = yield from self._sales_of(person)
            about = yield from self._corrected(person, sales, values, at)
            if not about.news:
                change = PersonChange(
                    subject=person, vault=about.vault, digests=about.digests, traces=about.traces
                )
                yield from ask_store("write_person", change)
                return
            # Their last checkout names it to the shop: what is told and what was changed are one.
            last = max(sales, key=lambda sale: sale.started_at)
            try:
                yield from self._commit(last, (last, ()), at=at, command="correct", about=about)
            except StoreConflict:
                continue
            return
        raise StoreConflict(f"person {person} kept changing; call again")

    def _corrected(
        self, person: str, sales: Sequence[Checkout], values: Mapping[str, str], at: datetime
    ) -> Program[About]:
        """What is to be written to put right what is kept of a person."""
        key: SubjectKey | None
        rows: Sequence[VaultRow]
        key, rows = yield from ask_store("person", person)
        ends = {row.field: row.expires_at for row in rows if at < row.expires_at}
        if key is None or not ends:
            raise NotFound("nothing is kept under this reference", field="person")
        sale = next((state for state in sales if state.subject == person), None)
        is_sale = sale is not None
        if sale and (new := values.keys() - ends.keys() - kept(sale, self.rules).keys()):
            raise InvalidInput("nothing in this sale needs it; leave it out", field=min(new))
        plain = (end for name, end in ends.items() if name in FIELDS and not FIELDS[name].secret)
        until = max(plain, default=max(ends.values()))
        sealed = yield from self._sealed_for(
            person, values, at, is_new=False, only=None if is_sale else Purpose.REMEMBER
        )
        before = self._vault.read(key, rows, Purpose.REMEMBER, at)
        known = {**before, **values}
        about = About(
            vault=tuple(replace(row, expires_at=ends.get(row.field, until)) for row in sealed.vault)
        )
        if is_sale:
            traces = self._traces_of_sale(person, known, until)
        else:
            others = yield from self._somebody_elses(person, known, at)
            traces = self._traces_of_profile(person, known, until, others)
            last = max(sales, key=lambda sale: sale.started_at)
            about += yield from self._former(last, person, before, known, at)
        return about + About(digests=traces, traces=TRACES, retraced=person)

    def restrict(self, person: str, *, is_restricted: bool) -> Program[None]:
        """Only keep what there is of a person and their sales from now on, or use it again.

        Raises:
            NotFound: If nothing is kept under this reference.
        """
        at = yield from now()
        sales = yield from self._sales_of(person)
        is_anybody = False
        for subject in dict.fromkeys((*(state.subject for state in sales), person)):
            key, _ = yield from ask_store("person", subject)
            if key is None:
                continue
            is_anybody = True
            before: ProfileRow | None = yield from ask_store("profile", subject)
            profile = before or ProfileRow(subject, {}, at)
            if (profile.restricted_at is not None) != is_restricted:
                changed = replace(profile, restricted_at=at if is_restricted else None)
                change = PersonChange(subject=subject, profile=changed)
                yield from ask_store("write_person", change)
        if not is_anybody:
            raise NotFound("nothing is kept under this reference", field="person")

    # To be read only for what was agreed ----------------------------------------------------------

    def details(self, checkout_id: str, purpose: Purpose, by: str) -> Program[Mapping[str, str]]:
        """The person's contact fields that a purpose allows; the reading is on record.

        Raises:
            PurposeRefused: If the person asked that their data only be kept, does not want
                offers, or asked to be erased and the sale that is under way does not need it.
            VaultError: If they cannot be opened.
        """
        refuse_card_number(by, "by")
        state = yield from self.load(checkout_id)
        at = yield from now()
        profile: ProfileRow | None = yield from ask_store("profile", state.subject)
        is_restricted = profile is not None and profile.restricted_at is not None
        if state.erasure is not None and purpose in _NOT_OF_A_SALE:
            raise PurposeRefused("this person asked to be erased", field="purpose")
        if is_restricted and purpose not in _WHILE_RESTRICTED:
            raise PurposeRefused("this person asked that their data only be kept", field="purpose")
        if purpose is Purpose.MARKET:
            yield from self._require_marketing(state, at)
        subject = books_of(state.subject) if purpose is Purpose.KEEP_BOOKS else state.subject
        values = yield from self._opened(subject, purpose, at)
        if values:
            read = ReadRow(state.subject, at, purpose, tuple(sorted(values)), by)
            yield from ask_store("write_person", PersonChange(subject=subject, reads=(read,)))
        return Details(values)

    def _require_marketing(self, state: Checkout, at: datetime) -> Program[None]:
        """Offers go to who wants them, and to customers who could say no and did not.

        What was said last counts, here or in any other checkout where the customer was known.

        Raises:
            PurposeRefused: To anybody else.
        """
        person = yield from self.person_of(state, at)
        rows: list[ConsentRow] = [*(yield from ask_store("consents", state.subject))]
        if person:
            rows += yield from ask_store("consents", person)
        wish: bool | None = None
        for row in sorted(rows, key=lambda row: row.at):
            if row.kind == Consent.MARKETING:
                wish = row.is_given
            elif row.kind == Consent.NO_MARKETING:
                wish = False if row.is_given else None
        is_customer = state.phase in {Phase.CONFIRMED, Phase.FULFILLED}
        is_lawful = state.could_say_no and state.market not in ONLY_WITH_CONSENT
        if not (is_customer and is_lawful if wish is None else wish):
            raise PurposeRefused("this person did not agree to be sent offers", field="purpose")

    # To be erased ---------------------------------------------------------------------------------

    def erase(self, person: str, reason: str) -> Program[Erased]:
        """Destroy the keys of a person and of their sales: of those under way when they are over.

        What the law on bookkeeping keeps of what was sold stays readable for that purpose, until
        its time. Each key goes in a step of its own with its proof; if it breaks off between two,
        the same call does the rest.

        Raises:
            InvalidInput: If the reason holds a card number.
            NotFound: If nothing is kept under this reference.
        """
        refuse_card_number(reason, "reason")
        at = yield from now()
        gone: list[str] = []
        open_: list[str] = []
        kept_until: dict[str, datetime] = {}
        sales = yield from self._sales_of(person)
        for state in sales:
            if not state.is_over:
                yield from self._ask_erasure(state, reason)
                open_.append(state.id)
                continue
            is_erased, until = yield from self._erase_sale(state, reason)
            if until is not None:
                kept_until[state.id] = until
            if is_erased:
                gone.append(state.subject)
        is_own_sale = any(state.subject == person for state in sales)
        if not is_own_sale and (yield from self._erased(person, at, reason)):
            gone.append(person)
        if not gone and not sales:
            raise NotFound("nothing is kept under this reference", field="person")
        return Erased(tuple(gone), kept_until, tuple(open_))

    def _ask_erasure(self, state: Checkout, reason: str) -> Program[None]:
        """Write down that a sale is to be erased when it is over; once.

        Raises:
            StoreConflict: If it kept changing.
        """
        for _ in range(RELOADS):
            if state.erasure is not None:
                return
            at = yield from now()
            event = e.ErasureAsked(reason=reason, at=at)
            try:
                yield from self._commit(
                    state, (evolve(state, event), (event,)), at=at, command="erase"
                )
            except StoreConflict:
                state = yield from self.load(state.id)
                continue
            return
        raise StoreConflict(f"checkout {state.id} kept changing; call again")

    def _erase_sale(self, state: Checkout, reason: str) -> Program[tuple[bool, datetime | None]]:
        """Destroy the key of a sale that is over.

        Returns:
            Whether there was one, and until when the books keep what they need.
        """
        at = yield from now()
        books = books_of(state.subject)
        names: tuple[str, ...] = ()
        until: datetime | None = None
        if _is_in_the_books(state):
            _, rows = yield from ask_store("person", books)
            names = tuple(row.field for row in rows)
            until = max((row.expires_at for row in rows), default=None)
        else:
            yield from ask_store("erase", ErasureRow(books, at, reason))
        proof = ErasureRow(state.subject, at, reason, names, until)
        is_erased: bool = yield from ask_store("erase", proof)
        return is_erased, until

    def erase_when_over(self, state: Checkout, stands_at: datetime) -> Program[None]:
        """Erase a sale of which that was asked while it was under way. Part of ``run_due``.

        Args:
            state: The sale.
            stands_at: To when its timer is set, which a lease may have moved.
        """
        if state.erasure is not None and state.is_over:
            yield from self._erase_sale(state, state.erasure.reason)
            version = state.version
            yield from ask_store("reset_timer", state.id, "erase", at=stands_at, version=version)

    def forget_expired(self) -> Program[Forgotten]:
        """Remove what is over. Part of ``run_due``."""
        at = yield from now()
        done: Forgotten = yield from ask_store("forget_expired", at, _AT_ONCE)
        return done

    # Changing the shop's key ----------------------------------------------------------------------

    def rotate_keys(self, limit: int) -> Program[int]:
        """Wrap persons' keys under the shop's current key; give how many are done.

        What people are found by is made anew under it as well. Safe beside everything else, on
        several machines at once, and after a crash: what is not done yet still opens under its
        older key.

        Raises:
            VaultError: If some cannot be opened; all others are done.
        """
        after, done, failed = "", 0, 0
        first: VaultError | None = None
        while done < limit:
            keys: Sequence[SubjectKey] = yield from ask_store(
                "keys_to_rewrap",
                self._keys.current,
                after=after,
                limit=min(_AT_ONCE, limit - done),
            )
            if not keys:
                break
            for key in keys:
                try:
                    done += yield from self._rotated(key)
                except VaultError as error:
                    failed, first = failed + 1, first or error
            after = keys[-1].subject_id
        if first is not None:
            raise VaultError(f"{done} persons are under the current key, {failed} not: {first}")
        return done

    def _rotated(self, key: SubjectKey) -> Program[bool]:
        """One person's key and traces."""
        nonce = yield from random(NONCE_BYTES)
        new = rewrap(self._keys, key, nonce)
        at = yield from now()
        traces: Sequence[DigestRow] = yield from ask_store("traces", key.subject_id)
        if ends := {row.kind: row.expires_at for row in traces if row.kind not in {BOUGHT, FORMER}}:
            yield from self._traced_anew(key.subject_id, ends, at)
        is_done: bool = yield from ask_store("replace_key", key, new)
        return is_done

    def _traced_anew(
        self, person: str, ends: Mapping[str, datetime], at: datetime
    ) -> Program[None]:
        """Put a person's traces under the current key.

        Somebody may correct or erase the person at the same moment. So it is looked at again
        afterwards, and done again until it was right.

        Raises:
            StoreConflict: If the person kept changing.
        """
        read = yield from ask_store("person", person)
        for _ in range(RELOADS):
            key, rows = read
            values: Mapping[str, str] = {}
            if key is not None:
                values = self._vault.read(key, rows, Purpose.ANSWER_RIGHTS, at)
            digests = tuple(
                self._trace_row(kind, person, until, known)
                for kind, until in ends.items()
                if (known := self._traced_by(kind, values)) is not None
            )
            change = PersonChange(subject=person, digests=digests, traces=tuple(ends))
            yield from ask_store("write_person", change)
            before, read = read, (yield from ask_store("person", person))
            if read == before:
                return
        raise StoreConflict(f"person {person} kept changing; call again")

    def _traced_by(self, kind: str, values: Mapping[str, str]) -> tuple[str, ...] | None:
        """What a kind of trace is made of; None where not all of it is kept."""
        by = kind.removeprefix("known ")
        if by != kind:
            return self.known_by(by, values)
        return (self._matching(kind, values[kind]),) if kind in values else None


def _is_in_the_books(state: Checkout) -> bool:
    """Whether something was sold: what never was leaves no voucher that law wants kept."""
    return bool(state.invoices) or state.books.captured > 0
