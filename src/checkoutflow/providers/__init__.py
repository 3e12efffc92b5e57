"""Payment providers: one file each, all behind the contract in ``providers.contract``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.lazy import lazily

if TYPE_CHECKING:
    from checkoutflow.providers.registry import open_providers

__all__ = ["open_providers"]

__getattr__ = lazily(__name__, {"registry": "open_providers"})
