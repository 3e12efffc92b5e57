"""What bounds a try to pay: how often there may be one, and where the customer comes back to.

The figures are ours. Somebody who tests stolen cards needs many tries, and a customer few. An
address to come back to that anybody could name would make the shop a stage for others' pages.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, Field

from checkoutflow.errors import InvalidInput
from checkoutflow.model import Frozen
from checkoutflow.privacy.lasting import refuse_personal

if TYPE_CHECKING:
    from collections.abc import Iterable

# A scheme and a host, with a port if need be; or the scheme of an app. No user in front of the
# host, no backslash, nothing that browsers leave out or take for something else.
_HOST: Final = r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?"
_ORIGIN: Final = re.compile(rf"[a-z][a-z0-9+.-]{{0,39}}://{_HOST}")
_REST: Final = re.compile(r"(?:[/?#][!-\[\]-~]*)?")

# What a browser would run, or show as if it were the shop's.
_RUN: Final = frozenset(
    {"about", "blob", "data", "file", "filesystem", "javascript", "vbscript", "view-source"}
)


class Tries(Frozen):
    """How often somebody may try to pay.

    Attributes:
        in_checkout: Payments that one checkout may begin with one way to pay.
        by_network: Payments that may be begun from one network in an hour, of all checkouts
            together, where the shop says which network it is. Raise it where many customers share
            one: a school, a shop's own tablet.
    """

    in_checkout: int = Field(default=5, ge=1, le=100)
    by_network: int = Field(default=10, ge=1, le=100_000)


def origin_of(address: str) -> str:
    """The scheme, host and port of an address, in lower case.

    Raises:
        InvalidInput: If it is no address to which a customer can be sent; the field is
            ``return_url``.

    >>> origin_of("https://Shop.example/back?order=7")
    'https://shop.example'
    """
    authority, slashes, rest = address.partition("://")
    end = next((place for place, sign in enumerate(rest) if sign in "/?#"), len(rest))
    origin = f"{authority}{slashes}{rest[:end]}".lower()
    scheme = authority.lower()
    if scheme in _RUN or not _ORIGIN.fullmatch(origin) or not _REST.fullmatch(rest[end:]):
        raise InvalidInput(
            "is an address such as https://shop.example/back, without a user, blanks or letters "
            "outside of ASCII",
            field="return_url",
        )
    return origin


def require_return(address: str, origins: Iterable[str]) -> None:
    """See that a customer may be sent there.

    Args:
        address: Where they would come back to; an empty one is no address, and passes.
        origins: Where they may, as `origin_of` writes them; any place if there is none.

    Raises:
        InvalidInput: If not, or if a card number or an e-mail address is in it.
    """
    refuse_personal(address, "return_url", instead="the checkout's id")
    if address and origin_of(address) not in (known := tuple(origins)) and known:
        raise InvalidInput("is at none of the shop's return_origins", field="return_url")


def _is_origin(text: str) -> str:
    try:
        found = origin_of(text)
    except InvalidInput as error:
        raise ValueError(error.problems[0][1]) from None
    if found != text:
        raise ValueError("write it as https://shop.example, in lower case and with nothing behind")
    return text


# A place to which customers may be sent back.
Origin = Annotated[str, Field(max_length=300), AfterValidator(_is_origin)]
