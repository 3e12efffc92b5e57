"""What people may ask of whoever keeps their data, and what must be gone by itself.

Access, correction, erasure, restriction and portability: General Data Protection Regulation,
articles 15 to 18 and 20. Who must keep something by law keeps it although erasure is asked for
(article 17(3)(b)); that is what a second key, of the books alone, is for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.checkout.machine import ENDS, Phase
from checkoutflow.customer import clean
from checkoutflow.errors import InvalidInput, NotFound, PurposeRefused
from checkoutflow.flow.effects import Program, ask_store, now, random
from checkoutflow.flow.keeping import KNOWN_BY, TRACES, books_of
from checkoutflow.flow.knowing import Knowing
from checkoutflow.privacy.consent import Consent
from checkoutflow.privacy.fields import KEEP_PROFILE, Purpose
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
    from checkoutflow.stores.contract import ConsentRow

_AT_ONCE: Final = 500

# What may be done with the data of somebody who asked that it only be kept.
_WHILE_RESTRICTED: Final = frozenset({Purpose.KEEP_BOOKS, Purpose.ANSWER_RIGHTS})


@dataclass(frozen=True, slots=True)
class Kept:
    """One field that is kept of a person.

    Attributes:
        value: Stars where the field gives access to money, which nobody is shown.
        purposes: What it may be used for.
        expires_at: When it goes.
    """

    value: str = field(repr=False)
    purposes: tuple[str, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Export:
    """Everything that is kept about one person.

    Attributes:
        person: Under what reference.
        fields: By name, what the vault holds.
        books: By name, what is kept for bookkeeping alone.
        choices: What they chose last time, where they are remembered.
        restricted_at: Since when their data is only kept; None while it is used.
        consents: What they agreed to and took back.
        reads: Who read what of them, and what for.
        erasures: When they were erased.
        sales: Their checkouts.
    """

    person: str
    fields: Mapping[str, Kept] = field(repr=False)
    books: Mapping[str, Kept] = field(repr=False)
    choices: Mapping[str, str]
    restricted_at: datetime | None
    consents: tuple[ConsentRow, ...]
    reads: tuple[ReadRow, ...]
    erasures: tuple[ErasureRow, ...]
    sales: tuple[Checkout, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Erased:
    """What came of the wish to be erased.

    Attributes:
        people: Whose keys were destroyed: the person's own, and those of their sales.
        kept_until: Until when the books keep name and address of a sale, by its id.
        open: Sales that are still under way: what these need stays until they are over.
    """

    people: tuple[str, ...]
    kept_until: Mapping[str, datetime]
    open: tuple[str, ...]


class Rights(Knowing):
    """What a flow does for people's rights."""

    def find_people(self, given: Mapping[str, str]) -> Program[tuple[str, ...]]:
        """References of everybody that an e-mail address, telephone or login finds.

        Raises:
            InvalidInput: If nothing is given that somebody can be found by.
        """
        at = yield from now()
        typed = {name: value for name, value in given.items() if name != "login"}
        values: dict[str, str] = dict(clean(typed, market=self.shop.markets[0])) if typed else {}
        if "login" in given:
            values["login"] = given["login"]
        people: list[str] = []
        for name in ("email", "phone"):
            if name in values:
                trace = self.trace(name, self._matching(name, values[name]))
                people += yield from ask_store("find_people", name, trace, at)
        for by in KNOWN_BY:
            people += yield from self._found(by, values, at)
        if not values.keys() & {"email", "phone", "login"}:
            raise InvalidInput("give email, phone or login", field="email")
        return tuple(dict.fromkeys(people))

    def export(self, person: str) -> Program[Export]:
        """Everything that is kept about a person, for that person.

        Raises:
            NotFound: If nothing is.
        """
        at = yield from now()
        profile: ProfileRow | None = yield from ask_store("profile", person)
        consents = yield from ask_store("consents", person)
        reads = yield from ask_store("reads", person)
        erasures = yield from ask_store("erasures", person)
        fields = yield from self._kept(person, Purpose.ANSWER_RIGHTS, at)
        books = yield from self._kept(books_of(person), Purpose.KEEP_BOOKS, at)
        sales = yield from self._sales_of(person)
        if not (fields or books or consents or reads or erasures or sales):
            raise NotFound("nothing is kept under this reference", field="person")
        if fields:
            read = ReadRow(person, at, Purpose.ANSWER_RIGHTS, tuple(sorted(fields)), "person")
            yield from ask_store("write_person", PersonChange(subject=person, reads=(read,)))
        return Export(
            person=person,
            fields=fields,
            books=books,
            choices=profile.choices if profile else {},
            restricted_at=profile.restricted_at if profile else None,
            consents=tuple(consents),
            reads=tuple(reads),
            erasures=tuple(erasures),
            sales=sales,
        )

    def _kept(self, person: str, purpose: Purpose, at: datetime) -> Program[Mapping[str, Kept]]:
        key: SubjectKey | None
        rows: Sequence[VaultRow]
        key, rows = yield from ask_store("person", person)
        values = self._vault.read(key, rows, purpose, at) if key is not None else {}
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

    def correct(self, person: str, given: Mapping[str, str], market: str) -> Program[None]:
        """Put right what is kept of a person.

        Raises:
            InvalidInput: If a value cannot be right.
            NotFound: If nothing is kept under this reference.
        """
        at = yield from now()
        values = clean(given, market=market)
        key: SubjectKey | None
        rows: Sequence[VaultRow]
        key, rows = yield from ask_store("person", person)
        profile: ProfileRow | None = yield from ask_store("profile", person)
        if key is None:
            raise NotFound("nothing is kept under this reference", field="person")
        is_profile = profile is not None
        until = max((row.expires_at for row in rows), default=at + timedelta(days=KEEP_PROFILE))
        only = Purpose.REMEMBER if is_profile else None
        about = yield from self._sealed_for(
            person, values, at, is_new=False, only=only, until=until
        )
        traces: tuple[str, ...] = ("email", "phone")
        digests = self._traces_of_sale(person, values, until)
        if is_profile:
            known = {**self._vault.read(key, rows, Purpose.REMEMBER, at), **values}
            traces = TRACES
            digests = self._traces_of_sale(person, known, until) + tuple(
                self._trace_row(f"known {by}", person, until, found)
                for by in KNOWN_BY
                if (found := self.known_by(by, known)) is not None
            )
        yield from ask_store(
            "write_person",
            PersonChange(subject=person, vault=about.vault, digests=digests, traces=traces),
        )

    def restrict(self, person: str, *, is_restricted: bool) -> Program[None]:
        """Only keep a person's data from now on, or use it again.

        Raises:
            NotFound: If nothing is kept under this reference.
        """
        at = yield from now()
        key, _ = yield from ask_store("person", person)
        if key is None:
            raise NotFound("nothing is kept under this reference", field="person")
        profile: ProfileRow | None = yield from ask_store("profile", person)
        since = at if is_restricted else None
        changed = replace(profile or ProfileRow(person, {}, at), restricted_at=since)
        yield from ask_store("write_person", PersonChange(subject=person, profile=changed))

    def details(self, checkout_id: str, purpose: Purpose, by: str) -> Program[Mapping[str, str]]:
        """The person's contact fields that a purpose allows; the reading is on record.

        Raises:
            PurposeRefused: If the person asked that their data only be kept.
            VaultError: If they cannot be opened.
        """
        state = yield from self.load(checkout_id)
        at = yield from now()
        profile: ProfileRow | None = yield from ask_store("profile", state.subject)
        is_restricted = profile is not None and profile.restricted_at is not None
        if is_restricted and purpose not in _WHILE_RESTRICTED:
            raise PurposeRefused("this person asked that their data only be kept", field="purpose")
        if purpose is Purpose.MARKET:
            yield from self._require_marketing(state)
        subject = books_of(state.subject) if purpose is Purpose.KEEP_BOOKS else state.subject
        values = yield from self._opened(subject, purpose, at)
        if values:
            read = ReadRow(state.subject, at, purpose, tuple(sorted(values)), by)
            yield from ask_store("write_person", PersonChange(subject=subject, reads=(read,)))
        return Details(values)

    def _require_marketing(self, state: Checkout) -> Program[None]:
        """Offers go to who wants them, and to customers who could say no and did not.

        Raises:
            PurposeRefused: To anybody else.
        """
        said: dict[str, bool] = {}
        for person in dict.fromkeys((state.subject, state.recognition.person)):
            rows: Sequence[ConsentRow] = (
                (yield from ask_store("consents", person)) if person else ()
            )
            said |= {row.kind: row.is_given for row in rows}
        is_customer = state.phase in {Phase.CONFIRMED, Phase.FULFILLED}
        was_asked = Consent.NO_MARKETING in self.shop.consents and is_customer
        if said.get(Consent.MARKETING) or (was_asked and not said.get(Consent.NO_MARKETING)):
            return
        raise PurposeRefused("this person did not agree to be sent offers", field="purpose")

    def erase(self, person: str, reason: str) -> Program[Erased]:
        """Destroy the keys of a person and of their sales that are over.

        What the law on bookkeeping keeps stays readable for that purpose, until its time.

        Raises:
            NotFound: If nothing is kept under this reference.
        """
        at = yield from now()
        gone: list[str] = []
        open_: list[str] = []
        kept_until: dict[str, datetime] = {}
        sales = yield from self._sales_of(person)
        for state in sales:
            if state.phase not in ENDS:
                open_.append(state.id)
                continue
            _, rows = yield from ask_store("person", books_of(state.subject))
            if rows:
                kept_until[state.id] = max(row.expires_at for row in rows)
            proof = ErasureRow(
                state.subject,
                at,
                reason,
                tuple(row.field for row in rows),
                kept_until.get(state.id),
            )
            if (yield from ask_store("erase", proof)):
                gone.append(state.subject)
        is_own_sale = any(state.subject == person for state in sales)
        if not is_own_sale and (yield from ask_store("erase", ErasureRow(person, at, reason))):
            gone.append(person)
        if not gone and not sales:
            raise NotFound("nothing is kept under this reference", field="person")
        return Erased(tuple(gone), kept_until, tuple(open_))

    def forget_expired(self) -> Program[Forgotten]:
        """Remove what is over. Part of ``run_due``."""
        at = yield from now()
        done: Forgotten = yield from ask_store("forget_expired", at, _AT_ONCE)
        return done

    def rotate_keys(self, limit: int) -> Program[int]:
        """Wrap persons' keys under the shop's current key; give how many are done.

        Safe beside everything else, on several machines at once, and after a crash: what is
        not done yet still opens under its older key.
        """
        after, done = "", 0
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
                nonce = yield from random(NONCE_BYTES)
                new = rewrap(self._keys, key, nonce)
                done += bool((yield from ask_store("replace_key", key, new)))
            after = keys[-1].subject_id
        return done


