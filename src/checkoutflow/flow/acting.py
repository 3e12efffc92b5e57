"""One call, one commit: commands are carried out, and then what they ask of providers is sent."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import commands as c
from checkoutflow.checkout import events as e
from checkoutflow.checkout.collecting import OF_AN_ADDRESS, check_sold_in
from checkoutflow.checkout.decide import decide
from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.state import Checkout
from checkoutflow.customer import clean, mainland, territory
from checkoutflow.errors import InvalidInput, StoreConflict, TooManyTries
from checkoutflow.flow.effects import Program, ask_store, now
from checkoutflow.flow.keeping import NOTHING, About
from checkoutflow.flow.noticing import NOWHERE, Network
from checkoutflow.flow.sending import RELOADS, Sending
from checkoutflow.insurance.policies import with_covers
from checkoutflow.stores.contract import IdempotencyRow, Limit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime


_HOUR: Final = 3600  # seconds

NO_DETAILS: Final[Mapping[str, str]] = MappingProxyType({})


class Acting(Sending):
    """Carries out commands."""

    def act(
        self,
        checkout_id: str,
        commands: Sequence[c.Command],
        details: Mapping[str, str],
        key: str,
        about: About = NOTHING,
        known: Mapping[str, str] = NO_DETAILS,
        asked: str = "",
        network: Network = NOWHERE,
    ) -> Program[Checkout]:
        """Carry out commands in one commit, then send what they ask of providers.

        Args:
            checkout_id: Which checkout.
            commands: What is to be done, in this order; contact details come first.
            details: Contact details as they were typed.
            key: The call's own idempotency key, if it has one.
            about: What the commit says about people besides.
            known: Contact details that are clean already, and filled in as far as they are needed.
            asked: What the call asked for, as ``_asked`` has it; by default commands and details.
            network: Where the customer buys from, as far as the shop tells.
        """
        asked = asked or (self._asked(content_of(commands), details) if key else "")
        is_counted = False
        for _ in range(RELOADS):
            found = yield from self._repeated(key, checkout_id, asked)
            if found is not None:
                return found
            before = yield from self.load(checkout_id)
            at = yield from now()
            values = {**known, **self._typed(details, before.market)}
            given = self._given(values, before, at, [name for name in known if name not in details])
            ordered, seen = yield from self._watched(before, [*given, *commands], at, network)
            again = partial(decide, before, ordered, self.rules, at)
            state, events = again()
            if not events and not key:
                return before
            if not is_counted and any(isinstance(event, e.Placed) for event in events):
                yield from self._take_turn_to_pay(network, at)
                is_counted = True
            try:
                # At first there is nothing; later there may have been what was dropped again.
                is_new = before.version == 1 and not before.provided
                mine = {name: it for name, it in values.items() if name in state.provided}
                sealed = yield from self._sealed(before.subject, mine, at, is_new=is_new)
                state = yield from self._commit(
                    before,
                    (state, events),
                    at=at,
                    command=", ".join(command.name for command in ordered),
                    idempotency=IdempotencyRow(key, asked, before.id) if key else None,
                    about=about + sealed + seen,
                    again=again,
                )
            except StoreConflict:
                continue
            return (yield from self._carry_out(state, events))
        raise StoreConflict(f"checkout {checkout_id} kept changing; call again")

    def _watched(
        self, state: Checkout, commands: list[c.Command], at: datetime, network: Network
    ) -> Program[tuple[list[c.Command], About]]:
        """What is noticed about an order goes along when it is bought, or people saw its money."""
        match commands:
            case [*before, c.Place() as place] if state.phase is Phase.COLLECTING:
                place, about = yield from self.noticed(state, place, at, network)
                return [*before, place], about
            case [c.Resolve() as seen]:
                return (yield from self.weighed(state, seen, at))
            case _:
                return commands, NOTHING

    def _take_turn_to_pay(self, network: Network, at: datetime) -> Program[None]:
        """See that nobody tries cards by the dozen. What costs nothing to begin counts as well.

        Raises:
            TooManyTries: If too many payments were begun from this network.
        """
        if network.address:
            place = self.trace("turn client", network.address)[0]
            limit = Limit(f"pay/client/{place}", self.shop.tries.by_network, _HOUR)
            if not (yield from ask_store("take_turn", (limit,), at)):
                raise TooManyTries("too many payments were tried from there; try again in an hour")

    def _typed(self, details: Mapping[str, str], market: str) -> Mapping[str, str]:
        """What was typed, clean. In a territory, a postal code of the mainland is read as such."""
        if not details:
            return NO_DETAILS
        where = territory(market, str(details.get("postal_code", "")))
        return clean(details, market=where if where == mainland(where) else market)

    def _given(
        self,
        values: Mapping[str, str],
        sale: Checkout | c.Start,
        at: datetime,
        filled: Iterable[str],
    ) -> list[c.Command]:
        """The commands for contact details: their names, and what the postal code tells.

        A territory has taxes and freight of its own, and only the postal code tells it: so the
        checkout moves to the market where the goods go.

        Raises:
            InvalidInput: If the shop does not sell there.
        """
        if not values:
            return []
        provide = c.Provide(fields=tuple(values), filled=tuple(filled))
        postal_code = values.get("postal_code")
        if postal_code is None:
            return [provide]
        where = territory(values.get("country", sale.market), postal_code)
        is_moved = where != sale.market and mainland(where) == mainland(sale.market)
        if not is_moved:
            return [provide.but(areas=self.shop.areas_of(sale.market, postal_code))]
        try:
            check_sold_in(self.rules, with_covers(sale.cart, ()), where, sale.customer, at)
        except InvalidInput as refused:
            raise InvalidInput(
                f"is one of {where}, where this cannot be sold: {refused.problems[0][1]}; "
                f"give an address in {sale.market}",
                field="postal_code",
            ) from None
        # What was given of the same address before stays given.
        before = sale.provided if isinstance(sale, Checkout) else ()
        rest = tuple(name for name in before if name in OF_AN_ADDRESS and name not in values)
        return [
            c.ChangeCart(cart=with_covers(sale.cart, ()), market=where),
            c.Provide(
                fields=(*values, *rest),
                filled=(*provide.filled, *rest),
                areas=self.shop.areas_of(where, postal_code),
            ),
        ]


_FOUND_OUT: Final = {"payments", "down", "said", "signals"}


def content_of(commands: Iterable[c.Command]) -> list[str]:
    """What a call asks for, without what was drawn or looked up for it."""
    return [f"{command.name}:{command.model_dump_json(exclude=_FOUND_OUT)}" for command in commands]
