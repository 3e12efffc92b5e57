"""A shop's settings become adapters: by table, with credentials from the environment."""

from __future__ import annotations

import inspect
import json
from typing import Any, cast

import pytest

from checkoutflow import InvalidInput, Shop
from checkoutflow.model import Frozen
from checkoutflow.privacy.secret import STARS, Secret
from checkoutflow.providers import open_providers
from checkoutflow.providers.registry import (
    ADAPTERS,
    SIMULATED,
    adapter_of,
    config_of,
    methods_of,
)
from checkoutflow.shop import read_settings
from checkoutflow.testing.bank import METHODS

QUICKPAY = {
    "api_key": {"env": "QUICKPAY_API_KEY"},
    "private_key": {"env": "QUICKPAY_PRIVATE_KEY"},
    "notice_url": "https://shop.example/notices/quickpay",
}
ENVIRON = {"QUICKPAY_API_KEY": "api-key-for-tests", "QUICKPAY_PRIVATE_KEY": "private-for-tests"}


def test_a_table_becomes_an_adapter_under_its_own_name():
    tables = {
        "quickpay": QUICKPAY,
        "second": {**QUICKPAY, "adapter": "quickpay", "base_url": "http://127.0.0.1:8090/"},
    }
    first, second = cast("Any", open_providers(tables, ENVIRON))
    assert (first.name, second.name) == ("quickpay", "second")
    assert first.config.api_key == Secret("api-key-for-tests")
    assert second.config.base_url == "http://127.0.0.1:8090"


@pytest.mark.parametrize(
    ("tables", "field", "message"),
    [
        ({"bank": {}}, "providers.bank.adapter", "is one of vipps_mobilepay, swedbank_pay"),
        ({"quickpay": []}, "providers.quickpay", "is a table"),
        ({"quickpay": {**QUICKPAY, "api_key": ""}}, "providers.quickpay.api_key", "must be"),
        ({"quickpay": {**QUICKPAY, "colour": "red"}}, "providers.quickpay.colour", "not permitted"),
        (
            {"quickpay": {**QUICKPAY, "api_key": {"env": "NOWHERE"}}},
            "providers.quickpay.api_key",
            "set the environment variable NOWHERE",
        ),
        (
            {"quickpay": {**QUICKPAY, "api_key": {"env": "QUICKPAY_API_KEY", "or": "x"}}},
            "providers.quickpay.api_key",
            "must be text",
        ),
    ],
)
def test_what_is_wrong_says_where_and_never_what_was_there(tables, field, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        open_providers(tables, ENVIRON)
    assert caught.value.field == field
    assert "for-tests" not in str(caught.value)


def test_settings_and_providers_stand_in_one_file(tmp_path):
    file = tmp_path / "shop.json"
    methods = [{"id": "card", "provider": "quickpay"}]
    shop = {"name": "Fjordbutikken", "markets": ["DK"], "methods": methods, "deliveries": []}
    file.write_text(json.dumps({**shop, "providers": {"quickpay": QUICKPAY}}))
    assert Shop.load(file) == Shop.read(shop)
    tables = cast("Any", read_settings(file))["providers"]
    assert [provider.name for provider in open_providers(tables, ENVIRON)] == ["quickpay"]


@pytest.mark.parametrize("name", [*ADAPTERS, SIMULATED])
def test_every_adapter_can_be_named_and_hides_its_credentials(name):
    config, adapter = config_of(name), adapter_of(name)
    assert issubclass(config, Frozen)
    assert config.model_fields["name"].default == name
    assert inspect.isclass(adapter)
    secret = [field for field, info in config.model_fields.items() if info.annotation is Secret]
    assert secret, "a provider without a credential"
    documented = inspect.getdoc(config) or ""
    for field in config.model_fields.keys() - {"is_test", "base_url", "name", "timeout_s"}:
        assert field in documented or field == "connections", f"{config.__name__}.{field}"
    assert str(Secret("anything")) == STARS


def test_an_unknown_adapter_is_no_module_of_ours():
    for look in (config_of, adapter_of):
        with pytest.raises(InvalidInput, match="is one of"):
            look("contract")


def test_the_simulated_bank_takes_what_it_says():
    assert set(methods_of(SIMULATED)) == METHODS.keys()
