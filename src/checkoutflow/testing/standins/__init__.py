"""Stand-ins for payment providers: what all of them share.

``book`` is their money, ``faults`` what can go wrong, ``base`` the machinery around both, ``page``
where a person decides. A stand-in of a provider adds what is the provider's own: its addresses, its
JSON, its signatures.
"""

from __future__ import annotations

from importlib import import_module
from inspect import signature
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

from checkoutflow.errors import InvalidInput
from checkoutflow.providers.registry import ADAPTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from checkoutflow.testing.standins.base import StandIn


# In which countries each is played: the kind of the way to pay, and the provider's name for it.
_CARD: Final = ("card", "card")
_INVOICE: Final = ("provider_invoice_30", "invoice")
SOLD: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = MappingProxyType(
    {
        "vipps_mobilepay": {
            "NO": ("vipps", "vipps"),
            "DK": ("mobilepay", "mobilepay"),
            "FI": ("mobilepay", "mobilepay"),
            "SE": ("vipps", "vipps"),
        },
        "swedbank_pay": dict.fromkeys(("SE", "NO", "DK", "FI"), _CARD),
        "quickpay": {
            "DK": ("dankort", "dankort"),
            **dict.fromkeys(("SE", "NO", "FI"), ("visa_consumer", "visa")),
        },
        "walley": dict.fromkeys(("SE", "NO", "DK", "FI"), ("provider_invoice_30", "checkout")),
        "riverty": dict.fromkeys(("SE", "NO", "DK", "FI"), _INVOICE),
        "klarna": dict.fromkeys(("SE", "NO", "DK", "FI"), ("provider_invoice_30", "klarna")),
        "nexi": dict.fromkeys(("SE", "NO", "DK", "FI"), _CARD),
        "swish": {"SE": ("swish", "app")},
        "adyen": dict.fromkeys(("SE", "NO", "DK", "FI", "IS"), _CARD),
        "stripe": dict.fromkeys(("SE", "NO", "DK", "FI", "IS"), _CARD),
        "svea": dict.fromkeys(("SE", "NO", "DK", "FI"), ("provider_invoice_30", "checkout")),
        "kustom": dict.fromkeys(("SE", "NO", "DK", "FI"), ("provider_invoice_30", "checkout")),
    }
)


def open_stand_in(
    adapter: str, clock: Callable[[], datetime], *, market: str = "", notice_url: str = ""
) -> StandIn:
    """Open the stand-in for a provider, with an empty book.

    Args:
        adapter: The adapter's name in ``checkoutflow.providers.registry.ADAPTERS``.
        clock: The provider's time.
        market: Country of the account, for providers whose accounts are of one country.
        notice_url: Where the shop takes notices, for providers that are told beforehand.

    Raises:
        InvalidInput: If there is none.

    >>> from checkoutflow.testing import Clock
    >>> type(open_stand_in("vipps_mobilepay", Clock(), market="DK")).__name__
    'SimulatedVippsMobilePay'
    """
    if adapter not in ADAPTERS:
        raise InvalidInput(f"is one of {', '.join(ADAPTERS)}", field="adapter")
    module = import_module(f"checkoutflow.testing.standins.{adapter}")
    make = cast("Callable[..., StandIn]", getattr(module, f"Simulated{ADAPTERS[adapter]}"))
    known = signature(make).parameters
    given = {"market": market, "country": market, "notice_url": notice_url}
    return make(clock, **{name: value for name, value in given.items() if value and name in known})
