"""The part of Vipps MobilePay's stand-in that knows who pays: its Userinfo API.

Everybody who pays is the same person: Test Person, with the values that
`checkoutflow.customer.example` shows. What they share can be read for a week.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import Field, field_validator

from checkoutflow.customer import clean, example
from checkoutflow.testing.standins.reading import Strict

if TYPE_CHECKING:
    from collections.abc import Mapping

SUBJECT: Final = "5ba1e0c2-0000-4000-8000-000000000001"
READABLE: Final = timedelta(hours=168)
_FIELDS: Final = ("email", "phone", "street", "postal_code", "city")
_WORDS: Final = frozenset({"name", "address", "email", "phoneNumber", "birthDate"})


class Asked(Strict):
    """What a payment asks the customer to share."""

    scope: str = Field(min_length=1)

    @field_validator("scope")
    @classmethod
    def _is_known(cls, scope: str) -> str:
        if not _WORDS.issuperset(scope.split(" ")):
            raise ValueError("not something to share")
        return scope


class Consent(NamedTuple):
    """What the customer shared, and when."""

    scope: str
    at: datetime


def userinfo(consent: Consent, market: str, now: datetime) -> dict[str, object]:
    """What is told of the person."""
    person = clean({name: example(name, market) for name in _FIELDS}, market=market)
    about: Mapping[str, dict[str, object]] = {
        "name": {"name": "Test Person", "given_name": "Test", "family_name": "Person"},
        "email": {"email": person["email"], "email_verified": True},
        "phoneNumber": {"phone_number": person["phone"].lstrip("+")},
        "birthDate": {"birthdate": "2000-12-31"},
        "address": {
            "address": {
                "address_type": "home",
                "street_address": person["street"],
                "postal_code": person["postal_code"],
                "region": person["city"],
                "country": market,
                "formatted": f"{person['street']}\n{person['postal_code']} {person['city']}",
            },
            "other_addresses": [],
        },
    }
    told: dict[str, object] = {"sub": SUBJECT, "sid": "session-1"}
    for word in consent.scope.split(" "):
        told |= about[word]
    return told if now < consent.at + READABLE else _expired(told)


def _expired(told: Mapping[str, object]) -> dict[str, object]:
    """The same fields, with a word in place of every text but the provider's own names."""
    return {
        name: "[Expired]"
        if isinstance(value, str) and name not in {"sub", "sid"}
        else _expired(value)
        if isinstance(value, dict)
        else value
        for name, value in told.items()
    }
