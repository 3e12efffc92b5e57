"""What a customer types about themselves, brought into one form or refused with a way out.

Shapes of postal codes are those of the national posts: a code of the right shape may still not
exist, which only a carrier's own list can tell. Phone numbers follow Google's libphonenumber data;
its ranges change with each release, so that only an impossible number is refused.

An error names the field, says what is wrong and shows a good value. It never repeats the bad one.
"""

from __future__ import annotations

import re
import unicodedata
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.privacy.cards import REFUSAL, holds_card_number
from checkoutflow.privacy.secret import Details

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Characters as typed. Nothing that anybody is called is longer, and composing Unicode takes time
# that grows with the square of the length.
_MOST_TYPED: Final = 1000
_NAME: Final = re.compile("[a-z][a-z0-9_]{0,39}")
_LONGEST_CODE: Final = 100
_LONGEST_EMAIL: Final = 254  # RFC 5321, as corrected by erratum 1690 of RFC 3696
_LONGEST_LABEL: Final = 63  # RFC 1035
_NOT_IN_LOCAL: Final = frozenset('()<>[]:;,"\\')  # RFC 5322; quoted local parts are not taken


class Area(NamedTuple):
    """A country, or a part of one with postal codes of its own.

    Attributes:
        code: Its own in ISO 3166-1.
        prefixes: Letters that may stand before a postal code, as alternatives of a pattern.
        postal_code: Pattern of the code itself.
        postal_example: A good postal code.
        city_example: The place it belongs to.
        phone_example: A phone number as written at home; one that stands in libphonenumber as an
            example, or is set aside for fiction.
    """

    code: str
    prefixes: str
    postal_code: str
    postal_example: str
    city_example: str
    phone_example: str


AREAS: Final[Mapping[str, Area]] = MappingProxyType(
    {
        area.code: area
        for area in (
            Area("DK", "DK", "(?!0000)[0-9]{4}", "2100", "København", "32 12 34 56"),
            Area("FO", "FO|DK", "[0-9]{3}", "100", "Tórshavn", "20 12 34"),
            Area("GL", "GL|DK", "39[0-9]{2}|2412", "3900", "Nuuk", "22 12 34"),
            Area("SE", "SE|S", "[1-9][0-9]{2} ?[0-9]{2}", "114 55", "Stockholm", "070-174 06 05"),
            Area("NO", "NO|N", "[0-9]{4}", "0150", "Oslo", "40 61 23 45"),
            Area("SJ", "SJ|NO|N", "917[0-9]|8099", "9170", "Longyearbyen", "79 12 34 56"),
            Area("FI", "FIN|FI", "[0-9]{5}", "00100", "Helsinki", "041 2345678"),
            Area("AX", "AX|FIN|FI", "22[0-9]{3}", "22100", "Mariehamn", "018 1234567"),
            Area("IS", "IS", "[0-9]{3}", "101", "Reykjavík", "410 1234"),
        )
    }
)


class _UnfitError(Exception):
    """What is wrong with a value, in words that do not repeat it."""


def clean(field_values: Mapping[str, str], *, market: str) -> Details:
    """Bring what a customer typed into the form that is stored.

    Args:
        field_values: What was typed, by field name. A postal code and a phone number without a
            country code are read as of the ``country`` given along with them, else of the market.
        market: ISO 3166 code of the country or territory that the checkout sells in.

    Returns:
        The same fields: one line of text without spaces at the ends, in Unicode's composed form
        (NFC); phone numbers as E.164; postal codes as digits without prefix; e-mail addresses with
        a lower-case domain; countries as capital letters.

    Raises:
        InvalidInput: If a value cannot be right, or the field is not one that customers give.
            ``problems`` has them all.
        UsageError: If the market is not one of the areas known here.

    >>> clean({"email": " Post@Example.COM ", "postal_code": "SE-114 55"}, market="SE")["email"]
    'Post@example.com'
    """
    if market not in AREAS:
        raise UsageError(f"a market is one of {', '.join(AREAS)}", field="market")
    cleaned = Details()
    problems: list[tuple[str, str]] = []
    for name in sorted(field_values, key=lambda name: name != "country"):  # the others follow it
        if name not in _CLEANERS:
            # A key that is no name of a field can be anything, even what belongs in a value.
            path = name if _NAME.fullmatch(name) else "fields"
            problems.append((path, f"is not asked of customers; {', '.join(_CLEANERS)} are"))
            continue
        cleaner, example = _CLEANERS[name]
        area = AREAS[cleaned.get("country", market)]
        try:
            cleaned[name] = cleaner(_line(field_values[name]), area)
        except _UnfitError as unfit:
            problems.append((name, f"{unfit}; a good value looks like: {example(area)}"))
        except InvalidInput as refused:  # says itself what a good value looks like
            problems.append((name, refused.problems[0][1]))
    if problems:
        field, message = problems[0]
        raise InvalidInput(message, field=field, problems=problems)
    return cleaned


