"""Card numbers are found in every spelling, and references that look like them are let be."""

from __future__ import annotations

import random
import time
import unicodedata
from datetime import date, timedelta
from typing import get_args
from uuid import UUID

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkoutflow.cart import Cart, Charge, Discount, Line
from checkoutflow.checkout import commands as c
from checkoutflow.checkout.events import CartChanged
from checkoutflow.customer import AREAS, clean
from checkoutflow.errors import InvalidInput
from checkoutflow.payment.references import Fik, Kid, Ocr, Rf, Viite
from checkoutflow.privacy.cards import (
    _DIGIT,
    _FOLDS_TO_DIGITS,
    CARD_NUMBER_NOT_ALLOWED,
    holds_card_number,
    mask_card_numbers,
    reference_holds_card_number,
    reference_without_card_number,
    refuse_card_number,
    without_card_number,
)
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.store_samples import sample_change, sample_checkout

DICE = random.Random  # with a seed: the same sample every time
VISA = "4242424242424242"

# Numbers that schemes and providers publish for tests, and made-up ones of the ranges they lack.
CARDS = """
    4242424242424242 4111111111111111 4222222222222 5555555555554444 5200828282828210
    2223003122003222 2720990000000007 378282246310005 341111111111111 30569309025904
    38520000023237 36227206271667 3530111333300000 6011111111111117 6445644564456445
    6500000000000002 6200000000000005 8171999927660000 5019717010103742 6759649826438453
    501800000009 6799990100000000019 5600000000000003 6304000000000000
    """.split()

# How a number of many digits is written. Every way keeps the digits and their order.
GROUPS = {
    "as it stands": lambda digits: [digits],
    "in fours": lambda digits: [digits[at : at + 4] for at in range(0, len(digits), 4)],
    "in twos": lambda digits: [digits[at : at + 2] for at in range(0, len(digits), 2)],
    "one by one": list,
    "4-6-5": lambda digits: [digits[:4], digits[4:10], digits[10:]],
}
SEPARATORS = [
    *" -./,_\t\n",
    "  ",
    " - ",
    "\r\n",
    "\N{NO-BREAK SPACE}",
    "\N{THIN SPACE}",
    "\N{NARROW NO-BREAK SPACE}",
    "\N{NON-BREAKING HYPHEN}",
    "\N{EN DASH}",
    "\N{EM DASH}",
    "\N{MINUS SIGN}",
    "\N{MIDDLE DOT}",
    "\N{FULLWIDTH SOLIDUS}",
]
DIGITS = {
    "of ASCII": lambda digit: digit,
    "wide": lambda digit: chr(0xFF10 + int(digit)),
    "Arabic": lambda digit: chr(0x660 + int(digit)),
    "Devanagari": lambda digit: chr(0x966 + int(digit)),
    "bold": lambda digit: chr(0x1D7CE + int(digit)),
    "raised": lambda digit: "⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)],
    "keycaps": lambda digit: f"{digit}\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}",
    "with joiners": lambda digit: f"{digit}\N{ZERO WIDTH SPACE}",
}
AROUND = ["{}", "Visa{}", "my card is {}, thanks", "{} 12/27", "0150 {}", "({})", "+{}", "æ{}ø"]


