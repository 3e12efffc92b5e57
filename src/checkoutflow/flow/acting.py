"""One call, one commit: commands are carried out, and then what they ask of providers is sent."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout import commands as c
from checkoutflow.checkout.decide import decide
from checkoutflow.customer import clean
from checkoutflow.errors import StoreConflict
from checkoutflow.flow.effects import Program, now
from checkoutflow.flow.keeping import NOTHING, About
from checkoutflow.flow.sending import RELOADS, Sending
from checkoutflow.stores.contract import IdempotencyRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from checkoutflow.checkout.state import Checkout


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
    ) -> Program[Checkout]:
        """Carry out commands in one commit, then send what they ask of providers."""
        asked = self._asked(content_of(commands), details) if key else ""
        for _ in range(RELOADS):
            found = yield from self._repeated(key, checkout_id, asked)
            if found is not None:
                return found
            before = yield from self.load(checkout_id)
            at = yield from now()
            typed = clean(details, market=before.market) if details else {}
            values = {**known, **typed}
            given = self._given(values, before.market)
            again = partial(decide, before, [*given, *commands], self.rules, at)
            state, events = again()
            if not events and not key:
                return before
            try:
                sealed = yield from self._sealed(
                    before.subject, values, at, is_new=not before.provided
                )
                state = yield from self._commit(
                    before,
                    (state, events),
                    at=at,
                    command=", ".join(command.name for command in [*given, *commands]),
                    idempotency=IdempotencyRow(key, asked, before.id) if key else None,
                    about=about + sealed,
                    again=again,
                )
            except StoreConflict:
                continue
            return (yield from self._carry_out(state, events))
        raise StoreConflict(f"checkout {checkout_id} kept changing; call again")

    def _given(self, values: Mapping[str, str], market: str) -> list[c.Command]:
        """The command for contact details: their names, and the areas of the postal code."""
        if not values:
            return []
        postal_code = values.get("postal_code")
        areas = None if postal_code is None else self.shop.areas_of(market, postal_code)
        return [c.Provide(fields=tuple(values), areas=areas)]


_FOUND_OUT: Final = {"payments", "down"}


def content_of(commands: Iterable[c.Command]) -> list[str]:
    """What a call asks for, without what was drawn or looked up for it."""
    return [f"{command.name}:{command.model_dump_json(exclude=_FOUND_OUT)}" for command in commands]
