"""The commands about payment providers: what each can do, is a shop ready, and sales with each."""

from __future__ import annotations

import json
import re
import socket
import sys
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from checkoutflow.cli import main, simulate
from checkoutflow.providers.registry import ADAPTERS, methods_of
from checkoutflow.shop import read_settings
from checkoutflow.testing.adapters import ADAPTER_CHECKS
from checkoutflow.testing.serve import serve
from checkoutflow.testing.standins import SOLD

SAMPLE = Path(__file__).parents[1] / "examples" / "shop.toml"
TABLES = Path(__file__).parents[1] / "docs" / "providers" / "tables"


@pytest.fixture
def run(capsys):
    def run(*words):
        status = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return status, out, err

    return run


# What each can do ---------------------------------------------------------------------------------


def test_every_adapter_has_a_row(run):
    status, out, _ = run("providers")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == list(ADAPTERS)


def test_the_json_has_every_capability_and_method(run):
    shown = json.loads(run("providers", "--json")[1])
    assert shown.keys() == ADAPTERS.keys()
    for name, facts in shown.items():
        assert facts["methods"] == list(methods_of(name))
        assert facts["currencies"]
        assert "authorise" in facts["operations"]


def test_the_tables_on_the_pages_are_what_the_command_writes(run, tmp_path):
    status, out, _ = run("providers", "--write", tmp_path)
    assert status == 0
    written = {file.name: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()}
    kept = {file.name: file.read_text(encoding="utf-8") for file in TABLES.iterdir()}
    assert written == kept, "run: checkoutflow providers --write docs/providers/tables"
    assert out.count(".md") == len(ADAPTERS) + 1


# A demo with each ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ADAPTERS)
def test_sales_with_a_providers_stand_in_end_with_books_that_agree(run, name):
    status, out, err = run("demo", "--provider", name)
    assert (status, err) == (0, "")
    assert out.count("they agree") == len(SOLD[name])
    assert "THEY DIFFER" not in out


def test_a_demo_in_one_country(run):
    status, out, _ = run("demo", "--provider", "stripe", "--market", "is", "--json")
    assert status == 0
    (sale,) = json.loads(out)["sales"]
    assert (sale["market"], sale["phase"]) == ("IS", "fulfilled")


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["--provider", "bank"], "there is no stand-in bank; there are vipps_mobilepay"),
        (["--provider", "swish", "--market", "DK"], "swish is not used in DK: SE"),
        (["--provider", "swish", "--cart", "c.json"], "settings and carts of its own"),
    ],
)
def test_a_demo_that_cannot_be_played_says_why(run, words, advice):
    status, _, err = run("demo", *words)
    assert status == 2
    assert advice in err


# Is a shop ready? ---------------------------------------------------------------------------------

SHOP = """\
name = "Fjordbutikken"
markets = ["DK"]

[[methods]]
id = "dankort"
provider = "quickpay"

[[deliveries]]
id = "parcel"
name = "Parcel"
prices = ["49.00 DKK"]
"""
QUICKPAY = """
[providers.quickpay]
api_key = { env = "QUICKPAY_API_KEY" }
private_key = { env = "QUICKPAY_PRIVATE_KEY" }
notice_url = "https://shop.example/notices/quickpay"
"""


@pytest.fixture
def examine(run, tmp_path, monkeypatch):
    """Write settings, look at them, and give what was found by grade."""
    monkeypatch.setenv("QUICKPAY_API_KEY", "api-key-for-tests")
    monkeypatch.setenv("QUICKPAY_PRIVATE_KEY", "private-key-for-tests")

    def examine(text, *words):
        file = tmp_path / "shop.toml"
        file.write_text(text, encoding="utf-8")
        status, out, err = run("doctor", "--shop", file, "--json", *words)
        assert err == ""
        found = json.loads(out)["findings"]
        assert status == int(any(item["grade"] == "wrong" for item in found))
        assert "for-tests" not in out
        return {(item["grade"], item["about"], item["text"]) for item in found}

    return examine


def wrong(found):
    return {(about, text) for grade, about, text in found if grade == "wrong"}


def test_a_shop_that_is_ready(examine, run, tmp_path):
    found = examine(SHOP + QUICKPAY, "--offline")
    assert wrong(found) == set()
    assert ("ok", "providers.quickpay", "QuickPay, production, https://api.quickpay.net") in found
    status, out, _ = run("doctor", "--shop", tmp_path / "shop.toml", "--offline")
    assert status == 0
    assert "Nothing is in the way of taking payments." in out


def test_the_sample_shop_can_be_tried_and_takes_no_real_money(run):
    status, out, err = run("doctor", "--shop", SAMPLE, "--offline")
    assert (status, err) == (0, "")
    assert "it is simulated" in out
    settings = cast("Any", read_settings(SAMPLE))
    assert settings["providers"]["simulated_bank"] == {
        "base_url": "http://127.0.0.1:8010",
        "api_key": simulate.API_KEY,
        "notice_secret": simulate.NOTICE_SECRET,
    }


def test_whoever_remembers_customers_is_advised_to_tell_them_of_changes(examine):
    remembers = 'consents = ["profile"]\n' + SHOP + QUICKPAY
    assert "messages" in {about for _, about, _ in examine(remembers, "--offline")}
    tells = 'messages = ["contact_changed"]\n' + remembers
    assert "messages" not in {about for _, about, _ in examine(tells, "--offline")}


