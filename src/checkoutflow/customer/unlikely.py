"""What is possible but unlikely in what a customer typed: worth a question, never a refusal.

Ranges of postal codes are those in use, as far as the national posts publish them (confidence:
medium). Phone numbers follow libphonenumber; in Denmark nobody can tell a mobile number.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.customer.contact import AREAS, territory
from checkoutflow.errors import UsageError
from checkoutflow.texts import mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Unlikely = Literal[
    "name_with_digits",
    "phone_not_in_use",
    "phone_not_mobile",
    "postal_code_not_in_use",
    "street_without_number",
]


@dataclass(frozen=True, slots=True)
class ContactWarning:
    """A question to ask beside a field. The sale goes on whatever the answer is.

    Attributes:
        field: The field it is about.
        code: What is unlikely; stable, for callers to branch on.
        text: The question in English, which is the message id for `checkoutflow.texts.translate`.
            It never repeats what was typed.
    """

    field: str
    code: Unlikely
    text: str


_TEXTS: Final[Mapping[Unlikely, str]] = MappingProxyType(
    {
        "name_with_digits": mark("There is a digit in the name. Is it right?"),
        "phone_not_in_use": mark("This phone number does not seem to be in use. Is it right?"),
        "phone_not_mobile": mark("A text message may not reach this number. Is it a mobile?"),
        "postal_code_not_in_use": mark("No place seems to have this postal code. Is it right?"),
        "street_without_number": mark("There is no house number. Is the address complete?"),
    }
)

# First and last code in use. Within a country all codes have the same number of digits.
_IN_USE: Final = MappingProxyType(
    {
        "DK": ("0800", "9990"),
        "FO": ("100", "970"),
        "GL": ("2412", "3992"),
        "SE": ("10000", "98999"),
        "NO": ("0001", "9991"),
        "SJ": ("8099", "9179"),
        "FI": ("00002", "99999"),
        "AX": ("22100", "22999"),
        "IS": ("101", "902"),
    }
)


def warnings_for(
    details: Mapping[str, str], *, market: str, needs_sms: bool = False
) -> tuple[ContactWarning, ...]:
    """List what is worth a question, in the order of the fields on a form.

    Args:
        details: Fields as `checkoutflow.customer.clean` gives them.
        market: ISO 3166 code of the country or territory that the checkout sells in; the details'
            own ``country`` comes before it.
        needs_sms: Whether something will be sent to the phone as a text message.

    Raises:
        UsageError: If the market is not one of the areas known here.

    >>> [it.code for it in warnings_for({"street": "Strandgata"}, market="NO")]
    ['street_without_number']
    """
    if market not in AREAS:
        raise UsageError(f"a market is one of {', '.join(AREAS)}", field="market")
    country = details.get("country", market)
    return tuple(
        ContactWarning(field, code, _TEXTS[code])
        for field, code in _unlikely(details, country, needs_sms=needs_sms)
    )


def _unlikely(
    details: Mapping[str, str], country: str, *, needs_sms: bool
) -> Iterator[tuple[str, Unlikely]]:
    if _has_digit(details.get("name", "")):
        yield "name", "name_with_digits"
    if (phone := details.get("phone")) and (code := _phone(phone, needs_sms=needs_sms)):
        yield "phone", code
    if (street := details.get("street")) and not _has_digit(street):
        yield "street", "street_without_number"
    if postal_code := details.get("postal_code"):
        first, last = _IN_USE[territory(country, postal_code)]
        if not first <= postal_code <= last:
            yield "postal_code", "postal_code_not_in_use"


def _has_digit(text: str) -> bool:
    return any(sign.isdecimal() for sign in text)


def _phone(e164: str, *, needs_sms: bool) -> Unlikely | None:
    import phonenumbers  # noqa: PLC0415 -- heavy, and only phone numbers need it

    number = phonenumbers.parse(e164)
    if not phonenumbers.is_valid_number(number):
        return "phone_not_in_use"
    kinds = phonenumbers.PhoneNumberType
    may_be_mobile = {kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE}
    if needs_sms and phonenumbers.number_type(number) not in may_be_mobile:
        return "phone_not_mobile"
    return None
