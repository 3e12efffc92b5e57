"""The adapters that come with the library, and how a shop's settings become adapters.

A shop writes a table for each account it has with a provider, under the name that its methods use:

```toml
[providers.vipps_norway]
adapter = "vipps_mobilepay"
market = "NO"
merchant_serial_number = "123456"
client_secret = { env = "VIPPS_CLIENT_SECRET" }
```

A credential belongs into an environment variable or another safe place, and is named here.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

from checkoutflow.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from checkoutflow.providers.base import ConfiguredProvider, ProviderConfig

# The module's name -> the adapter's. Its configuration has the same name with Config at the end.
ADAPTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "vipps_mobilepay": "VippsMobilePay",
        "swedbank_pay": "SwedbankPay",
        "quickpay": "QuickPay",
        "walley": "Walley",
        "riverty": "Riverty",
        "klarna": "Klarna",
        "nexi": "Nexi",
        "swish": "Swish",
        "adyen": "Adyen",
        "stripe": "Stripe",
        "svea": "Svea",
        "kustom": "Kustom",
    }
)

# One to try things with: no real money moves. `checkoutflow simulate bank` plays it.
SIMULATED: Final = "simulated_bank"


def config_of(adapter: str) -> type[ProviderConfig]:
    """The model of an adapter's configuration.

    Raises:
        InvalidInput: If there is no such adapter.
    """
    return cast("type[ProviderConfig]", _found(adapter, "Config"))


def adapter_of(adapter: str) -> Callable[[ProviderConfig], ConfiguredProvider]:
    """The class of an adapter.

    Raises:
        InvalidInput: If there is no such adapter.
    """
    return cast("Callable[[ProviderConfig], ConfiguredProvider]", _found(adapter))


def methods_of(adapter: str) -> tuple[str, ...]:
    """What a shop can write as ``provider_method`` for an adapter.

    Raises:
        InvalidInput: If there is no such adapter.
    """
    config_of(adapter)
    module = import_module(f"checkoutflow.providers.{adapter}")
    return tuple(sorted(module.METHODS))


def _found(adapter: str, ending: str = "") -> object:
    if adapter == SIMULATED:
        name = f"SimulatedBank{ending or 'Provider'}"
    elif adapter in ADAPTERS:
        name = ADAPTERS[adapter] + ending
    else:
        raise InvalidInput(f"is one of {', '.join([*ADAPTERS, SIMULATED])}", field="adapter")
    found: object = getattr(import_module(f"checkoutflow.providers.{adapter}"), name)
    return found


def open_providers(
    tables: Mapping[str, object], environ: Mapping[str, str]
) -> tuple[ConfiguredProvider, ...]:
    """Make the adapters that a shop's settings describe.

    Args:
        tables: Under each provider's name its table: ``adapter`` (by default the name itself) and
            what that adapter's configuration takes. ``{"env": "NAME"}`` in the place of a value
            stands for the environment variable of that name.
        environ: The environment; ``os.environ`` for that of this process.

    Raises:
        InvalidInput: If one is wrong; ``field`` is its path.

    >>> tables = {
    ...     "quickpay": {
    ...         "api_key": {"env": "QUICKPAY_KEY"},
    ...         "private_key": "private-key-for-tests",
    ...         "notice_url": "https://shop.example/notices/quickpay",
    ...     }
    ... }
    >>> [provider.name for provider in open_providers(tables, {"QUICKPAY_KEY": "key-for-tests"})]
    ['quickpay']
    """
    return tuple(_opened(name, table, environ) for name, table in tables.items())


def _opened(name: str, table: object, environ: Mapping[str, str]) -> ConfiguredProvider:
    at = f"providers.{name}"
    if not isinstance(table, dict):
        raise InvalidInput("is a table of settings", field=at)
    settings = {"name": name, **table}
    adapter = str(settings.pop("adapter", name))
    try:
        config = config_of(adapter)
    except InvalidInput as error:
        raise InvalidInput(error.problems[0][1], field=f"{at}.adapter") from None
    given = {
        field: from_environment(value, environ, f"{at}.{field}")
        for field, value in settings.items()
    }
    return adapter_of(adapter)(config.read(given, at=at))


def from_environment(value: object, environ: Mapping[str, str], at: str) -> object:
    """A setting, or what stands in the environment where it names a variable.

    Raises:
        InvalidInput: If the variable is not set.
    """
    match value:
        case {"env": str(variable), **rest} if not rest:
            if variable not in environ:
                raise InvalidInput(f"set the environment variable {variable}", field=at)
            return environ[variable]
        case _:
            return value
