"""The lists of the shop's people: what of an order they want held, and what not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.customer import clean
from checkoutflow.customer.matching import matching_form
from checkoutflow.errors import InvalidInput, NotFound
from checkoutflow.flow.effects import Program, ask_store, now
from checkoutflow.flow.noticing import LISTED
from checkoutflow.flow.rights import Rights
from checkoutflow.privacy.cards import (
    REFUSAL,
    reference_holds_card_number,
    refuse_card_number,
)
from checkoutflow.review.traces import Fate, Kind, address_form, network_of
from checkoutflow.stores.contract import ListingRow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from checkoutflow.stores.contract import SightingRow

To = Literal["block", "allow"]

# Days for which something is on a list at most: what is on it for longer is looked at again.
LONGEST: Final = 1096

_CONTACT: Final = ("email", "phone", "street", "postal_code", "country")
_PLAIN: Final = ("sku", "market")
_OF_AN_ORDER: Final = frozenset({Kind.EMAIL, Kind.PHONE, Kind.ADDRESS})


class Listing(Rights):
    """Puts things on lists and takes them off."""

    def put_on_list(
        self,
        to: To,
        given: Mapping[str, str],
        order: str,
        kinds: Collection[str],
        reason: str,
        by: str,
        days: int,
    ) -> Program[tuple[ListingRow, ...]]:
        """Put what is given on a list, or what an order was seen by: keyed digests of it.

        Raises:
            InvalidInput: If nothing is given that can be listed, or it cannot be right.
            NotFound: If the order was not seen by any of these kinds, or that is forgotten.
        """
        if not 0 < days <= LONGEST:
            raise InvalidInput(f"is from 1 to {LONGEST}", field="days")
        if not reason or not by:
            raise InvalidInput("is needed", field="by" if reason else "reason")
        for field, text in {"reason": reason, "by": by}.items():
            refuse_card_number(text, field)
        at = yield from now()
        items = yield from (self._of_order(order, kinds) if order else self._given_items(given))
        until = at + timedelta(days=days)
        rows = tuple(ListingRow(kind, value, to, reason, by, at, until) for kind, value in items)
        for row in rows:
            yield from ask_store("set_listing", row)
        return rows

    def _of_order(self, order: str, kinds: Collection[str]) -> Program[list[tuple[str, str]]]:
        """What an order was seen by, so that nobody has to see the customer's details for it."""
        if strange := sorted(set(kinds) - set(_OF_AN_ORDER)):
            known = ", ".join(sorted(_OF_AN_ORDER))
            raise InvalidInput(f"{strange[0]} is not one of {known}", field="kinds")
        state = yield from self.load(order)
        seen: Sequence[SightingRow] = yield from ask_store("sightings", state.subject)
        found = {
            (row.kind, row.digest)
            for row in seen
            if row.fate == Fate.ORDERED and row.kind in (kinds or _OF_AN_ORDER)
        }
        if not found:
            raise NotFound("what this order was seen by is not kept any more", field="order")
        return sorted(found)

    def _given_items(self, given: Mapping[str, str]) -> Program[list[tuple[str, str]]]:
        yield from ()  # it asks for nothing, and is called like what does
        known = (*_CONTACT, "network", *_PLAIN)
        if strange := sorted(given.keys() - set(known)):
            raise InvalidInput(f"is not listed; {', '.join(known)} are", field=strange[0])
        market = given.get("country", self.shop.seat)
        typed = clean({k: v for k, v in given.items() if k in _CONTACT}, market=market)
        texts = {
            Kind.EMAIL: matching_form("email", typed.get("email", ""), market),
            Kind.PHONE: typed.get("phone", ""),
            Kind.ADDRESS: address_form(typed, market),
            Kind.NETWORK: network_of(given.get("network", "")),
        }
        if ("street" in typed or "postal_code" in typed) and not texts[Kind.ADDRESS]:
            raise InvalidInput("an address is street and postal code", field="street")
        items = [(str(kind), self.marks(kind, texts[kind])[0]) for kind in LISTED if texts[kind]]
        for kind in _PLAIN:
            if text := given.get(kind):
                if reference_holds_card_number(text):
                    raise InvalidInput(REFUSAL, field=kind)
                items.append((kind, text))
        if not items:
            raise InvalidInput(f"give some of {', '.join(known)}, or an order", field="order")
        return items

    def listings(self, after: tuple[str, str], limit: int) -> Program[Sequence[ListingRow]]:
        """What is on a list, in order of kind and value."""
        found: Sequence[ListingRow] = yield from ask_store("listings", after=after, limit=limit)
        return found

    def take_off_list(self, kind: str, value: str) -> Program[bool]:
        """Take something off its list; False if it was on none."""
        was_there: bool = yield from ask_store("remove_listing", kind, value)
        return was_there
