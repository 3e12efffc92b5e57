"""Knowing who the customer is: recognition, codes and consents.

Whether anybody is found changes nothing that whoever asks can see: the same effects in the same
order, the same answer. What is sent to a mailbox or a telephone is sent later and elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.checkout import commands as c
from checkoutflow.checkout.collecting import OF_AN_ADDRESS
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.recognising import WRONG_CODE, is_open
from checkoutflow.customer import clean, mainland
from checkoutflow.customer.identity import ADULT, age_on
from checkoutflow.customer.matching import matching_form
from checkoutflow.errors import InvalidInput, NotSupported, NotVerified, TooManyTries, UsageError
from checkoutflow.flow.acting import Acting
from checkoutflow.flow.effects import Program, ask_store, now, random
from checkoutflow.flow.ids import CHECKOUT_BYTES, checkout_id
from checkoutflow.flow.keeping import KNOWN_BY, NOTHING, About, brought, carried, words
from checkoutflow.issuers.contract import Pending, Unproven
from checkoutflow.payment.bounds import require_return
from checkoutflow.privacy.codes import CodeText, code_of, code_text, is_code
from checkoutflow.privacy.consent import Consent
from checkoutflow.privacy.fields import REMEMBERED, Purpose
from checkoutflow.privacy.secret import Secret
from checkoutflow.stores.contract import Limit, PersonChange, ProfileRow, ReadRow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.issuers.contract import Proof
    from checkoutflow.issuers.oidc import OpenIdConnect
    from checkoutflow.privacy.vault import SubjectKey, VaultRow
    from checkoutflow.stores.contract import ConsentRow

_TEN_MINUTES: Final = 600
_DAY: Final = 24 * 3600

# What anonymous callers may try (OWASP ASVS 5.0, 2.4.1 and 6.3.8 ask for limits; the figures are
# ours): of one network address, of one mailbox or telephone, and of the shop as a whole.
ASKED_BY_CLIENT: Final = (5, _TEN_MINUTES)
ASKED_FOR_CONTACT: Final = (10, _DAY)
ASKED_OF_SHOP: Final = (600, 60)


@dataclass(frozen=True, slots=True)
class CodeToSend:
    """A code that the shop sends to a customer; printing it shows nothing of it.

    Attributes:
        checkout: For which checkout.
        by: ``email`` or ``phone``.
        to: The address or number.
        text: What to send.
    """

    checkout: str
    by: Literal["email", "phone"]
    to: Secret = field(repr=False)
    text: CodeText = field(repr=False)


@dataclass(frozen=True, slots=True)
class Remembered:
    """A person who is known, with what is kept of them.

    Attributes:
        person: Under whom.
        values: What fills in the checkout.
        choices: What they chose last time.
        consents: What they agreed to and took back, in order.
    """

    person: str
    values: Mapping[str, str] = field(repr=False)
    choices: Mapping[str, str]
    consents: Sequence[ConsentRow]


class Knowing(Acting):
    """What a flow does to know its customer."""

    def recognise(
        self, checkout_id_: str, given: Mapping[str, str], client: str, key: str
    ) -> Program[Checkout]:
        """Ask for a code, whether or not there is anybody to send one to.

        Raises:
            InvalidInput: If what is given finds nobody by its kind, or is wrong.
            TooManyTries: If it was tried too often.
            UsageError: If the shop does not take the messages by which codes are sent.
        """
        if "code_asked" not in self.shop.messages:
            raise UsageError(
                'codes are sent by the shop: put "code_asked" among its messages', field="messages"
            )
        asked = self._asked(["recognise"], given) if key else ""
        found = yield from self._repeated(key, checkout_id_, asked)
        if found is not None:
            return found
        before = yield from self.load(checkout_id_)
        at = yield from now()
        values = clean(given, market=before.market)
        by = _asked_by(values)
        yield from self._take_turn(by, values, client, at)
        people = yield from self._found(by, values, at)
        octets = yield from random(2 * CHECKOUT_BYTES)
        nobody = checkout_id(octets[:CHECKOUT_BYTES])
        command = c.AskCode(
            person=people[0] if len(people) == 1 else nobody,
            challenge=checkout_id(octets[CHECKOUT_BYTES:]),
            by="phone" if by == "phone" else "email",  # a company's number is no mailbox
        )
        return (yield from self.act(checkout_id_, [command], {}, key, asked=asked))

    def _take_turn(
        self, by: str, values: Mapping[str, str], client: str, at: datetime
    ) -> Program[None]:
        contact = self.trace("turn contact", *(self.known_by(by, values) or ()))[0]
        limits = [
            Limit(f"recognise/contact/{contact}", *ASKED_FOR_CONTACT),
            Limit("recognise/shop", *ASKED_OF_SHOP),
        ]
        if client:
            address = self.trace("turn client", client)[0]
            limits.append(Limit(f"recognise/client/{address}", *ASKED_BY_CLIENT))
        if not (yield from ask_store("take_turn", tuple(limits), at)):
            raise TooManyTries("that was tried too often; try again in ten minutes")

    def code(self, checkout_id_: str) -> Program[CodeToSend | None]:
        """The code that a customer waits for; None if there is nobody, or no need."""
        state = yield from self.load(checkout_id_)
        at = yield from now()
        asked = state.showing
        if state.phase is Phase.HELD:
            return (yield from self._code_for_reviewer(state, at))
        if not is_open(asked, at) or not asked.person:
            return None
        known = yield from self._remembered_of(asked.person, at)
        by: Literal["email", "phone"] = "phone" if asked.by == "phone" else "email"
        if known is None or by not in known.values:
            return None
        read = ReadRow(known.person, at, Purpose.REMEMBER, (by,), "code")
        yield from ask_store("write_person", PersonChange(subject=known.person, reads=(read,)))
        return self._code_to(known.values[by], by, state)

    def _code_to(self, to: str, by: Literal["email", "phone"], state: Checkout) -> CodeToSend:
        asked = state.showing
        code = code_of(self._keys, asked.challenge, asked.sending)
        text = code_text(code, self.shop.name, state.locale)
        return CodeToSend(state.id, by, Secret(to), text)

    def _code_for_reviewer(self, state: Checkout, at: datetime) -> Program[CodeToSend | None]:
        """The code that a reviewer asked for; it goes where the order itself says."""
        if not is_open(state.second, at):
            return None
        by: Literal["email", "phone"] = "phone" if state.second.by == "phone" else "email"
        values = yield from self._opened(state.subject, Purpose.PREVENT_FRAUD, at, [by])
        if by not in values:
            return None
        read = ReadRow(state.subject, at, Purpose.PREVENT_FRAUD, (by,), "code")
        yield from ask_store("write_person", PersonChange(subject=state.subject, reads=(read,)))
        return self._code_to(values[by], by, state)

    def verify(self, checkout_id_: str, typed: str, key: str) -> Program[Checkout]:
        """Take a code that the customer typed, and fill in what is known of them.

        Raises:
            NotVerified: If it is not right, for whatever reason.
        """
        call = self._asked(["verify"], {"code": typed}) if key else ""
        found = yield from self._repeated(key, checkout_id_, call)
        if found is not None:
            return found
        state = yield from self.load(checkout_id_)
        at = yield from now()
        asked = state.showing
        known: Remembered | None = None
        is_right = is_code(self._keys, asked.challenge, asked.sending, typed)
        if is_right and is_open(asked, at):  # how long it took would tell who is looked up
            if state.phase is Phase.HELD:
                shown = c.Verify(by=asked.by, challenge=asked.challenge, sending=asked.sending)
                return (yield from self.act(state.id, [shown], {}, key, asked=call))
            known = yield from self._remembered_of(asked.person, at)
        if known is None:
            yield from self.act(checkout_id_, [c.RefuseCode()], {}, "")
            raise NotVerified(WRONG_CODE, field="code")
        # What the customer has typed in this checkout goes first.
        missing = self.filling(known, state.market, state.provided)
        about = self.taken_over(known, missing, at)
        here = yield from ask_store("consents", state.subject)
        verify = self.verified(known, asked.by, here).but(
            challenge=asked.challenge, sending=asked.sending
        )
        return (yield from self.act(state.id, [verify], {}, key, about, missing, call))

    def _remembered_of(self, person: str, at: datetime) -> Program[Remembered | None]:
        """What is kept of a person who is remembered; None if there is nobody, or it rests."""
        key: SubjectKey | None
        rows: Sequence[VaultRow]
        key, rows = yield from ask_store("person", person)
        profile: ProfileRow | None = yield from ask_store("profile", person)
        consents: Sequence[ConsentRow] = yield from ask_store("consents", person)
        if key is None or profile is None or profile.restricted_at is not None:
            return None
        values = self._vault.read(key, rows, Purpose.REMEMBER, at)
        return Remembered(person, values, profile.choices, consents)

    def login(self, login: str, at: datetime) -> Program[Remembered | None]:
        """Who is remembered under a login that the shop, or an issuer, vouches for."""
        found = yield from self._found("login", {"login": login}, at)
        if len(found) != 1:
            return None
        return (yield from self._remembered_of(found[0], at))

    def taken_over(self, known: Remembered, values: Mapping[str, str], at: datetime) -> About:
        """Whose checkout it is from now on, and that what is kept of them was read for it."""
        read = ReadRow(known.person, at, Purpose.REMEMBER, tuple(sorted(values)), "customer")
        return About(people=(known.person,), reads=(read,) if values else ())

    def filling(
        self, known: Remembered | None, market: str, given: Collection[str]
    ) -> Mapping[str, str]:
        """What is known and not given: an address only where it is one of this country.

        Of this the checkout takes what it can need (`only_needed`).
        """
        values = known.values if known is not None else {}
        is_here = mainland(values.get("country", "")) == mainland(market)
        return {
            name: values[name]
            for name in REMEMBERED
            if name in values and name not in given and (is_here or name not in OF_AN_ADDRESS)
        }

    def verified(
        self, known: Remembered | None, by: str, here: Sequence[ConsentRow] = ()
    ) -> c.Verify:
        """The command for somebody who has shown who they are.

        Args:
            known: What is kept of them.
            by: How they have shown it.
            here: What they agreed to and took back in this checkout before.
        """
        if known is None:
            return c.Verify(by=by, consents=words(here))
        return c.Verify(
            person=known.person,
            by=by,
            consents=words((*known.consents, *brought(here, known.consents, known.person))),
            delivery=known.choices.get("delivery", ""),
            payment=known.choices.get("payment", ""),
        )

    def begin_login(
        self, checkout_id_: str, issuer: str, return_url: str, fields: Collection[str]
    ) -> Program[str]:
        """Work out where to send a customer who shows at an issuer who they are.

        Raises:
            InvalidInput: If they would come back to none of the shop's own places.
            NotSupported: If the shop has no issuer of this name.
            TransportError: If the issuer does not answer.
        """
        there = self._issuer(issuer)
        require_return(return_url, self.shop.return_origins)
        before = yield from self.load(checkout_id_)
        at = yield from now()
        octets = yield from random(32)
        asked = there.begin(
            self._keys,
            before.id,
            return_url,
            fields=fields,
            locale=before.locale,
            octets=octets,
            at=at,
        )
        address, pending = yield from self._exchanged(there, asked, at, "begin_login")
        command = c.AskLogin(
            issuer=issuer, pending=pending.model_dump_json(), valid_until=pending.expires_at
        )
        yield from self.act(checkout_id_, [command], {}, "")
        return address

    def finish_login(self, checkout_id_: str, query: str) -> Program[Checkout]:
        """Take in what a customer came back with, and fill in what is known of them.

        What was waited for is used up in a commit of its own before anything is sent, so that of
        two who come back with the same one is too late.

        Raises:
            NotVerified: If the customer is not waited for, was away too long, or said no.
            UntrustedProof: If it does not prove who they are.
            TransportError: If the issuer does not answer; the customer starts again.
        """
        state = yield from self.load(checkout_id_)
        at = yield from now()
        asked = state.showing
        if asked.by not in self.issuers or asked.level != "known":
            raise NotVerified("nobody is waited for; let the customer start again", field="query")
        there = self._issuer(asked.by)
        returned = there.take_return(
            self._keys, Pending.model_validate_json(asked.challenge), query, at
        )
        state = yield from self.act(checkout_id_, [c.TakeLogin(pending=asked.challenge)], {}, "")
        if isinstance(returned, Unproven):
            raise NotVerified(f"the issuer says {returned.reason}", field="query")
        finishing = there.finish(returned, at, market=state.market)
        proof = yield from self._exchanged(there, finishing, at, "finish_login")
        if state.phase is Phase.HELD:
            return (yield from self._shown_to_reviewer(state, asked.by, proof, at))
        login = f"{asked.by}:{proof.subject.reveal()}"
        known = yield from self.login(login, at)
        is_here = mainland(there.config.market or state.market) == mainland(state.market)
        told = {
            name: value
            for name, value in proof.details.items()
            if name not in state.provided and (is_here or name not in OF_AN_ADDRESS)
        }
        filled = self.filling(known, state.market, {*state.provided, *told})
        born = proof.birth_date
        adult = None if born is None else age_on(born, at.date()) >= ADULT
        here = yield from ask_store("consents", state.subject)
        verify = self.verified(known, asked.by, here).but(adult=adult)
        about = self.taken_over(known, filled, at) if known else NOTHING
        values = {**filled, **told, "login": login}
        return (yield from self.act(checkout_id_, [verify], {}, "", about, values))

    def _shown_to_reviewer(
        self, state: Checkout, issuer: str, proof: Proof, at: datetime
    ) -> Program[Checkout]:
        """Whether an issuer gives the customer the order's name; nothing else of it is kept."""
        about, is_named_so = NOTHING, None
        if "name" in proof.details:
            names = ["name"]
            kept = yield from self._opened(state.subject, Purpose.PREVENT_FRAUD, at, names)
            if "name" in kept:
                read = ReadRow(state.subject, at, Purpose.PREVENT_FRAUD, ("name",), issuer)
                about = About(reads=(read,))
                one, other = (
                    matching_form("name", each["name"], state.market)
                    for each in (kept, proof.details)
                )
                is_named_so = one == other
        verify = c.Verify(by=issuer, is_named_so=is_named_so)
        return (yield from self.act(state.id, [verify], {}, "", about))

    def _issuer(self, name: str) -> OpenIdConnect:
        try:
            return self.issuers[name]
        except KeyError:
            raise NotSupported(f"there is no issuer {name}", field="issuer") from None

    def consent(
        self, checkout_id_: str, consents: Mapping[str, bool], locale: str, key: str
    ) -> Program[Checkout]:
        """Note what the customer agrees to or takes back; forget them if they ask for that."""
        state = yield from self.load(checkout_id_)
        at = yield from now()
        owner = (yield from self.person_of(state, at)) or state.subject
        said = words((yield from ask_store("consents", owner)))
        command = c.GiveConsent(consents=consents, locale=locale or state.locale, said=said)
        state = yield from self.act(checkout_id_, [command], {}, key)
        if consents.get(Consent.PROFILE) is False and not state.consents.get(Consent.PROFILE):
            yield from self._forget_profile(state)
        return state

    def _forget_profile(self, state: Checkout) -> Program[None]:
        """Destroy what is remembered of a customer who does not want that any more.

        Their sales stay, each with what they said last about anything else. Until the profile is
        gone, this goes on where it broke off when it is asked for again.
        """
        at = yield from now()
        person = yield from self.person_of(state, at)
        if not person:
            return
        said = yield from ask_store("consents", person)
        for checkout_id_ in (yield from ask_store("checkouts_of", person)):
            subject = (yield from self.load(checkout_id_)).subject
            theirs = yield from ask_store("consents", subject)
            if changed := carried(said, theirs, subject):
                change = PersonChange(subject=subject, consents=changed)
                yield from ask_store("write_person", change)
        yield from self._erased(person, at, "consent withdrawn")


_ASKED_BY: Final = ("email", "phone", "organisation_number")


def _asked_by(values: Mapping[str, str]) -> str:
    """By what somebody is looked for: the first of these for which all is given."""
    for by in _ASKED_BY:
        if values.keys() >= {*KNOWN_BY[by]}:
            return by
    raise InvalidInput(
        "give email and postal_code, or phone, or organisation_number", field="email"
    )
