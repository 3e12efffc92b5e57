"""What customers share while they pay: asked of the provider once it is paid, and never waited for.

The payment stands whatever comes of it. What is told counts as if the customer had typed it, and
only what was asked for; who it is told of is recognised the next time by the provider's name for
them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import commands as c
from checkoutflow.checkout.decide import decide
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.needs import PLACE, is_remembered
from checkoutflow.customer import clean, territory
from checkoutflow.errors import (
    Contradiction,
    InvalidInput,
    ProviderError,
    StoreConflict,
    TransportError,
    UsageError,
)
from checkoutflow.flow.effects import Program, ask_store, now
from checkoutflow.flow.keeping import NOTHING, About
from checkoutflow.flow.knowing import Knowing
from checkoutflow.flow.sending import RELOADS
from checkoutflow.privacy.fields import Purpose
from checkoutflow.providers.lookups import Profile, ProfileAsk, ProfileProvider

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from checkoutflow.checkout.state import Checkout, Payment

# By what it is told whether two are the same person.
_REACHED_BY: Final = ("email", "phone")


class Sharing(Knowing):
    """Takes in what customers shared."""

    def take_profiles(self, state: Checkout) -> Program[Checkout]:
        """Ask for what customers shared with their payments, where that is due."""
        for payment in state.current_payments:
            at = yield from now()
            if state.is_taking_profiles and payment.profile_at and payment.profile_at <= at:
                told = yield from self._told(payment, state.market, at)
                state = yield from self._take_profile(state, payment.id, told)
        return state

    def _told(self, payment: Payment, market: str, at: datetime) -> Program[Profile | None]:
        """What the provider tells; None where it tells nothing, whatever the reason."""
        provider = self.providers.get(payment.provider or "")
        asked: object = provider
        if provider is None or not isinstance(asked, ProfileProvider):
            return None
        exchange = asked.profile(ProfileAsk(payment.id, market))
        try:
            return (yield from self._exchanged(provider, exchange, at, "profile", payment.id))
        except (TransportError, ProviderError, UsageError, Contradiction):
            return None

    def _take_profile(
        self, state: Checkout, payment_id: str, profile: Profile | None
    ) -> Program[Checkout]:
        """Commit what was told, on whatever the state is by now."""
        for _ in range(RELOADS):
            at = yield from now()
            payment = state.payment(payment_id)
            values: Mapping[str, str] = {}
            about = NOTHING
            command = c.TakeProfile(payment=payment_id, is_told=profile is not None)
            if profile is not None and payment.profile_at is not None:
                values = fitting(profile, state, payment)
                login, shown, about = yield from self._payer(state, payment, profile, values, at)
                values = {**values, **login}
                command = command.but(fields=tuple(values), shown=shown)
            after, events = decide(state, [command], self.rules, at)
            if not events:
                return state
            sealed = yield from self._sealed(state.subject, values, at, is_new=False)
            if values and after.phase in {Phase.CONFIRMED, Phase.FULFILLED}:
                sealed = yield from self._sold(after, at, sealed=sealed)
            try:
                return (
                    yield from self._commit(
                        state, (after, events), at=at, command=command.name, about=about + sealed
                    )
                )
            except StoreConflict:
                state = yield from self.load(state.id)
        raise StoreConflict(f"checkout {state.id} kept changing; reconcile it")

    def _payer(
        self,
        state: Checkout,
        payment: Payment,
        profile: Profile,
        values: Mapping[str, str],
        at: datetime,
    ) -> Program[tuple[Mapping[str, str], c.Verify | None, About]]:
        """Take who paid for the customer, where nothing speaks against it.

        Somebody else may pay. So whoever is known by the provider's name must be reached where this
        customer is, and a new one is known by it only if they shared where they are reached, and
        agreed to be remembered.
        """
        nobody: tuple[Mapping[str, str], None, About] = ({}, None, NOTHING)
        if state.recognition.level == "verified" or "login" in state.provided:
            return nobody
        login = f"{payment.provider}:{profile.subject.reveal()}"
        typed = yield from self._opened(state.subject, Purpose.REMEMBER, at, _REACHED_BY)
        here = yield from ask_store("consents", state.subject)
        known = yield from self.login(login, at)
        if known is None:
            if values.keys().isdisjoint(_REACHED_BY):
                return nobody
            name = {"login": login} if is_remembered(state) else {}
            return name, self.verified(None, payment.provider or "", here), NOTHING
        reached = {**typed, **values}
        alike = {
            self._matching(name, reached[name]) == self._matching(name, known.values[name])
            for name in _REACHED_BY
            if name in reached and name in known.values
        }
        if alike != {True}:
            return nobody
        shown = self.verified(known, payment.provider or "", here)
        return {"login": login}, shown, self.taken_over(known, {}, at)


def fitting(profile: Profile, state: Checkout, payment: Payment) -> Mapping[str, str]:
    """Of what was shared, what was asked for, is still missing and can be right.

    An address counts as a whole, and only where this order may go: taxes and freight were worked
    out for that market.
    """
    told = profile.details
    country = {"country": told["country"]} if "country" in told else {}
    found: dict[str, str] = {}
    for name in payment.shares:
        if name in told and name not in state.provided:
            with suppress(InvalidInput):
                cleaned = clean({**country, name: told[name]}, market=state.market)
                found[name] = cleaned[name]
    place = PLACE & {*payment.shares}
    where = territory(told.get("country", state.market), found.get("postal_code", ""))
    if where != state.market or not place <= found.keys():
        found = {name: value for name, value in found.items() if name not in place}
    return found