def example(field: str, market: str) -> str:
    """A good value of a field, as errors show it; nobody's."""
    return _CLEANERS[field][1](AREAS[market])


# The parts of countries that are apart for tax and freight.
_TERRITORIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"DK": ("FO", "GL"), "NO": ("SJ",), "FI": ("AX",)}
)


_MAINLANDS: Final[Mapping[str, str]] = MappingProxyType(
    {part: country for country, parts in _TERRITORIES.items() for part in parts}
)


def mainland(area: str) -> str:
    """Say which country a territory is a part of; of a country, itself.

    >>> mainland("AX"), mainland("FI")
    ('FI', 'FI')
    """
    return _MAINLANDS.get(area, area)


def territory(country: str, postal_code: str) -> str:
    """Say which country or territory a postal code is of, for tax and freight.

    People on the Faroe Islands, in Greenland, on Svalbard and on Åland may choose Denmark, Norway
    or Finland, and only the postal code tells.

    Args:
        country: ISO 3166 code of what was chosen; a part of the country counts for all of it.
        postal_code: As `clean` gives it, or as typed.

    Returns:
        ``FO``, ``GL``, ``SJ`` or ``AX`` where the code is of there, the country where it is of the
        rest of it; and what was chosen where it is of neither.

    >>> territory("DK", "3900"), territory("DK", "FO-100"), territory("GL", "2100")
    ('GL', 'FO', 'DK')
    """
    whole = mainland(country)
    for code in (*_TERRITORIES.get(whole, ()), whole):
        if _postal_match(" ".join(postal_code.split()), AREAS[code]):
            return code
    return country


def _line(typed: object) -> str:
    """Bring any typed text into one line: composed, nothing invisible, single spaces."""
    if not isinstance(typed, str):
        raise _UnfitError("is not text")
    if len(typed) > _MOST_TYPED:
        raise _UnfitError("is too long")
    if not typed.isprintable():  # joiners, marks of direction and the like come with pasted text
        typed = "".join(sign for sign in typed if unicodedata.category(sign) != "Cf")
    text = " ".join(unicodedata.normalize("NFC", typed).split())
    if not text:
        raise _UnfitError("is empty")
    if not text.isprintable():
        raise _UnfitError("holds a character that cannot be printed")
    return text


def _text(most: int, *, letters: bool = False) -> Callable[[str, Area], str]:
    """Make the rule for free text: at most so many characters; for names, a letter among them."""

    def cleaner(text: str, _area: Area) -> str:
        if len(text) > most:
            raise _UnfitError(f"is longer than {most} characters")
        if letters and not any(sign.isalpha() for sign in text):
            raise _UnfitError("has no letter in it")
        if holds_card_number(text):
            raise _UnfitError(REFUSAL)
        return text

    return cleaner


def _code(text: str, _area: Area) -> str:
    """Take what the shop gave out; a card number is refused unless it may be a gift card's.

    ISO/IEC 7812 gives numbers that begin with 6 to merchants' own cards too, and of payment cards
    that begin so few are left in the Nordic countries (Maestro is not given out since 2023).
    """
    if len(text) > _LONGEST_CODE:
        raise _UnfitError(f"is longer than {_LONGEST_CODE} characters")
    if holds_card_number(text) and not text.startswith("6"):
        raise _UnfitError(REFUSAL)
    return text


def _email(text: str, _area: Area) -> str:
    """Check what every address has. Whether the mailbox exists only a message can tell."""
    local, at, domain = text.rpartition("@")
    if not at:
        raise _UnfitError("has no @")
    if "@" in local:
        raise _UnfitError("has more than one @")
    if " " in text:
        raise _UnfitError("has a space in it")
    if len(text) > _LONGEST_EMAIL:
        raise _UnfitError(f"is longer than {_LONGEST_EMAIL} characters")
    if "." not in domain:
        raise _UnfitError("has no dot after the @")
    domain = domain.lower()
    if not all(_is_label(label) for label in domain.split(".")):
        raise _UnfitError("has a part after the @ that no domain has")
    if not all(local.split(".")) or not _NOT_IN_LOCAL.isdisjoint(local):
        raise _UnfitError("has a part before the @ that no address has")
    if holds_card_number(text):
        raise _UnfitError(REFUSAL)
    return f"{local}@{domain}"


