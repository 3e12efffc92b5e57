"""An embeddable checkout and payment flow for shops in the five Nordic countries.

Importing this package is fast: each public name loads its module when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from checkoutflow.lazy import lazily

if TYPE_CHECKING:
    from checkoutflow.cart import Cart, Discount, Line
    from checkoutflow.checkout.machine import Phase
    from checkoutflow.checkout.state import Checkout
    from checkoutflow.checkout.view import View
    from checkoutflow.delivery import Delivery
    from checkoutflow.errors import (
        CheckoutError,
        CommitUnknown,
        Contradiction,
        DetailsMissing,
        IdempotencyConflict,
        IllegalTransition,
        InvalidInput,
        NeedsAnother,
        Next,
        NotFound,
        NotSupported,
        NotVerified,
        OutcomeUnknown,
        ProviderError,
        PurposeRefused,
        ReviewOver,
        ReviewTaken,
        SchemaMismatch,
        StoreConflict,
        StoreError,
        StoreUnavailable,
        TooManyTries,
        TotalChanged,
        TransportError,
        UnknownRule,
        UntrustedLink,
        UntrustedNotice,
        UntrustedProof,
        UsageError,
        VaultError,
    )
    from checkoutflow.flow.aio import AsyncCheckoutFlow
    from checkoutflow.flow.joining import joined
    from checkoutflow.flow.sync import CheckoutFlow
    from checkoutflow.law import Law, VatRate
    from checkoutflow.money import Money, Rounding
    from checkoutflow.payment.catalogue import Cost, Kind
    from checkoutflow.payment.credit.plans import PlanTerms
    from checkoutflow.payment.methods import Method
    from checkoutflow.payment.outcomes import OpenApp, Redirect, ShowQr
    from checkoutflow.payment.steering import SteeringRule
    from checkoutflow.payment.terms import Terms
    from checkoutflow.privacy.fields import Purpose
    from checkoutflow.privacy.secret import Secret
    from checkoutflow.privacy.vault import Keys
    from checkoutflow.review import ReviewRules
    from checkoutflow.shop import Shop
    from checkoutflow.stores.memory import MemoryStore
    from checkoutflow.stores.sql import SqlStore, open_store

    __version__: str

# A public name stands in three places: here, in `_HOMES` and among the imports above, which only
# type checkers read. A test holds the three together.
__all__ = [
    "AsyncCheckoutFlow",
    "Cart",
    "Checkout",
    "CheckoutError",
    "CheckoutFlow",
    "CommitUnknown",
    "Contradiction",
    "Cost",
    "Delivery",
    "DetailsMissing",
    "Discount",
    "IdempotencyConflict",
    "IllegalTransition",
    "InvalidInput",
    "Keys",
    "Kind",
    "Law",
    "Line",
    "MemoryStore",
    "Method",
    "Money",
    "NeedsAnother",
    "Next",
    "NotFound",
    "NotSupported",
    "NotVerified",
    "OpenApp",
    "OutcomeUnknown",
    "Phase",
    "PlanTerms",
    "ProviderError",
    "Purpose",
    "PurposeRefused",
    "Redirect",
    "ReviewOver",
    "ReviewRules",
    "ReviewTaken",
    "Rounding",
    "SchemaMismatch",
    "Secret",
    "Shop",
    "ShowQr",
    "SqlStore",
    "SteeringRule",
    "StoreConflict",
    "StoreError",
    "StoreUnavailable",
    "Terms",
    "TooManyTries",
    "TotalChanged",
    "TransportError",
    "UnknownRule",
    "UntrustedLink",
    "UntrustedNotice",
    "UntrustedProof",
    "UsageError",
    "VatRate",
    "VaultError",
    "View",
    "__version__",
    "joined",
    "open_store",
]

_HOMES: Final = {
    "cart": "Cart Discount Line",
    "checkout.machine": "Phase",
    "checkout.state": "Checkout",
    "checkout.view": "View",
    "delivery": "Delivery",
    "errors": """
        CheckoutError CommitUnknown Contradiction DetailsMissing IdempotencyConflict
        IllegalTransition InvalidInput NeedsAnother Next NotFound NotSupported NotVerified
        OutcomeUnknown
        ProviderError PurposeRefused ReviewOver ReviewTaken SchemaMismatch StoreConflict
        StoreError StoreUnavailable TooManyTries TotalChanged TransportError UnknownRule
        UntrustedLink UntrustedNotice UntrustedProof UsageError VaultError
    """,
    "flow.aio": "AsyncCheckoutFlow",
    "flow.joining": "joined",
    "flow.sync": "CheckoutFlow",
    "law": "Law VatRate",
    "money": "Money Rounding",
    "payment.catalogue": "Cost Kind",
    "payment.credit.plans": "PlanTerms",
    "payment.methods": "Method",
    "payment.outcomes": "OpenApp Redirect ShowQr",
    "payment.steering": "SteeringRule",
    "payment.terms": "Terms",
    "privacy.fields": "Purpose",
    "privacy.secret": "Secret",
    "privacy.vault": "Keys",
    "review": "ReviewRules",
    "shop": "Shop",
    "stores.memory": "MemoryStore",
    "stores.sql": "SqlStore open_store",
}
_load = lazily(__name__, _HOMES)


def __getattr__(name: str) -> object:
    """Load the module of a public name when the name is first used."""
    if name == "__version__":
        return import_module("importlib.metadata").version(__name__)
    return _load(name)


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
