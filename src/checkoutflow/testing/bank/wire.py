"""What the simulated bank reads and writes: requests, payments, problems."""

from __future__ import annotations

import json
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from checkoutflow.errors import problem_paths
from checkoutflow.money import MAX_MINOR, Money
from checkoutflow.providers.http import json_of
from checkoutflow.testing.standins.book import GIFT_CARD, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from checkoutflow.testing.standins.book import BankOperation, BankPayment

# Ways to pay, and what the customer has to do for each; nothing where nobody is asked.
METHODS: Final = MappingProxyType(
    {"card": "", GIFT_CARD: "", "wallet": "redirect", "app": "open_app", "qr": "show_qr"}
)


class Strict(BaseModel):
    """What the bank is sent: no field it does not know, no type that it must guess."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class _Amount(Strict):
    value: int = Field(ge=0, le=MAX_MINOR)
    currency: Literal["DKK", "SEK", "NOK", "EUR", "ISK"]

    @property
    def money(self) -> Money:
        """The amount as a value."""
        return Money(self.value, self.currency)


class _Positive(_Amount):
    value: int = Field(ge=1, le=MAX_MINOR)


_Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=255)]


class _Line(Strict):
    id: _Text
    name: _Text
    quantity: int = Field(ge=1)
    amount: _Amount
    vat_basis: int = Field(ge=0, le=10000)


class _Customer(Strict):
    email: _Text | None = None


class Create(Strict):
    """A payment to authorise."""

    merchant_reference: str = Field(pattern=r"^[A-Za-z0-9-]{8,64}$")
    amount: _Positive
    method: Literal["card", "gift_card", "wallet", "app", "qr"]
    return_url: str = Field(pattern=r"^https?://[!-~]{1,2000}$")
    locale: str = Field(pattern=r"^[a-z]{2}_[A-Z]{2}$")
    lines: list[_Line] = []
    instrument: _Text | None = None
    customer: _Customer = _Customer()

    def check(self) -> None:
        """Check what no single field shows.

        Raises:
            Refusal: If the lines do not add up, or a gift card has no code.
        """
        if self.lines:
            currencies = {line.amount.currency for line in self.lines}
            line_total = sum(line.amount.value for line in self.lines)
            if currencies != {self.amount.currency} or line_total != self.amount.value:
                raise Refusal(400, "wrong_sum", [("lines", "must add up to the amount")])
        if self.method == GIFT_CARD and self.instrument is None:
            raise Refusal(400, "invalid_request", [("instrument", "is the gift card's code")])


class Modify(Strict):
    """A capture or a refund."""

    amount: _Positive


class Void(Strict):
    """A void: nothing to say."""


_Model = TypeVar("_Model", bound=Strict)


def read(model: type[_Model], request: httpx.Request) -> _Model:
    """Validate a request's body.

    Raises:
        Refusal: With the path of every wrong field; no value is repeated.
    """
    if request.headers.get("content-type") != "application/json":
        raise Refusal(415, "not_json")
    try:
        return model.model_validate(json_of(request.content))
    except ValidationError as error:
        problems = problem_paths(error.errors(include_input=False, include_url=False))
        raise Refusal(400, "invalid_request", problems) from None


def problem(status: int, code: str, problems: Iterable[tuple[str, str]] = ()) -> httpx.Response:
    """An error after RFC 9457, with a stable ``code``."""
    body = {
        "type": f"https://bank.example/problems/{code}",
        "title": code.replace("_", " "),
        "status": status,
        "code": code,
        "errors": [{"field": field, "message": message} for field, message in problems],
    }
    headers = {"content-type": "application/problem+json"}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        headers["retry-after"] = "7"
    return httpx.Response(status, headers=headers, content=json.dumps(body))


def amount_view(minor: int, currency: str) -> dict[str, object]:
    """An amount as the bank writes it."""
    return {"value": minor, "currency": currency}


def operation_view(operation: BankOperation) -> dict[str, object]:
    """One operation as the bank tells it."""
    return {
        "idempotency_key": operation.key,
        "type": operation.kind,
        "amount": amount_view(operation.amount.minor, operation.amount.currency),
        "status": operation.status,
        "reason": operation.reason,
    }


def view(payment: BankPayment) -> dict[str, object]:
    """A payment as the bank tells it: a word that says little, and aggregates that say it all."""
    book, currency = payment.book, payment.amount.currency
    action = {"type": METHODS[payment.method], "url": payment.page} if payment.is_waiting else None
    return {
        "id": payment.id,
        "merchant_reference": payment.merchant_reference,
        "state": payment.state,
        "reason": payment.reason,
        "method": payment.method,
        "amount": amount_view(payment.amount.minor, currency),
        "aggregate": {
            "authorised": amount_view(book.authorised, currency),
            "captured": amount_view(book.captured, currency),
            "refunded": amount_view(book.refunded, currency),
            "cancelled": amount_view(book.voided - book.expired, currency),
            "expired": amount_view(book.expired, currency),
        },
        "action": action,
        "expires_at": payment.until.isoformat() if payment.until else None,
        "operations": [operation_view(operation) for operation in payment.operations],
    }
