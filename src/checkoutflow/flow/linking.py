"""Links that customers get: made, and followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checkoutflow.errors import NotFound, UntrustedLink
from checkoutflow.flow.acting import Acting
from checkoutflow.flow.effects import Program, ask_store, now, random
from checkoutflow.privacy.links import (
    NONCE_BYTES,
    ONCE,
    new_link,
    opened,
    purpose_of,
    token_of,
)
from checkoutflow.stores.contract import Limit

if TYPE_CHECKING:
    from datetime import timedelta

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.privacy.secret import Secret


_SKEW_S: Final = 3600  # seconds


class Linking(Acting):
    """What a flow does with links."""

    def link(
        self, checkout_id: str, purpose: str, audience: str, life: timedelta | None
    ) -> Program[Secret]:
        """Make the token of a link.

        Raises:
            InvalidInput: If there is no such purpose, or it would live for no time or too long.
            NotFound: If there is no such checkout.
        """
        wanted = purpose_of(purpose)
        yield from self.load(checkout_id)
        at = yield from now()
        nonce = yield from random(NONCE_BYTES)
        return token_of(self._keys, new_link(checkout_id, wanted, audience, life, at, nonce))

    def open_link(self, token: str, purpose: str, audience: str) -> Program[Checkout]:
        """The checkout that a link is for. What changes something serves once, and is used up.

        Raises:
            InvalidInput: If there is no such purpose.
            UntrustedLink: If it is not to be followed.
        """
        wanted = purpose_of(purpose)
        at = yield from now()
        link = opened(self._keys, token, wanted, audience, at)
        try:
            state = yield from self.load(link.checkout)
        except NotFound:
            raise UntrustedLink("gone") from None
        if link.purpose in ONCE:
            # Counted for as long as it lives, whenever it is used; and longer, as clocks differ.
            once = Limit(f"link/{link.nonce.hex()}", 1, link.life_s + _SKEW_S)
            if not (yield from ask_store("take_turn", (once,), at)):
                raise UntrustedLink("used")
        return state