def luhn(digits: str) -> bool:
    """Check in the plainest way, so that the two ways check each other."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value // 10 + value % 10
    return total % 10 == 0


def spelled(digits, groups, separator, digit):
    return separator.join("".join(map(DIGITS[digit], group)) for group in GROUPS[groups](digits))


@pytest.mark.parametrize("card", CARDS)
def test_the_card_numbers_of_all_schemes_are_found(card):
    assert luhn(card)
    assert holds_card_number(card)
    assert not holds_card_number(card[:-1] + str((int(card[-1]) + 1) % 10))


@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("around", AROUND)
def test_a_card_number_is_found_in_every_spelling(groups, digit, around):
    for separator in SEPARATORS:
        text = around.format(spelled(VISA, groups, separator, digit))
        assert holds_card_number(text), ascii(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4242",
        "**** 4242",
        "424242******4242",
        "4242 42** **** 4242",
        "4242x4242x4242x4242",  # letters between
        "4242---4242---4242---4242",  # more than one mark
        "42424242424242424242",  # too long
        "00004242424242424242",  # one number of twenty digits, in which a card is not looked for
        "1242424242424244",  # no scheme begins with 1
        "DK50 0040 0440 1162 43",
        "dk5000400440116243",
        "account DK50 0040 0440 1162 43, or DK50 0040 0440 1162 43",
        "GB29 NWBK 6016 1331 9268 19",
        "19121212-1212",
        "2026-11-21 12:00:00",
    ],
)
def test_what_is_no_card_number_passes(text):
    assert not holds_card_number(text)
    assert mask_card_numbers(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "50 0040 0440 1162 43",  # without its letters
        "ADK50 0040 0440 1162 43",  # letters before
        "DK50 0040 0440 1162 43A",  # letters after
        "SE50 0040 0440 1162 43",  # too short for its country
        "ZZ50 0040 0440 1162 43",  # the check is wrong
        "DK50 0040 0440 1162 43, 4242 4242 4242 4242",  # one beside it
    ],
)
def test_only_an_iban_that_is_right_passes(text):
    assert holds_card_number(text)


def test_an_iban_would_be_a_card_number_but_for_its_letters():
    for iban in ibans(DICE(5), 400):
        assert not holds_card_number(f"to {iban} please"), iban
    looks = sum(holds_card_number(iban[2:]) for iban in ibans(DICE(5), 400))
    assert looks > 5


# Masks


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (VISA, "424242******4242"),
        ('{"pan": "4242 4242 4242 4242"}', '{"pan": "4242 42** **** 4242"}'),
        ("378282246310005 and 4111-1111-1111-1111", "378282*****0005 and 4111-11**-****-1111"),
        ("४२४२४२४२४२४२४२४२", "४२४२४२******४२४२"),
        ("Å④\N{ZERO WIDTH SPACE}242 4242 4242 4242", "Å④\N{ZERO WIDTH SPACE}242 42** **** 4242"),
    ],
)
def test_all_but_the_first_six_and_last_four_digits_become_stars(text, masked):
    assert mask_card_numbers(text) == masked
    assert not holds_card_number(masked)


def test_numbers_that_overlap_are_masked_all_over():
    text = "4242 4242 4242 4242 4242 4242"
    masked = mask_card_numbers(text)
    assert not holds_card_number(masked)
    assert masked == "4242 42** **** **** **** 4242"


@given(st.text(max_size=40), st.sampled_from(CARDS), st.text(max_size=40))
def test_what_is_masked_is_of_the_same_length_and_holds_none(before, card, after):
    text = f"{before} x {card} x {after}"
    masked = mask_card_numbers(text)
    assert card not in masked
    assert len(masked) == len(text)
    assert not holds_card_number(masked)


# Refusals


def test_the_error_names_the_field_and_never_the_number():
    with pytest.raises(InvalidInput) as caught:
        refuse_card_number(f"gift from {VISA}", "lines[0].note")
    assert caught.value.field == "lines[0].note"
    (problem,) = caught.value.problems
    assert problem[1].startswith(f"{CARD_NUMBER_NOT_ALLOWED}: ")
    assert "4242" not in f"{caught.value}{caught.value!r}"


def test_a_text_without_one_passes_whatever_the_rule():
    refuse_card_number("12 roses", "note")
    refuse_card_number("12 roses", "note", rule=Kid(method="mod10", length=16).validate)


@pytest.mark.parametrize("field", ["name", "organisation", "street", "city", "email"])
def test_every_field_that_customers_write_freely_refuses_one(field):
    text = f"a{VISA}@example.com" if field == "email" else f"A 4242 4242-{VISA[8:]}"
    with pytest.raises(InvalidInput) as caught:
        clean({field: text}, market="SE")
    assert CARD_NUMBER_NOT_ALLOWED in caught.value.problems[0][1]
    assert "4242" not in str(caught.value)


# Texts that are no free text: ids, and words of a closed set or a form of their own.
REFERENCES = {
    "AddCredit.method",
    "AskCode.challenge",
    "AskCode.person",
    "AskCustomer.challenge",
    "AskLogin.issuer",
    "AskLogin.pending",
    "CancelCover.cover",
    "CaptureAgain.shipment",
    "ChangeCart.market",
    "ChooseDelivery.delivery",
    "ChoosePayment.method",
    "GiveConsent.locale",
    "Hear.payment",
    "Line.goods_category",
    "Line.vat_category",
    "Place.return_url",  # looked at where it is decided on: test_lasting
    "RecordResult.attempt",
    "Resolve.attempt",
    "RemoveCredit.method",
    "Start.checkout",
    "Start.locale",
    "Start.market",
    "Start.subject",
    "TakeLogin.pending",
    "TakeProfile.payment",
    "TakeStanding.payment",
    "Verify.by",
    "Verify.challenge",
    "Verify.delivery",
    "Verify.payment",
    "Verify.person",
}
GUARDED = {
    "Approve.reviewer",
    "AskCustomer.reviewer",
    "Charge.id",
    "Charge.name",
    "Claim.reviewer",
    "Discount.name",
    "HandOver.reviewer",
    "HandOver.to",
    "Line.id",
    "Line.name",
    "Line.sku",
    "Note.reviewer",
    "Reject.reviewer",
    "Release.reviewer",
}


def test_every_text_of_a_cart_and_a_command_is_a_reference_or_guarded():
    texts, guarded = set(), set()
    for model in (Line, Discount, Charge, c.Start, *get_args(c.Command)):
        for name, field in model.model_fields.items():
            if field.annotation is str:
                where = f"{model.__name__}.{name}"
                texts.add(where)
                checks = {getattr(item, "func", None) for item in field.metadata}
                if checks & {without_card_number, reference_without_card_number}:
                    guarded.add(where)
                elif mask_card_numbers in checks:
                    texts.remove(where)
    assert guarded == GUARDED
    assert texts - guarded == REFERENCES


def cart_with(**more):
    return {"lines": [{"sku": "mug", "name": "Mug", "quantity": 1, "unit_price": "9 EUR", **more}]}


@pytest.mark.parametrize(
    ("cart", "path"),
    [
        (cart_with(name=f"Mug {VISA}"), "lines[0].name"),
        (cart_with(attributes={"gift": f"from {VISA[:8]} {VISA[8:]}"}), "lines[0].attributes.gift"),
        (cart_with(attributes={"gift": int(VISA)}), "lines[0].attributes.gift"),
        (cart_with(attributes={VISA: "a gift"}), "lines[0].attributes.*.[key]"),
        (cart_with(sku=VISA), "lines[0].sku"),
        (cart_with(sku=f"mug-{VISA}/2"), "lines[0].sku"),
        (cart_with(id=VISA), "lines[0].id"),
        (cart_with(insures=[VISA]), "lines[0].insures[0]"),
        (
            cart_with() | {"discounts": [{"name": VISA, "percent": "5"}]},
            "discounts[0].name",
        ),
    ],
)
def test_a_cart_refuses_one_where_people_write(cart, path):
    with pytest.raises(InvalidInput) as caught:
        Cart.read(cart)
    ((where, problem),) = caught.value.problems
    assert (where, CARD_NUMBER_NOT_ALLOWED in problem) == (path, True)
    assert "4242" not in f"{caught.value}{caught.value!r}"


# Barcodes of goods that a card scheme and Luhn would take for a card's: GTIN-12, 13 and 14.
GTINS = """
    4006381333023 4912345000071 501800000066 679990001092 36600000000021 30123456700032
    """.split()


def gtin(body: str) -> str:
    """With its check digit, as the rules of GS1 tell it in words."""
    threes = sum(int(digit) for digit in body[-1::-2])
    ones = sum(int(digit) for digit in body[-2::-2])
    return f"{body}{-(3 * threes + ones) % 10}"


@given(st.sampled_from(("4", "45", "30", "36", "38", "50", "56", "60", "67", "")), st.data())
def test_every_barcode_is_a_sku(start, data):
    digits = st.text("0123456789", min_size=11 - len(start), max_size=13 - len(start))
    number = gtin(start + data.draw(digits))
    assert not reference_holds_card_number(number)
    line = Cart.read(cart_with(sku=number, attributes={"ean": number, number: 1})).lines[0]
    assert line.id == line.sku == number


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("around", ["{}", "sku-{}", "{}-XL", "a{}b", "é{}"])
def test_no_card_number_is_one(card, around):
    """Of those of 12 to 14 digits one in ten is a valid barcode, too; these are not."""
    assert reference_holds_card_number(around.format(card))


@given(st.sampled_from(("4", "51", "2720", "34", "37", "36", "62", "67")), st.data())
def test_no_barcode_is_as_long_as_the_cards_in_use(start, data):
    digits = data.draw(st.text("0123456789", min_size=14, max_size=18))
    body = (start + digits)[: 14 if start in {"34", "37"} else 15]
    card = next(f"{body}{last}" for last in range(10) if luhn(f"{body}{last}"))
    assert reference_holds_card_number(card)


def test_random_tokens_are_never_taken_for_a_card():
    """One in a thousand would be, and a shop whose order has it could never sell."""
    dice, chances = DICE(7), 0
    for _ in range(20_000):
        token = f"{dice.getrandbits(128):032x}"
        for text in (token, f"order:{UUID(token)}".upper(), token * 2):
            chances += holds_card_number(text)
            assert not reference_holds_card_number(text)
    assert chances > 10
    assert reference_holds_card_number(f"{UUID(VISA * 2)}")  # all digits: nothing was drawn
    assert reference_holds_card_number(f"{UUID(int=1)} {VISA}")


def test_what_is_free_text_makes_no_exception_for_barcodes():
    for number in GTINS:
        assert holds_card_number(number)
        assert not reference_holds_card_number(number)
        with pytest.raises(InvalidInput, match=CARD_NUMBER_NOT_ALLOWED):
            Cart.read(cart_with(name=number))


def test_what_was_stored_before_it_was_known_for_a_card_number_stays_readable(tmp_path):
    line = Line.read(cart_with()["lines"][0])
    line = line.but(sku=VISA, id=VISA, name=VISA, attributes={"ean": int(VISA)}, insures=(VISA,))
    checkout = sample_checkout()
    checkout = checkout.but(cart=checkout.cart.but(lines=(line,)))
    plain = Cart.read(cart_with())
    changed = CartChanged(cart=plain, market="DK", expires_at=checkout.expires_at)
    changed = changed.but(cart=checkout.cart)
    for is_new in (True, False):
        store = open_store(tmp_path / "shop.db")
        store.create()
        if is_new:
            store.commit(sample_change(checkout, events=(changed,)))
        else:
            assert store.load(checkout.id) == checkout
            assert store.journal(checkout.id)[0].events == (changed,)
        store.close()


@pytest.mark.parametrize("said", [{"reviewer": VISA}, {"reviewer": f"has {VISA}"}])
def test_who_rejects_an_order_writes_none_down(said):
    with pytest.raises(InvalidInput, match=CARD_NUMBER_NOT_ALLOWED):
        c.Reject.read(said)


def test_what_a_provider_said_is_masked():
    standing = c.TakeStanding(payment="p-1", standing=None, said=f"paid by {VISA}")
    assert standing.said == "paid by 424242******4242"


@pytest.mark.parametrize("field", ["gift_card_code", "store_credit_code"])
def test_a_gift_card_may_have_the_number_of_one_and_a_payment_card_may_not(field):
    assert clean({field: "6036280000000000009"}, market="SE")
    with pytest.raises(InvalidInput, match=CARD_NUMBER_NOT_ALLOWED):
        clean({field: VISA}, market="SE")


def test_a_phone_number_in_use_passes_though_it_looks_like_a_card():
    philippine = "+63 917 123 4560"
    for last in range(10):
        typed = f"{philippine[:-1]}{last}"
        assert clean({"phone": typed}, market="SE")["phone"] == typed.replace(" ", "")
    assert any(holds_card_number(f"{philippine[:-1]}{last}") for last in range(10))


def test_a_phone_number_not_in_use_that_looks_like_a_card_is_refused():
    unused = next(
        typed
        for typed in (f"+63 100 123 4{last:03}" for last in range(1000))
        if holds_card_number(typed)
    )
    with pytest.raises(InvalidInput, match=CARD_NUMBER_NOT_ALLOWED):
        clean({"phone": unused}, market="SE")


# Large samples


PREFIXES = """
    4:13,16,19 51:16 55:16 2221:16 2720:16 34:15 37:15 300:14,16,19 305:14,19 36:14,15,18 38:14
    39:17 3528:16,19 3589:16 6011:16,19 644:16 649:17 65:16 62:16,18,19 81:16,19 5019:16
    50:12,13,19 56:12 58:16 60:14 61:12 63:16,19 64:12 66:13 67:16,18 69:12,19
    """.split()


def cards(dice, count):
    for _ in range(count):
        prefix, _, lengths = dice.choice(PREFIXES).partition(":")
        length = int(dice.choice(lengths.split(",")))
        digits = prefix + "".join(dice.choices("0123456789", k=length - len(prefix) - 1))
        yield next(digits + last for last in "0123456789" if luhn(digits + last))


def ibans(dice, count):
    lengths = {"DK": 18, "FO": 18, "SE": 24, "NO": 15, "FI": 18, "IS": 26}
    for _ in range(count):
        country, length = dice.choice(list(lengths.items()))
        account = "".join(dice.choices("0123456789", k=length - 4))
        letters = "".join(str(int(sign, 36)) for sign in f"{account}{country}00")
        bare = f"{country}{98 - int(letters) % 97:02}{account}"
        parts = [bare[at : at + 4] for at in range(0, length, 4)]
        yield dice.choice(["", " "]).join(parts)


def found_of(count, seed):
    """Count the cards found among so many in random spellings."""
    dice = DICE(seed)
    found = 0
    for card in cards(dice, count):
        digit, groups = dice.choice(list(DIGITS)), dice.choice(list(GROUPS))
        text = dice.choice(AROUND).format(spelled(card, groups, dice.choice(SEPARATORS), digit))
        found += holds_card_number(text)
    return found


def test_all_cards_of_a_large_sample_are_found():
    assert found_of(3_000, seed=1) == 3_000


def references(dice, count):
    """Give valid references of all countries, each with the rule of its field."""
    for _ in range(count):
        length = dice.randrange(8, 26)
        number = dice.randrange(10 ** (length - 4), 10 ** (length - 3))
        schemes = [
            Kid(method="mod10", length=length - 2),
            Kid(method="mod11", length=length - 2, allows_hyphen=True),
            Ocr(level="hard"),
            Ocr(level="length_digit"),
            Fik(creditor="81234567"),
            Fik(card_type="75", creditor="81234567"),
            Viite(),
            Rf(market="FI"),
        ]
        scheme = dice.choice(schemes)
        most = {"fik": 10**14, "viite": 10**19, "rf": 10**20}.get(scheme.kind, number + 1)
        reference = scheme.generate(max(number % most, 100))
        yield dice.choice([reference, scheme.format(reference)]), scheme.validate


def refused_of(count, seed):
    """Count the valid references that their typed fields refuse, and those like a card."""
    refused = like_cards = 0
    for reference, rule in references(DICE(seed), count):
        like_cards += holds_card_number(reference)
        try:
            refuse_card_number(reference, "reference", rule=rule)
        except InvalidInput:
            refused += 1
    return refused, like_cards


def test_no_valid_reference_is_refused_in_a_field_of_its_own():
    refused, like_cards = refused_of(3_000, seed=2)
    assert refused == 0
    assert like_cards > 100  # so that the rule had something to decide


def test_a_wrong_reference_that_looks_like_a_card_is_refused():
    kid = Kid(method="mod10", length=15)
    with pytest.raises(InvalidInput, match=CARD_NUMBER_NOT_ALLOWED):
        refuse_card_number(VISA, "reference", rule=kid.validate)


def phones(dice, count):
    """Give valid phone numbers of the Nordic countries, as written there and abroad."""
    ways = [*map(phonenumbers.PhoneNumberFormat.__dict__.get, ("E164", "INTERNATIONAL"))]
    while count:
        region = dice.choice(list(AREAS))
        example = phonenumbers.example_number(region)
        assert example is not None
        digits = str(example.national_number)
        keep = dice.randrange(1, len(digits))
        tail = "".join(dice.choices("0123456789", k=len(digits) - keep))
        number = phonenumbers.PhoneNumber(example.country_code, int(digits[:keep] + tail))
        if phonenumbers.is_valid_number(number):
            count -= 1
            yield phonenumbers.format_number(number, dice.choice(ways))


def test_no_valid_phone_number_date_or_account_is_refused():
    dice = DICE(3)
    for typed in phones(dice, 300):
        assert clean({"phone": typed}, market="DK")
        assert not holds_card_number(f"call {typed} first")
    for days in range(0, 40_000, 37):
        day = date(1925, 1, 1) + timedelta(days)
        for written in (f"{day}", f"{day:%d.%m.%Y}", f"{day:%Y%m%d}-{days % 10_000:04}"):
            assert not holds_card_number(f"born {written}, please")


# Time


WORST = {
    "a card begins everywhere": "4 0 0 0 1 ",
    "one by one": "4 ",
    "with marks": "4 - ",
    "one run": "4",
    "beginnings of accounts": "AB12 ",
    "accounts": "DK50 0040 0440 1162 43 ",
    "blanks": " ",
    "marks": "- ",
    "digits of another script": "٤ ",
    "joiners": "4\N{ZERO WIDTH SPACE}",
    "letters": "a",
}


@pytest.mark.parametrize("unit", WORST.values(), ids=WORST)
def test_time_grows_with_the_length_and_no_faster(unit):
    def cost(length):
        text = (unit * length)[:length]
        times = []
        for _ in range(3):
            begun = time.process_time()
            mask_card_numbers(text)
            times.append(time.process_time() - begun)
        return min(times)

    cost(1000)  # what is remembered is remembered now
    assert cost(100_000) < 16 * (cost(25_000) + 0.002)


def test_signs_that_fold_to_digits_are_all_looked_at():
    """Nothing that is plain at first sight has a digit in it that is not counted."""
    for point in range(0x180):
        digits = sum(part.isdecimal() for part in unicodedata.normalize("NFKC", chr(point)))
        is_counted = bool(_DIGIT.match(chr(point)))
        assert digits == is_counted or _FOLDS_TO_DIGITS.match(chr(point)), hex(point)
