"""One-time codes: six digits that follow from the shop's keys and from nothing that is stored."""

from __future__ import annotations

import hmac
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkoutflow.privacy.codes import (
    CODE_DIGITS,
    CODE_LIFE,
    CODE_TRIES,
    RESEND_AFTER,
    RESENDS,
    code_of,
    code_text,
    is_code,
)
from checkoutflow.privacy.secret import Secret
from checkoutflow.privacy.vault import Keys
from checkoutflow.texts import LANGUAGES

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
KEYS = Keys.of(OLD)
CHALLENGE = "k7hq2m4c6zt5w3xv"
CODE = code_of(KEYS, CHALLENGE, 0).reveal()


def test_the_limits_are_those_that_security_asks_for():
    assert (CODE_DIGITS, CODE_TRIES, RESENDS) == (6, 5, 3)
    assert (timedelta(minutes=10), timedelta(seconds=30)) == (CODE_LIFE, RESEND_AFTER)


def test_a_code_is_six_digits_and_prints_as_stars():
    assert len(CODE) == CODE_DIGITS
    assert CODE.isascii()
    assert CODE.isdigit()
    assert CODE not in f"{code_of(KEYS, CHALLENGE, 0)!r}"


@given(st.text(min_size=1), st.integers(0, RESENDS), st.binary(min_size=32, max_size=32))
def test_what_was_sent_is_taken(challenge, sending, secret):
    keys = Keys.of(secret)
    assert is_code(keys, challenge, sending, code_of(keys, challenge, sending).reveal())


@given(st.text())
def test_nothing_else_is_taken_and_nothing_that_is_typed_breaks_it(typed):
    only_digits = "".join(sign for sign in typed if sign.isdecimal())
    if is_code(KEYS, CHALLENGE, 0, typed):
        assert [int(sign) for sign in only_digits] == [int(digit) for digit in CODE]


@pytest.mark.parametrize(
    "typed",
    [
        f" {CODE} ",
        f"{CODE[:3]} {CODE[3:]}",
        f"{CODE[:3]}-{CODE[3:]}",
        f"{CODE[:3]}\N{NO-BREAK SPACE}{CODE[3:]}",
        f"{CODE[:3]}\N{EN DASH}{CODE[3:]}",
        f"\N{LEFT-TO-RIGHT MARK}{CODE}\n",
        "".join(chr(ord("\N{FULLWIDTH DIGIT ZERO}") + int(digit)) for digit in CODE),
        "".join(chr(ord("\N{ARABIC-INDIC DIGIT ZERO}") + int(digit)) for digit in CODE),
        " " * (40 - len(CODE)) + CODE,
    ],
)
def test_a_code_is_read_as_people_and_phones_write_it(typed):
    assert is_code(KEYS, CHALLENGE, 0, typed)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "------",
        CODE[:-1],
        CODE + "0",
        f"{CODE} {CODE}",
        CODE.replace(CODE[0], "o"),
        "\N{SUPERSCRIPT TWO}" * 6,
        " " * 41 + CODE,
        CODE * 10_000,
        "\ud800" * 6,
    ],
)
def test_what_is_no_code_is_refused(typed):
    assert not is_code(KEYS, CHALLENGE, 0, typed)


def test_each_sending_and_each_challenge_has_a_code_of_its_own():
    assert not is_code(KEYS, CHALLENGE, 1, CODE)
    assert not is_code(KEYS, CHALLENGE + "x", 0, CODE)
    # The number of the sending cannot slip into the challenge, or the other way round.
    assert code_of(KEYS, "1:a", 1) != code_of(KEYS, "a", 11)


def test_a_code_outlives_a_change_of_key_and_not_the_loss_of_it():
    assert is_code(Keys.of(NEW, OLD), CHALLENGE, 0, CODE)
    assert not is_code(Keys.of(NEW), CHALLENGE, 0, CODE)
    assert code_of(Keys.of(NEW, OLD), CHALLENGE, 0) == code_of(Keys.of(NEW), CHALLENGE, 0)


def test_a_code_is_made_with_a_key_of_its_own_kind():
    other = int.from_bytes(
        hmac.digest(KEYS.digest_keys("recognition")[0], b"0:" + CHALLENGE.encode(), "sha256")
    )
    assert f"{other % 10**6:06}" != CODE


@pytest.mark.parametrize("typed", [CODE, "", "12345", "000000", "wrong" * 100])
def test_every_key_is_tried_whatever_was_typed(monkeypatch, typed):
    compared = []

    def compare(left, right):
        compared.append((left, right))
        return left == right

    monkeypatch.setattr(hmac, "compare_digest", compare)
    is_code(Keys.of(OLD, NEW, bytes(32)), CHALLENGE, 0, typed)
    assert [(len(left), len(right)) for left, right in compared] == [(6, 6)] * 3


# Chi-square with k - 1 degrees of freedom stays below these in 99.9 % of cases. The codes follow
# from fixed keys, so that the outcome is the same at every run.
SAMPLE = 20_000
LIMITS = {10: 27.9, 100: 148.2, 1000: 1143.9}


def chi_square(values, cells):
    counts = Counter(values)
    expected = SAMPLE / cells
    return sum((counts[cell] - expected) ** 2 / expected for cell in range(cells))


@pytest.fixture(scope="module")
def sample():
    return [
        [int(code_of(KEYS, f"challenge-{number}", sending).reveal()) for sending in (0, 1)]
        for number in range(SAMPLE)
    ]


@pytest.mark.parametrize("place", range(CODE_DIGITS))
def test_every_digit_is_as_likely_as_any_other_at_every_place(sample, place):
    assert chi_square([first // 10**place % 10 for first, _ in sample], 10) < LIMITS[10]


@pytest.mark.parametrize(("cells", "limit"), LIMITS.items())
def test_codes_are_spread_evenly(sample, cells, limit):
    assert chi_square([first % cells for first, _ in sample], cells) < limit
    assert chi_square([first * cells // 10**6 for first, _ in sample], cells) < limit


def test_the_next_code_cannot_be_told_from_the_last(sample):
    assert chi_square([(second - first) % 1000 for first, second in sample], 1000) < LIMITS[1000]
    assert sum(first == second for first, second in sample) < 3


@pytest.mark.parametrize("locale", LANGUAGES)
def test_the_text_has_the_code_first_and_the_subject_has_none(locale):
    text = code_text(Secret("042117"), "Kaffehuset", locale)
    assert text.body.startswith("042117")
    assert "Kaffehuset" in text.body
    assert "10" in text.body
    assert "042117" not in text.subject
    assert "Kaffehuset" in text.subject
    assert "\n" not in text.subject + text.body
    assert len(text.body) <= 160  # one SMS, as long as the shop's name is not very long
    assert "042117" not in f"{text!r}"


def test_a_shop_s_name_cannot_add_a_header_to_the_mail_or_a_field_to_the_text():
    text = code_text(Secret("042117"), "Shop\r\nBcc: a@example.com {code}", "en")
    assert text.subject == "Your code for Shop Bcc: a@example.com {code}"
    assert text.body.count("042117") == 1