def plain(export: Export) -> dict[str, Any]:
    """An export as plain data, ready for JSON."""
    return {
        "person": export.person,
        "fields": {name: _plain(item) for name, item in export.fields.items()},
        "kept_for_bookkeeping": {name: _plain(item) for name, item in export.books.items()},
        "choices": dict(export.choices),
        "restricted_at": export.restricted_at and export.restricted_at.isoformat(),
        "consents": [
            {
                "what": row.kind,
                "given": row.is_given,
                "at": row.at.isoformat(),
                "text": row.text,
                "language": row.locale,
                "proof": row.proof,
            }
            for row in export.consents
        ],
        "reads": [
            {
                "at": row.at.isoformat(),
                "purpose": row.purpose,
                "fields": list(row.fields),
                "by": row.by,
            }
            for row in export.reads
        ],
        "erasures": [{"at": row.at.isoformat(), "reason": row.reason} for row in export.erasures],
        "sales": [
            {
                "id": sale.id,
                "market": sale.market,
                "phase": sale.phase.value,
                "started_at": sale.started_at.isoformat(),
                "total": str(sale.total),
                "lines": [
                    {"name": str(line.name), "quantity": line.quantity} for line in sale.cart.lines
                ],
                "payments": [
                    {"method": item.method, "amount": str(item.amount), "state": item.state.value}
                    for item in sale.payments
                ],
            }
            for sale in export.sales
        ],
    }


def _plain(item: Kept) -> dict[str, Any]:
    return {
        "value": item.value,
        "purposes": list(item.purposes),
        "expires_at": item.expires_at.isoformat(),
    }
