"""``checkoutflow doctor``: is a shop ready to take payments, and if not, what is to be done?"""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from checkoutflow.cli.files import read_shop
from checkoutflow.errors import InvalidInput
from checkoutflow.flow.host import client_options, system_clock
from checkoutflow.payment.methods import Way
from checkoutflow.privacy.consent import Consent
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.contract import transport_of
from checkoutflow.providers.registry import (
    ADAPTERS,
    SIMULATED,
    config_of,
    methods_of,
    open_providers,
)
from checkoutflow.shop import read_settings

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from checkoutflow.cli.paper import Paper
    from checkoutflow.providers.base import ConfiguredProvider
    from checkoutflow.shop import Shop

_REACH_S: Final = 5.0
_TLS_PORT: Final = 443

# What a shop must register with a provider before notices come. The others are told with each
# payment where to send them.
_REGISTER: Final = {
    "vipps_mobilepay": "register the address with the Webhooks API and keep the secret it answers",
    "adyen": "add a standard webhook for the address in the Customer Area, with an HMAC key",
    "stripe": "add an endpoint for the address in the Dashboard, and keep its signing secret",
    "riverty": "have the address and the shared secret set up by the provider",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        grade: ``ok``; ``advice``: it works, and could be better; ``wrong``: payments will fail.
        about: What was looked at.
        text: What was found, and what to do.
    """

    grade: Literal["ok", "advice", "wrong"]
    about: str
    text: str


def run(arguments: Namespace, paper: Paper) -> int:
    """Look at everything; 1 if something is wrong."""
    findings = list(_findings(arguments.shop, os.environ, is_offline=arguments.offline))
    if arguments.json:
        paper.document(
            {"findings": [{"grade": f.grade, "about": f.about, "text": f.text} for f in findings]}
        )
    else:
        for finding in findings:
            paper.entry(finding.grade, f"{finding.about}: {finding.text}", _INK[finding.grade])
        wrong = sum(finding.grade == "wrong" for finding in findings)
        paper.line()
        paper.line(
            f"{wrong} to put right" if wrong else "Nothing is in the way of taking payments."
        )
    return int(any(finding.grade == "wrong" for finding in findings))


_INK: Final = {"ok": "green", "advice": "cyan", "wrong": "red"}


def _findings(path: Path, environ: Mapping[str, str], *, is_offline: bool) -> Iterator[Finding]:
    shop = read_shop(path)  # what is wrong in it is said in one line, and nothing else makes sense
    yield Finding("ok", str(path), f"{shop.name}, {', '.join(shop.markets)}")
    settings = read_settings(path)
    tables = settings.get("providers", {}) if isinstance(settings, dict) else {}
    if not isinstance(tables, dict):
        yield Finding("wrong", "providers", "is a table with one table for each provider")
        return
    providers: dict[str, ConfiguredProvider] = {}
    for name, table in tables.items():
        try:
            (providers[name],) = open_providers({name: table}, environ)
        except InvalidInput as error:
            for field, message in error.problems:
                yield Finding("wrong", field, message)
        else:
            yield from _account(name, table, providers[name], is_offline=is_offline)
    if Consent.PROFILE in shop.consents and "contact_changed" not in shop.messages:
        text = "take contact_changed: who is remembered is then told where they were, if it changes"
        yield Finding("advice", "messages", text)
    kinds = shop.all_kinds()
    for method in shop.methods:
        yield from _method(Way.of(method, kinds), shop, providers, tables)


def _account(
    name: str, table: Mapping[str, Any], provider: ConfiguredProvider, *, is_offline: bool
) -> Iterator[Finding]:
    """One account with a provider: its settings, its notices, and whether it can be reached."""
    at = f"providers.{name}"
    adapter = str(table.get("adapter", name))
    config = provider.config
    kind = "test" if config.is_test else "production"
    if adapter == SIMULATED:
        text = f"it is simulated, at {config.base_url}: no real money moves"
        yield Finding("advice", at, text)
    else:
        yield Finding("ok", at, f"{ADAPTERS[adapter]}, {kind}, {config.base_url}")
    for field in () if adapter == SIMULATED else config_of(adapter).model_fields:
        if isinstance(getattr(config, field), Secret) and isinstance(table.get(field), str):
            text = f'stands in the file; write {{ env = "{field.upper()}" }} and set that variable'
            yield Finding("advice", f"{at}.{field}", text)
    if url := getattr(config, "notice_url", ""):
        if not urlsplit(url).path.rstrip("/").endswith(name):
            text = f"give each provider an address of its own, such as .../notices/{name}"
            yield Finding("advice", f"{at}.notice_url", text)
        if adapter in _REGISTER:
            yield Finding("advice", f"{at}.notice_url", _REGISTER[adapter])
    able = provider.capabilities
    if not able.can_be_asked:
        text = "it cannot be asked how a payment stands: without its notices nothing is confirmed"
        yield Finding("advice", at, text)
    if able.captures != "many":
        text = (
            "captures once and releases the rest" if able.captures == "once" else "captures whole"
        )
        yield Finding("advice", at, f"{text}: an order cannot be sent in parts")
    if not is_offline:
        yield _reached(at, provider, config.base_url)


def _reached(at: str, provider: ConfiguredProvider, url: str) -> Finding:
    """Whether somebody answers there, with a certificate that we trust; nothing is sent."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _TLS_PORT
    try:
        with closing(socket.create_connection((host, port), _REACH_S)) as line:
            if parts.scheme == "https":
                context = client_options(transport_of(provider)).get("verify")
                if not isinstance(context, ssl.SSLContext):
                    context = ssl.create_default_context()
                context.wrap_socket(line, server_hostname=host).close()
    except ssl.SSLError as error:
        return Finding(
            "wrong", at, f"{host} answers, and its certificate is not trusted: {error.reason}"
        )
    except OSError as error:
        return Finding(
            "wrong", at, f"{host} cannot be reached: {error.strerror or type(error).__name__}"
        )
    return Finding("ok", at, f"{host} answers")


def _method(
    way: Way, shop: Shop, providers: Mapping[str, ConfiguredProvider], tables: Mapping[str, Any]
) -> Iterator[Finding]:
    """One way to pay: who takes it, in which markets, and under a name that they know."""
    at = f"methods.{way.id}"
    for route in way.routes:
        if route.provider not in tables:
            text = f"write the settings of {route.provider} under [providers.{route.provider}]"
            yield Finding("wrong", at, text)
        elif route.provider in providers:
            known = methods_of(str(tables[route.provider].get("adapter", route.provider)))
            words = (route.provider_method or way.id).split(",")
            if strangers := [word for word in words if word not in known]:
                text = f"provider_method is one of {', '.join(known)}; not {strangers[0]}"
                yield Finding("wrong", at, text)
    if not all(route.provider in providers for route in way.routes):
        return
    law, today = shop.law(), system_clock().date()
    for market in sorted(way.method.markets or shop.markets):
        currency = law.market(market, today).currency
        takes = any(
            currency in providers[route.provider].capabilities.currencies
            for route in way.routes
            if not route.markets or market in route.markets
        )
        if way.routes and not takes:
            text = f"nobody takes {currency} for it in {market}; list its markets without {market}"
            yield Finding("wrong", at, text)
