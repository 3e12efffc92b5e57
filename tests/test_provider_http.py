"""What adapters share: requests with stable bytes, and answers read with suspicion."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.money import DIGITS, MAX_MINOR, Money
from checkoutflow.providers.contract import MAX_BODY_BYTES
from checkoutflow.providers.http import (
    Unreadable,
    amount_of,
    base_url,
    body_of,
    json_of,
    money_from,
    page_of,
    path,
    reference_of,
    request,
    time_of,
)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://api.bank.example", "https://api.bank.example"),
        ("https://api.bank.example/v2/", "https://api.bank.example/v2"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_is_kept_without_its_last_slash(given, kept):
    assert base_url(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "http://api.bank.example",
        "http://10.0.0.1",
        "ftp://api.bank.example",
        "https://user:pass@api.bank.example",
        "https://api.bank.example?key=1",
        "https://api.bank.example#top",
        "https://",
        "api.bank.example",
        "",
        "https://api.bank.example:port",
    ],
)
def test_an_address_that_leaks_or_misleads_is_refused(given):
    with pytest.raises(InvalidInput) as refused:
        base_url(given)
    assert refused.value.field == "base_url"
    assert "pass" not in str(refused.value)


@pytest.mark.parametrize("part", ["", ".", ".."])
def test_a_part_of_a_path_cannot_be_a_step_to_another(part):
    with pytest.raises(UsageError, match="dots only"):
        path("v1", part)


@given(st.lists(st.text(min_size=1).filter(lambda text: text not in {".", ".."}), min_size=1))
def test_every_part_of_a_path_stays_one_part(parts):
    url = httpx.URL(f"https://bank.example{path('v1', *parts)}")
    assert len(url.raw_path.split(b"/")) == 2 + len(parts)
    assert url.query == b""
    assert url.fragment == ""


def test_the_same_arguments_give_the_same_bytes_whatever_the_order_of_fields():
    def bytes_of(body):
        made = request("POST", "https://bank.example/v1", headers={"x-key": "1"}, body=body)
        return made.headers.raw, made.content

    one = bytes_of({"b": 1, "a": {"d": "Ærø", "c": 2}})
    assert one == bytes_of({"a": {"c": 2, "d": "Ærø"}, "b": 1})
    assert one[1] == '{"a":{"c":2,"d":"Ærø"},"b":1}'.encode()


def test_a_request_without_a_body_says_nothing_about_one():
    made = request("GET", "https://bank.example/v1", headers={})
    assert made.content == b""
    assert "content-type" not in made.headers
    assert made.headers["accept"] == "application/json"


def test_no_float_that_is_no_number_leaves():
    with pytest.raises(ValueError, match="Out of range"):
        request("POST", "https://bank.example", headers={}, body={"amount": float("nan")})


@given(st.integers(-MAX_MINOR, MAX_MINOR), st.sampled_from(sorted(DIGITS)))
def test_an_amount_in_whole_units_leaves_and_comes_back_to_the_last_digit(minor, currency):
    amount = Money(minor, currency)
    whole = amount.decimal()
    made = request("POST", "https://bank.example", headers={}, body=whole)
    assert money_from(json_of(made.content), currency) == amount
    assert money_from(str(whole), currency) == amount


@pytest.mark.parametrize("value", [Decimal("0.1234567890123456789"), Decimal("NaN"), {1}, b"1"])
def test_what_json_cannot_hold_to_the_last_digit_does_not_leave(value):
    with pytest.raises(TypeError, match="without loss"):
        request("POST", "https://bank.example", headers={}, body={"sum": value})


def nested(depth):
    return b"[" * depth + b"1" + b"]" * depth


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b'{"a": 1',
        b'{"a": 1} {"b": 2}',
        b'{"a": 1, "a": 2}',
        b'{"x": {"a": 1, "a": 1}}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": "ø"}'.encode("latin-1"),
        '{"a": 1}'.encode("utf-16"),
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": 1e999999999999999999999}',
        b"1" * 5000,
        nested(33),
        nested(100_000),
        b'{"a": 1}' + b" " * MAX_BODY_BYTES,
    ],
    ids=lambda content: f"{content[:30]!r} of {len(content)}",
)
def test_what_cannot_be_trusted_is_nothing(content):
    assert json_of(content) is None
    assert body_of(httpx.Response(200, content=content)) is None


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b'{"a": [1, "x", null, true]}', {"a": [1, "x", None, True]}),
        ('{"a": "Þórshöfn \\ud83d\\ude00"}'.encode(), {"a": "Þórshöfn 😀"}),
        (b"12.50", Decimal("12.50")),
        (b"1e2", Decimal("1e2")),
        (nested(32), json.loads(nested(32))),
        (b'{"a": 1}' + b" " * (MAX_BODY_BYTES - 8), {"a": 1}),
    ],
    ids=lambda value: repr(value)[:34],
)
def test_the_rest_is_read_and_no_amount_becomes_a_float(content, value):
    read = json_of(content)
    assert read == value
    assert not isinstance(read, float)


@given(st.binary())
def test_reading_never_raises(content):
    json_of(content)


def test_an_amount_is_whole_minor_units_of_a_known_currency():
    assert amount_of(12900, "DKK") == Money(12900, "DKK")
    assert amount_of(0, "ISK") == Money(0, "ISK")


@pytest.mark.parametrize(
    ("minor", "currency"),
    [
        ("100", "DKK"),
        (True, "DKK"),
        (Decimal("1.5"), "DKK"),
        (1.0, "DKK"),
        (None, "DKK"),
        (-1, "DKK"),
        (10**30, "DKK"),
        (100, "dkk"),
        (100, "ZZZ"),
        (100, None),
        (100, ["DKK"]),
    ],
)
def test_anything_else_is_no_amount(minor, currency):
    with pytest.raises(Unreadable, match="not an amount"):
        amount_of(minor, currency)


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        (129, "DKK", 12900),
        (Decimal("129.5"), "DKK", 12950),
        (Decimal("129.5000"), "DKK", 12950),
        (Decimal("1.295E+2"), "DKK", 12950),
        ("129.50", "DKK", 12950),
        ("129", "EUR", 12900),
        (-129, "SEK", -12900),
        (Decimal("-0.01"), "SEK", -1),
        ("-0.01", "SEK", -1),
        (1000, "ISK", 1000),
        (Decimal("1000.0"), "ISK", 1000),
        (0, "NOK", 0),
        (Decimal("-0.00"), "NOK", 0),
        (10**11, "NOK", MAX_MINOR),
    ],
)
def test_an_amount_in_whole_units_has_the_currencys_digits(value, currency, minor):
    assert money_from(value, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("value", "currency"),
    [
        (True, "DKK"),
        (1.5, "DKK"),
        (None, "DKK"),
        ({}, "DKK"),
        (Decimal("0.001"), "DKK"),
        (Decimal("1.00000000000000000000000000000001"), "DKK"),  # more digits than decimals keep
        (Decimal("0.5"), "ISK"),
        (Decimal("NaN"), "DKK"),
        (Decimal("Infinity"), "DKK"),
        (Decimal("1e999999"), "DKK"),
        (Decimal("1e-999999"), "DKK"),
        (10**30, "DKK"),
        (10**11 + 1, "DKK"),
        ("0.001", "DKK"),
        ("1.0", "ISK"),
        ("1,50", "DKK"),
        ("1 000", "DKK"),
        ("1e2", "DKK"),
        ("", "DKK"),
        ("9" * 5000, "DKK"),
        (1, "ZZZ"),
        ("7", "ZZZ"),
        (1, None),
        (1, ["DKK"]),
    ],
)
def test_anything_else_is_no_amount_in_whole_units(value, currency):
    with pytest.raises(Unreadable, match="not an amount"):
        money_from(value, currency)


@pytest.mark.parametrize("value", ["pay_1", "A-b.c~d:e+f=g", "x" * 128])
def test_a_reference_fits_a_path_a_log_and_a_store(value):
    assert reference_of(value) == value


@pytest.mark.parametrize("value", ["", "a b", "a/b", "ø", "a\n", "\x00", "x" * 129, 7, None])
def test_anything_else_is_no_reference(value):
    with pytest.raises(Unreadable, match="not a reference"):
        reference_of(value)


@pytest.mark.parametrize("value", ["https://bank.example/pay/1?x=2", "http://127.0.0.1:80/pay"])
def test_a_page_is_on_the_web(value):
    assert page_of(value) == value


@pytest.mark.parametrize("value", ["javascript:alert(1)", "https://a b", "//bank.example", "", 7])
def test_anything_else_is_no_page(value):
    with pytest.raises(Unreadable, match="not the address of a page"):
        page_of(value)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2025-03-30T01:59:59Z", datetime(2025, 3, 30, 1, 59, 59, tzinfo=UTC)),
        ("2025-03-30T03:00:00+02:00", datetime(2025, 3, 30, 1, tzinfo=UTC)),
        ("2025-03-30T03:00:00.1234567Z", datetime(2025, 3, 30, 3, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_a_time_is_given_in_utc(text, time):
    assert time_of(text) == time
    assert time_of(text).tzinfo is UTC


@pytest.mark.parametrize(
    "value", ["2025-03-30T01:59:59", "2025-03-30", "soon", "0001-01-01T00:00:00+14:00", 7, None]
)
def test_anything_else_is_no_time(value):
    with pytest.raises(Unreadable, match="not a point in time"):
        time_of(value)
