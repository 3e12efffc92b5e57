"""Who a customer proves to be: the port for verification by an issuer of identities.

One-time codes, the other way to verify somebody, are in `checkoutflow.privacy.codes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.lazy import lazily

if TYPE_CHECKING:
    from checkoutflow.issuers.contract import (
        PENDING_LIFE,
        Pending,
        Proof,
        Return,
        Unproven,
    )
    from checkoutflow.issuers.oidc import STATE_OCTETS, OpenIdConnect
    from checkoutflow.issuers.settings import PRESETS, IssuerConfig, Share, read_issuers

__all__ = [
    "PENDING_LIFE",
    "PRESETS",
    "STATE_OCTETS",
    "IssuerConfig",
    "OpenIdConnect",
    "Pending",
    "Proof",
    "Return",
    "Share",
    "Unproven",
    "read_issuers",
]

__getattr__ = lazily(
    __name__,
    {
        "contract": "PENDING_LIFE Pending Proof Return Unproven",
        "oidc": "STATE_OCTETS OpenIdConnect",
        "settings": "PRESETS IssuerConfig Share read_issuers",
    },
)