@pytest.mark.parametrize(
    ("settings", "about", "text"),
    [
        (SHOP, "methods.dankort", "write the settings of quickpay under [providers.quickpay]"),
        (
            SHOP + QUICKPAY.replace("QUICKPAY_API_KEY", "NOWHERE"),
            "providers.quickpay.api_key",
            "set the environment variable NOWHERE",
        ),
        (
            SHOP + QUICKPAY.replace("https:", "ftp:"),
            "providers.quickpay.notice_url",
            "must be https",
        ),
        (SHOP.replace('"dankort"', '"gold"\nkind = "card"') + QUICKPAY, "methods.gold", "not gold"),
        (
            SHOP.replace('["DK"]', '["DK", "IS"]') + QUICKPAY,
            "methods.dankort",
            "nobody takes ISK for it in IS",
        ),
        (SHOP + "providers = 1\n", "", ""),
        (
            SHOP.replace("quickpay", "bank") + "[providers.bank]\n",
            "providers.bank.adapter",
            "is one of",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_what_to_do(examine, settings, about, text):
    if not about:
        settings = "providers = 1\n" + SHOP
        about, text = "providers", "is a table"
    found = wrong(examine(settings, "--offline"))
    assert any(where == about and text in what for where, what in found), found


@pytest.mark.parametrize(
    ("table", "about", "text"),
    [
        (
            QUICKPAY.replace('{ env = "QUICKPAY_API_KEY" }', '"api-key-for-tests"'),
            "providers.quickpay.api_key",
            'stands in the file; write { env = "API_KEY" }',
        ),
        (
            QUICKPAY.replace("notices/quickpay", "hook"),
            "providers.quickpay.notice_url",
            "an address of its own, such as .../notices/quickpay",
        ),
    ],
)
def test_what_could_be_better_is_advice_and_not_in_the_way(examine, table, about, text):
    found = examine(SHOP + table, "--offline")
    assert wrong(found) == set()
    assert any(where == about and text in what for grade, where, what in found if grade == "advice")


def test_who_can_be_reached_is_looked_at(examine):
    with serve(lambda _: httpx.Response(404)) as url:
        found = examine(SHOP + QUICKPAY + f'base_url = "{url}"\n')
    assert ("ok", "providers.quickpay", "127.0.0.1 answers") in found
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = examine(SHOP + QUICKPAY + f'base_url = "http://127.0.0.1:{port}"\n')
    assert any("cannot be reached" in text for _, text in wrong(found))


def test_a_certificate_that_nobody_vouches_for_is_named(examine):
    with serve(lambda _: httpx.Response(404)) as url:  # speaks no TLS at all
        found = examine(SHOP + QUICKPAY + f'base_url = "{url.replace("http:", "https:")}"\n')
    assert any("127.0.0.1" in text for _, text in wrong(found))


# Does an adapter keep the contract? -------------------------------------------------------------

TEMPLATE = Path(__file__).parents[1] / "examples" / "fjordpay.py"
PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "write-your-own-adapter.md"


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """An empty folder to work in, from which modules are imported afresh."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in ("fjordpay", "changed", "broken", "fine"):
        sys.modules.pop(name, None)


def test_the_template_keeps_the_contract(run, desk):
    assert run("conform", "--template", "fjordpay.py")[0] == 0
    status, out, _ = run("conform", "fjordpay:CASE")
    assert (status, out.count("  ok  ")) == (0, len(ADAPTER_CHECKS))
    assert out.splitlines()[-1] == f"all {len(ADAPTER_CHECKS)} checks passed"


def test_the_template_is_what_the_page_explains():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    *explained, _in_tests = (re.sub(r'^"""[^"]*"""', "", block).strip() for block in blocks)
    template = TEMPLATE.read_text(encoding="utf-8")
    for block in explained:
        assert block in template
    assert sum(map(len, explained)) > 0.9 * len(template)


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        (
            "Result(outcome=Outcome.UNKNOWN)  # any",
            "Result(outcome=Outcome.REFUSED)  # any",
            "wrong broken answers are never success: authorise, answered with status 500",
        ),
        ('"state": str(word), "value"', '"state": word, "value"', "TypeError comes out of the"),
        ("notice=fake.notice", "notice=fake.notices", "AttributeError: 'FakeFjordpay' object has"),
    ],
)
def test_an_adapter_that_is_wrong_is_told_what_to_change(run, desk, written, instead, said):
    text = TEMPLATE.read_text(encoding="utf-8")
    assert written in text
    (desk / "changed.py").write_text(text.replace(written, instead), encoding="utf-8")
    status, out, _ = run("conform", "changed:CASE")
    assert status == 1
    assert said in " ".join(out.split())
    assert f" of {len(ADAPTER_CHECKS)} checks failed" in out


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ([], "one of the arguments MODULE:NAME --template is required"),
        (["fjordpay"], "such as fjordpay:CASE"),
        (["no_such_module:CASE"], "ModuleNotFoundError: No module named 'no_such_module'"),
        (["broken:CASE"], "broken:CASE: cannot be imported: ZeroDivisionError"),
        (["fine:CASE"], "there is no CASE in fine"),
        (["fine:count"], "is no AdapterCase"),
        (["--template", "fine.py"], "fine.py: is there already"),
    ],
)
def test_a_case_that_cannot_be_found_is_told(run, desk, words, advice):
    (desk / "broken.py").write_text("1 / 0", encoding="utf-8")
    (desk / "fine.py").write_text("count = 1", encoding="utf-8")
    status, out, err = run("conform", *words)
    assert (status, out) == (2, "")
    assert advice in err
    assert (desk / "fine.py").read_text(encoding="utf-8") == "count = 1"