def _is_label(label: str) -> bool:
    """Tell whether this can stand between two dots of a domain, in any script."""
    inside = label.replace("-", "")
    return len(label) <= _LONGEST_LABEL and inside.isalnum() and label.strip("-") == label


def _phone(text: str, area: Area) -> str:
    import phonenumbers  # noqa: PLC0415 -- heavy, and only phone numbers need it

    try:
        number = phonenumbers.parse(text, area.code)
    except phonenumbers.NumberParseException:
        raise _UnfitError("is not a phone number") from None
    if not phonenumbers.is_possible_number(number):
        raise _UnfitError("has too few or too many digits for its country")
    if holds_card_number(text) and not phonenumbers.is_valid_number(number):
        raise _UnfitError(REFUSAL)
    e164: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return e164


def _postal_code(text: str, area: Area) -> str:
    if (match := _postal_match(text, area)) is None:
        raise _UnfitError(f"is not a postal code of {area.code}{_elsewhere(text, area)}")
    return match[1].replace(" ", "")


def _postal_match(text: str, area: Area) -> re.Match[str] | None:
    shape = rf"(?:(?:{area.prefixes})[- ]?)?({area.postal_code})"
    return re.fullmatch(shape, text.upper())


def _elsewhere(text: str, area: Area) -> str:
    """Say where a code is of, when it is of a territory of the country that was chosen."""
    where = territory(area.code, text)
    return "" if where == area.code else f" (it may be one of {where}, to be chosen instead)"


def _national_id(text: str, area: Area) -> str:
    """Let pass whatever a person or, where a company buys, an organisation may have.

    Temporary numbers and those of test persons pass as well: who they are only the provider knows,
    and its test system is full of them.
    """
    from checkoutflow.customer import identity  # noqa: PLC0415 -- few sales need it

    number = identity.tidy(text)
    try:
        identity.organisation_number(number, area.code)
    except InvalidInput:
        identity.identity_number(number, area.code, allows_temporary=True, allows_test_persons=True)
    return number


def _a_national_id(area: Area) -> str:
    from checkoutflow.customer import identity  # noqa: PLC0415 -- few sales need it

    return identity.example_number(area.code)


def _organisation_number(text: str, area: Area) -> str:
    """Read the number in its one form, by which a company is found again in whatever country.

    That is its digits, without the century of a Swedish sole trader; a Finnish number keeps its
    hyphen, which tells it from a Danish one.
    """
    from checkoutflow.customer import identity  # noqa: PLC0415 -- few sales need it

    number = identity.organisation_number(text, area.code)
    bare = "".join(sign for sign in number.normalised if sign.isdecimal())[-10:]
    return f"{bare[:-1]}-{bare[-1]}" if number.country == "FI" else bare


def _an_organisation_number(area: Area) -> str:
    from checkoutflow.customer import identity  # noqa: PLC0415 -- few sales need it

    return identity.example_number(area.code, of="organisation")


def _country(text: str, _area: Area) -> str:
    if (code := text.upper()) not in AREAS:
        raise _UnfitError(f"is none of {', '.join(AREAS)}")
    return code


_CLEANERS: Final[Mapping[str, tuple[Callable[[str, Area], str], Callable[[Area], str]]]] = (
    MappingProxyType(
        {
            "name": (_text(200, letters=True), lambda _: "first and last name"),
            "organisation": (_text(200), lambda _: "the name of the organisation"),
            "organisation_number": (_organisation_number, _an_organisation_number),
            "email": (_email, lambda _: "name@example.com"),
            "phone": (_phone, lambda area: area.phone_example),
            "street": (_text(200), lambda _: "Strandgata 1 B"),
            "postal_code": (_postal_code, lambda area: area.postal_example),
            "city": (_text(100, letters=True), lambda area: area.city_example),
            "country": (_country, lambda area: area.code),
            "national_id": (_national_id, _a_national_id),
            "gift_card_code": (_code, lambda _: "the code as it stands on the card"),
            "store_credit_code": (_code, lambda _: "the code of the customer's account"),
        }
    )
)
