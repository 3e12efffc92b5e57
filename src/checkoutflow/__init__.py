"""An embeddable checkout and payment flow for shops in the five Nordic countries.

Importing this package is fast: each public name loads its module when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from checkoutflow.errors import (
        CheckoutError,
        Contradiction,
        DetailsMissing,
        IdempotencyConflict,
        IllegalTransition,
        InvalidInput,
        Next,
        NotFound,
        NotSupported,
        OutcomeUnknown,
        ProviderError,
        PurposeRefused,
        SchemaMismatch,
        StoreConflict,
        StoreError,
        TotalChanged,
        TransportError,
        UnknownRule,
        UntrustedNotice,
        UsageError,
        VaultError,
    )
    from checkoutflow.money import Money, Rounding

    __version__: str

# A public name stands in three places: here, in `_HOMES` and among the imports above, which only
# type checkers read. A test holds the three together.
__all__ = [
    "CheckoutError",
    "Contradiction",
    "DetailsMissing",
    "IdempotencyConflict",
    "IllegalTransition",
    "InvalidInput",
    "Money",
    "Next",
    "NotFound",
    "NotSupported",
    "OutcomeUnknown",
    "ProviderError",
    "PurposeRefused",
    "Rounding",
    "SchemaMismatch",
    "StoreConflict",
    "StoreError",
    "TotalChanged",
    "TransportError",
    "UnknownRule",
    "UntrustedNotice",
    "UsageError",
    "VaultError",
    "__version__",
]

_HOMES: Final = {
    "errors": """
        CheckoutError Contradiction DetailsMissing IdempotencyConflict IllegalTransition
        InvalidInput Next NotFound NotSupported OutcomeUnknown ProviderError PurposeRefused
        SchemaMismatch StoreConflict StoreError TotalChanged TransportError UnknownRule
        UntrustedNotice UsageError VaultError
    """,
    "money": "Money Rounding",
}
_HOME_OF: Final = {name: room for room, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """Load the module of a public name when the name is first used."""
    if name == "__version__":
        value: object = import_module("importlib.metadata").version(__name__)
    elif name in _HOME_OF:
        value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    else:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
