"""Personal data: what may be kept, why and for how long, and the vault that keeps it sealed."""

from __future__ import annotations

from checkoutflow.privacy.fields import FIELDS, Basis, Field, Purpose, declared, expiry
from checkoutflow.privacy.secret import Details, Secret
from checkoutflow.privacy.vault import Keys, SubjectKey, Vault, VaultRow, digest

__all__ = [
    "FIELDS",
    "Basis",
    "Details",
    "Field",
    "Keys",
    "Purpose",
    "Secret",
    "SubjectKey",
    "Vault",
    "VaultRow",
    "declared",
    "digest",
    "expiry",
]
