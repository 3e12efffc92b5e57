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
from checkoutflow.testing.standins.mandates import MandateState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from checkoutflow.testing.standins.base import Opinion
    from checkoutflow.testing.standins.book import BankOperation, BankPayment
    from checkoutflow.testing.standins.mandates import BankMandate

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


_Reference: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{8,64}$")]
_ReturnUrl: TypeAlias = Annotated[str, Field(pattern=r"^https?://[!-~]{1,2000}$")]
_Locale: TypeAlias = Annotated[str, Field(pattern=r"^[a-z]{2}_[A-Z]{2}$")]


class _Order(Strict):
    """What a payment is for."""

    merchant_reference: _Reference
    amount: _Positive
    lines: list[_Line] = []

    def check(self) -> None:
        """Check what no single field shows.

        Raises:
            Refusal: If the lines do not add up.
        """
        if self.lines:
            currencies = {line.amount.currency for line in self.lines}
            line_total = sum(line.amount.value for line in self.lines)
            if currencies != {self.amount.currency} or line_total != self.amount.value:
                raise Refusal(400, "wrong_sum", [("lines", "must add up to the amount")])


class Create(_Order):
    """A payment to authorise."""

    method: Literal["card", "gift_card", "wallet", "app", "qr"]
    return_url: _ReturnUrl
    locale: _Locale
    instrument: _Text | None = None
    customer: _Customer = _Customer()

    def check(self) -> None:
        """Check what no single field shows.

        Raises:
            Refusal: If the lines do not add up, or a gift card has no code.
        """
        super().check()
        if self.method == GIFT_CARD and self.instrument is None:
            raise Refusal(400, "invalid_request", [("instrument", "is the gift card's code")])


class FirstCharge(_Order):
    """A payment to take with the customer's consent."""

    title: _Text


class Charge(FirstCharge):
    """A payment to take on a mandate."""

    token: _Text


class Agree(Strict):
    """A mandate to ask the customer for."""

    merchant_reference: _Reference
    method: Literal["card", "wallet", "app", "qr"]
    title: _Text
    maximum: _Positive
    every_months: int = Field(ge=0, le=120)
    return_url: _ReturnUrl
    locale: _Locale
    customer: _Customer = _Customer()
    first: FirstCharge | None = None


class Modify(Strict):
    """A capture or a refund."""

    amount: _Positive


class Empty(Strict):
    """A void, or the end of a mandate: nothing to say."""


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


def mandate_view(mandate: BankMandate, method: str) -> dict[str, object]:
    """A mandate as the bank tells it. The token is for whoever may charge on it."""
    is_given = mandate.state is MandateState.ACTIVE
    return {
        "id": mandate.id,
        "merchant_reference": mandate.reference,
        "state": mandate.state,
        "method": method,
        "token": mandate.token if is_given else None,
        "action": _action(method, mandate),
    }


def _action(method: str, asked: BankPayment | BankMandate) -> dict[str, object] | None:
    """What the customer must do; for a mandate every method asks."""
    return {"type": METHODS[method] or "redirect", "url": asked.page} if asked.is_waiting else None


def view(payment: BankPayment, opinion: Opinion) -> dict[str, object]:
    """A payment as the bank tells it: a word that says little, and aggregates that say it all."""
    book, currency = payment.book, payment.amount.currency
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
        "action": _action(payment.method, payment),
        "expires_at": payment.until.isoformat() if payment.until else None,
        "operations": [operation_view(operation) for operation in payment.operations],
        "risk": {
            "word": opinion.word,
            "card_country": opinion.country or None,
            "card": opinion.card or None,
        },
    }
