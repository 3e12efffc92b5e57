"""The shop's vault keys out of the environment of its process."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Final

from checkoutflow.errors import VaultError
from checkoutflow.privacy.vault import KEY_BYTES, Keys

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE: Final = "CHECKOUTFLOW_VAULT_KEY"


def keys_from_environment(environ: Mapping[str, str], name: str = VARIABLE) -> Keys:
    """Read the shop's vault keys from a variable.

    Args:
        environ: The environment, such as ``os.environ``.
        name: The variable. It holds 32 random bytes as base64; several keys have a blank between,
            the current one first.

    Raises:
        VaultError: If it is not there, or holds anything else. The text says how to make one, and
            nothing of what it holds.
    """
    try:
        secrets = [b64decode(word, validate=True) for word in environ.get(name, "").split()]
    except ValueError:
        secrets = []
    if not secrets or any(len(secret) != KEY_BYTES for secret in secrets):
        message = (
            f"the variable {name} must hold {KEY_BYTES} random bytes as base64, such as openssl"
            f" rand -base64 {KEY_BYTES} prints; older keys follow after a blank"
        )
        raise VaultError(message)
    return Keys.of(*secrets)
