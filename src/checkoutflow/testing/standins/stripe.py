"""A stand-in for Stripe: Checkout Sessions, PaymentIntents, refunds, kept cards and signed events.

It refuses what the provider refuses, and takes no field that the adapter's methods do not need. As
at the real one, what is released shows as a refund, a capture is the only one, and a search does
not see what is younger than a minute. Captures and voids are never slow.

A card that is declined leaves the page open. The "no" that a person gives on the page, or a test
plans, is the last: the page is closed with it, as if its time were over. To planned faults,
charging a card that is kept is ``authorise``, and taking it off its customer is ``void``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias
from urllib.parse import parse_qsl

import httpx

from checkoutflow.money import Money
from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.stripe import API, VERSION, Stripe, StripeConfig
from checkoutflow.testing.standins.base import Opinion, Posted, StandIn
from checkoutflow.testing.standins.book import (
    BankOperation,
    BankPayment,
    Fate,
    Kind,
    Refusal,
    State,
    Status,
)
from checkoutflow.testing.standins.faults import Names
from checkoutflow.testing.standins.mandates import BankMandate, MandateState

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

# The words in addresses; whatever else is there is a name.
_WORDS: Final = re.compile(
    "v1|checkout|sessions|payment_(intents|methods)|refunds|search|expire|capture|cancel|detach"
)
# Our ledger's word for a refusal -> their status, type and code.
_INVALID: Final = "invalid_request_error"
_STATE: Final = (400, _INVALID, "payment_intent_unexpected_state")
_ERRORS: Final = MappingProxyType(
    {
        "amount_too_high": (400, _INVALID, "amount_too_large"),
        "authorisation_expired": _STATE,
        "key_conflict": (400, "idempotency_error", None),
        "key_in_use": (409, _INVALID, "idempotency_key_in_use"),
        "not_authorised": _STATE,
        "nothing_to_void": _STATE,
        "payment_not_found": (404, _INVALID, "resource_missing"),
        "too_many_requests": (429, _INVALID, "rate_limit"),
    }
)
# What happened -> their event and what it shows; what is not listed makes none.
_EVENTS: Final = MappingProxyType(
    {
        "payment.authorised": ("payment_intent.amount_capturable_updated", "intent"),
        "payment.declined": ("payment_intent.payment_failed", "intent"),
        "payment.cancelled": ("payment_intent.canceled", "intent"),
        "payment.captured": ("payment_intent.succeeded", "intent"),
        "payment.voided": ("payment_intent.canceled", "intent"),
        "payment.expired": ("payment_intent.canceled", "intent"),
        "payment.refunded": ("charge.refunded", "charge"),
        "capture.failed": ("payment_intent.payment_failed", "intent"),
        "refund.failed": ("charge.refund.updated", "refund"),
    }
)


# What a form has: a name, in which # is a place in a list, and a question mark at the end says that
# it may be left out -> how its value is written.
_Form: TypeAlias = Mapping[str, str]
_Sold: TypeAlias = tuple[str, Money, str]  # our reference, the amount, and the way to pay

_TEXT: Final = ".{1,500}"
_MINOR: Final = "[1-9][0-9]{0,7}"
_CURRENCY: Final = "dkk|sek|nok|eur|isk|gbp|usd"
_EMAIL: Final = r"[^@\s]+@[^@\s]+"
_OURS: Final = "metadata[checkoutflow_reference]"

_PAGE: Final[_Form] = {
    "payment_method_types[#]": "card",
    "success_url": _TEXT,
    "cancel_url": _TEXT,
    "client_reference_id": ".{1,200}",
    _OURS: _TEXT,
    "locale": "da|sv|nb|fi|en",
    "customer_email?": _EMAIL,
}
_SALE: Final[_Form] = {
    **_PAGE,
    "mode": "payment",
    "line_items[#][quantity]": "[1-9][0-9]*",
    "line_items[#][price_data][currency]": _CURRENCY,
    "line_items[#][price_data][unit_amount]": "[0-9]{1,8}",
    "line_items[#][price_data][product_data][name]": ".{1,250}",
    "payment_intent_data[capture_method]": "manual",
    "payment_intent_data[metadata][checkoutflow_reference]": _TEXT,
    "adaptive_pricing[enabled]": "false",
}
_CONSENT: Final[_Form] = {
    **_PAGE,
    "mode": "setup",
    "customer_creation": "always",
    "setup_intent_data[metadata][checkoutflow_reference]": _TEXT,
    "custom_text[submit][message]": ".{1,1200}",
}
_WHOLE: Final[_Form] = {"expand[#]": "latest_charge"}
_INTENT: Final[_Form] = {
    **_WHOLE,
    "amount": _MINOR,
    "currency": _CURRENCY,
    "capture_method": "manual",
    "confirm": "true",
    _OURS: _TEXT,
}
_CHARGE: Final[_Form] = {
    **_INTENT,
    "payment_method_types[#]": "card",
    "customer": _TEXT,
    "payment_method": _TEXT,
    "off_session": "true",
    "description": ".{1,1000}",
}
_OF_METHOD: Final[Mapping[str, _Form]] = {
    "mobilepay": {},
    "klarna": {
        "payment_method_data[billing_details][email]": _EMAIL,
        "payment_method_data[billing_details][address][country]": "[A-Z]{2}",
        "payment_method_options[klarna][preferred_locale]?": "[a-z]{2}-[A-Z]{2}",
    },
    "swish": {"currency": "sek", "capture_method": "automatic"},
}
_CAPTURE: Final[_Form] = {**_WHOLE, "amount_to_capture": _MINOR}
_REFUND: Final[_Form] = {
    "payment_intent": _TEXT,
    "amount": _MINOR,
    _OURS: _TEXT,
    "metadata[checkoutflow_attempt]": _TEXT,
}


class SimulatedStripe(StandIn):
    """One account in test mode at the stand-in.

    Args:
        clock: Its time, as an aware ``datetime``.
        secret: What the key and the endpoint's secret are made of.
    """

    _title = "Stripe, simulated"
    _names: ClassVar[Names] = Names(
        amounts=frozenset({"amount", "amount_total", "amount_received"}),
        currencies=frozenset({"currency"}),
        words=frozenset({"status"}),
        ids=frozenset({"id"}),
        references=frozenset({"checkoutflow_reference", "client_reference_id"}),
    )
    _decided: ClassVar[frozenset[int]] = frozenset({200, 400, 402})

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        secret: str = "simulated",  # noqa: S107 -- opens nothing real
    ) -> None:
        """Open the account with an empty book."""
        super().__init__(clock, decision_s=86_400)
        self._secret = secret
        self._sales: set[str] = set()  # what is paid on a page, by our reference
        self._born: dict[str, datetime] = {}

    def provider(self, base_url: str = API) -> Stripe:
        """An adapter for this account."""
        return Stripe(
            StripeConfig(
                secret_key=Secret(f"sk_test_{self._secret}"),
                notice_secret=Secret(f"whsec_{self._secret}"),
                is_test=True,
                base_url=base_url,
            )
        )

    # --- how it speaks -------------------------------------------------------------------------

    def _route(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        shown = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(shown, f"Bearer sk_test_{self._secret}".encode()):
            raise Refusal(401, "unauthorised")
        if request.headers.get("stripe-version") != VERSION:
            raise Refusal(400, "wrong_version")
        names = [part for part in parts if not _WORDS.fullmatch(part)]
        place = "/".join("*" if part in names else part for part in parts[1:])
        if request.method == "POST":
            return self._do(request, place, names)
        match place:
            case "checkout/sessions/*":
                return self._show(request, self._reference(names[0]), "session")
            case "payment_intents/*":
                return self._show(request, self._reference(names[0]), "intent")
            case "payment_intents/search":
                return self._search(request)
            case "refunds":
                number = request.url.params.get("payment_intent", "")
                return self._show(request, self._reference(number), "refunds")
            case _:
                raise Refusal(404, "no_such_resource")

    def _do(self, request: httpx.Request, place: str, names: list[str]) -> httpx.Response:
        key = request.headers.get("idempotency-key", "")
        if not key:
            raise Refusal(400, "no_key")  # the real one does not insist
        works: dict[str, tuple[Kind, Callable[..., httpx.Response]]] = {
            "checkout/sessions": (Kind.AUTHORISE, self._open_page),
            "checkout/sessions/*/expire": (Kind.VOID, self._close_page),
            "payment_intents": (Kind.AUTHORISE, self._begin),
            "payment_intents/*/capture": (Kind.CAPTURE, self._capture),
            "payment_intents/*/cancel": (Kind.VOID, self._cancel),
            "payment_methods/*/detach": (Kind.VOID, self._take_off),
            "refunds": (Kind.REFUND, self._give_back),
        }
        if place not in works:
            raise Refusal(404, "no_such_resource")
        kind, work = works[place]
        return self._perform(request, kind, key, partial(work, *names))

    def _refused(self, refusal: Refusal) -> httpx.Response:
        kind = "api_error" if refusal.status >= 500 else _INVALID  # noqa: PLR2004 -- server errors
        status, kind, code = _ERRORS.get(refusal.code, (refusal.status, kind, None))
        error: dict[str, Any] = {"type": kind, "message": refusal.code.replace("_", " ")}
        if code is not None:
            error["code"] = code
        if refusal.problems:
            error["param"], error["message"] = refusal.problems[0]
        return httpx.Response(status, json={"error": error})

    def _open_page(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        if _field(request, "mode") == "setup":
            return self._open_consent(request)
        wanted = _read(_SALE, request)
        items = [name.partition("[quantity]")[0] for name in wanted if "[quantity]" in name]
        total = sum(
            int(wanted[f"{item}[quantity]"]) * int(wanted[f"{item}[price_data][unit_amount]"])
            for item in items
        )
        currencies = {wanted[f"{item}[price_data][currency]"] for item in items}
        if len(currencies) != 1:
            raise Refusal(400, "one_currency", [("line_items", "must be in one currency")])
        reference, back = wanted["client_reference_id"], wanted["success_url"]
        self._sales.add(reference)
        sold = (reference, _money(total, *currencies), "card")
        payment = self._take_in(request, key, fate, sold, back)
        return httpx.Response(200, json=self._view(payment)["session"])

    def _open_consent(self, request: httpx.Request) -> httpx.Response:
        wanted, number = _read(_CONSENT, request), f"m{len(self._mandates):023}"
        reference, back = wanted["client_reference_id"], wanted["success_url"]
        mandate = self._open_mandate(request, BankMandate(reference, number, f"pm_{number}", back))
        return httpx.Response(200, json=self._consent(mandate))

    def _begin(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        method = _field(request, "payment_method_data[type]")
        if method in _OF_METHOD:
            form = {
                **_INTENT,
                "payment_method_types[#]": method,
                "payment_method_data[type]": method,
                "return_url": _TEXT,
                **_OF_METHOD[method],
            }
            wanted = _read(form, request)
        else:
            wanted, method = _read(_CHARGE, request), "card"
            mandate = self._kept(wanted["payment_method"])
            if (
                mandate.state is not MandateState.ACTIVE
                or wanted["customer"] != f"cus_{mandate.id}"
            ):
                raise Refusal(400, "not_kept", [("payment_method", "not the customer's")])
        sold = (wanted[_OURS], _money(int(wanted["amount"]), wanted["currency"]), method)
        payment = self._take_in(request, key, fate, sold, wanted.get("return_url", ""))
        return self._said(payment.operations[-1], self._view(payment)["intent"])

    def _take_in(
        self, request: httpx.Request, key: str, fate: Fate, sold: _Sold, back: str
    ) -> BankPayment:
        """Take a payment in; without an address to go back to, nobody is asked."""
        wanted = BankPayment(f"{self._count + 1:024}", *sold, back, is_waiting=bool(back))
        self._born[wanted.merchant_reference] = self._now
        return self._create_payment(request, key, fate, wanted)[0]

    def _close_page(
        self, number: str, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        _read({}, request)
        reference = self._reference(number)
        mandate = self._mandates.get(reference)
        if not (mandate or self._payment(reference)).is_waiting:
            raise Refusal(400, "page_not_open")
        if mandate is not None:
            self._agree(mandate, approve=False)
            return httpx.Response(200, json=self._consent(mandate))
        payment = self._payment(reference)
        self._ledger.void(payment, key, fate)
        return httpx.Response(200, json=self._view(payment)["session"])

    def _capture(self, number: str, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        payment = self._payment(self._reference(number))
        sent = int(_read(_CAPTURE, request)["amount_to_capture"])
        amount = _money(sent, payment.amount.currency)
        done = self._ledger.capture(payment, amount, key, Fate(fate.reason))
        return self._said(done, self._view(payment)["intent"])

    def _cancel(self, number: str, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        payment = self._payment(self._reference(number))
        _read(_WHOLE, request)
        if payment.merchant_reference in self._sales and payment.is_waiting:
            raise Refusal(400, "not_authorised")  # the page has to be closed instead
        done = self._ledger.void(payment, key, Fate(fate.reason))
        return self._said(done, self._view(payment)["intent"])

    def _take_off(self, card: str, request: httpx.Request, _key: str, fate: Fate) -> httpx.Response:
        _read({}, request)
        mandate = self._kept(card)
        if mandate.state is not MandateState.ACTIVE or fate.reason:
            raise Refusal(400, "not_attached")
        mandate.state = MandateState.ENDED
        return httpx.Response(200, json=_card(mandate))

    def _give_back(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        wanted = _read(_REFUND, request)
        payment = self._payment(self._reference(wanted["payment_intent"]))
        amount = _money(int(wanted["amount"]), payment.amount.currency)
        done = self._ledger.refund(payment, amount, key, fate)
        return httpx.Response(200, json=_refund(payment, done, self._now))

    @staticmethod
    def _said(done: BankOperation, intent: object) -> httpx.Response:
        """The payment, or the issuer's no."""
        if done.status is not Status.FAILED:
            return httpx.Response(200, json=intent)
        error = {"type": "card_error", "code": "card_declined", "decline_code": done.reason}
        return httpx.Response(402, json={"error": error})

    def _show(self, request: httpx.Request, reference: str, part: str) -> httpx.Response:
        """One of the things that a payment is made of, or the page for a mandate."""
        if reference in self._mandates:
            self._views[reference] = None, {"session": self._consent(self._mandates[reference])}
        views = [view if isinstance(view, dict) else {} for view in self._views[reference]]
        before, now = (view.get(part) for view in views)
        return self._shows(request, now, before)

    def _search(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params.get("query", "")
        asked = re.fullmatch(r"metadata\['checkoutflow_reference'\]:'([^']+)'", query)
        if asked is None:
            raise Refusal(400, "no_such_query")
        _, view = self._views.get(asked[1], (None, None))
        found = view.get("intent") if isinstance(view, dict) else None
        is_indexed = found and self._now - self._born[asked[1]] > timedelta(minutes=1)
        listed = {"object": "search_result", "url": "/v1/payment_intents/search", "has_more": False}
        return self._shows(request, listed | {"data": [found] if is_indexed else []}, None)

    def _changed(self, payment: BankPayment, notice: str, amount: Money, key: str | None) -> None:
        """A capture is the only one, and Swish takes what it is given at once."""
        book = payment.book
        if notice == "payment.authorised" and payment.method == "swish":
            self._ledger.capture(payment, payment.amount, None, Fate())
            return
        if notice == "payment.captured" and book.reserved:
            self._ledger.void(payment, None, Fate())
        # Of a void that failed they tell nothing by themselves.
        is_silent = notice == "void.failed" or (notice == "payment.voided" and book.captured)
        super()._changed(payment, "" if is_silent else notice, amount, key)

    def _agreed(self, mandate: BankMandate) -> None:
        is_given = mandate.state is MandateState.ACTIVE
        event = f"checkout.session.{'completed' if is_given else 'expired'}"
        self._post(mandate.reference, self._event(event, self._consent(mandate), None))

    # --- what it shows -------------------------------------------------------------------------

    def _view(self, payment: BankPayment) -> dict[str, Any]:
        intent, reference = self._intent(payment), payment.merchant_reference
        refunds = [
            _refund(payment, item, self._now)
            for item in reversed(payment.operations)
            if item.kind is Kind.REFUND
        ]
        if payment.book.captured and payment.book.voided:
            rest = Money(payment.book.voided, payment.amount.currency)
            release = BankOperation(Kind.VOID, None, rest, Fate(), Status.DONE)
            refunds.append(_refund(payment, release, self._now) | {"balance_transaction": None})
        listed = {"object": "list", "data": refunds, "has_more": False, "url": "/v1/refunds"}
        view = {"session": None, "intent": intent, "refunds": listed}
        if reference not in self._sales:
            return view
        is_paid = payment.book.authorised > 0
        is_over = payment.state in {State.DECLINED, State.EXPIRED, State.CANCELLED}
        status = "complete" if is_paid else "expired" if is_over else "open"
        session = {
            **self._page(reference, payment, status),
            "amount_total": _wire(payment.amount),
            "currency": payment.amount.currency.lower(),
            "mode": "payment",
            "payment_intent": intent if is_paid else None,
        }
        return view | {"session": session, "intent": session["payment_intent"]}

    def _consent(self, mandate: BankMandate) -> dict[str, Any]:
        status = {MandateState.WAITING: "open", MandateState.DECLINED: "expired"}
        page = self._page(mandate.reference, mandate, status.get(mandate.state, "complete"))
        setup = {
            "id": f"seti_{mandate.id}",
            "object": "setup_intent",
            "payment_method": _card(mandate),
            "status": "succeeded",
        }
        is_over = page["status"] == "complete"
        return page | {"mode": "setup", "setup_intent": setup if is_over else None}

    def _page(
        self, reference: str, asked: BankPayment | BankMandate, status: str
    ) -> dict[str, Any]:
        return {
            "id": f"cs_test_{asked.id}",
            "object": "checkout.session",
            "amount_total": None,
            "client_reference_id": reference,
            "currency": None,
            "expires_at": int((self._now + timedelta(days=1)).timestamp()),
            "livemode": False,
            "metadata": {"checkoutflow_reference": reference},
            "payment_intent": None,
            "setup_intent": None,
            "status": status,
            "url": asked.page if status == "open" else None,
        }

    def _intent(self, payment: BankPayment) -> dict[str, Any]:
        book, status = payment.book, self._status(payment)
        failed = {"type": "card_error", "code": "card_declined", "decline_code": payment.reason}
        page = {"type": "redirect_to_url", "redirect_to_url": {"url": payment.page}}
        by = "automatic" if book.expired else "requested_by_customer"
        is_swish = payment.method == "swish"
        if is_swish:
            name = "swish_handle_redirect_or_display_qr_code"
            page = {"type": name, name: {"hosted_instructions_url": payment.page}}
        return {
            "id": f"pi_{payment.id}",
            "object": "payment_intent",
            "amount": _wire(payment.amount),
            "amount_capturable": _wire(Money(book.reserved, payment.amount.currency)),
            "amount_received": _wire(Money(book.captured, payment.amount.currency)),
            "cancellation_reason": by if status == "canceled" else None,
            "capture_method": "automatic" if is_swish else "manual",
            "client_secret": f"pi_{payment.id}_secret_simulated",
            "confirmation_method": "automatic",
            "created": int(self._born[payment.merchant_reference].timestamp()),
            "currency": payment.amount.currency.lower(),
            "last_payment_error": failed if status == "requires_payment_method" else None,
            "latest_charge": self._charged(payment) if book.authorised else None,
            "livemode": False,
            "metadata": {"checkoutflow_reference": payment.merchant_reference},
            "next_action": page if status == "requires_action" else None,
            "payment_method_types": [payment.method],
            "status": status,
        }

    def _status(self, payment: BankPayment) -> str:
        book = payment.book
        match payment.state:
            case State.AUTHORISED if book.captured:
                return "succeeded"
            case State.AUTHORISED:
                return "requires_capture" if book.reserved else "canceled"
            case State.CANCELLED:
                return "canceled"
            case State.DECLINED | State.EXPIRED:
                return "requires_payment_method"
            case _:
                return "requires_action" if payment.is_waiting else "processing"

    def _charged(self, payment: BankPayment) -> dict[str, Any]:
        return _charge(payment, self._now, self._opinion)

    def _notice(self, payment: BankPayment, kind: str, amount: Money, key: str | None) -> bytes:
        view = self._view(payment)
        event, shown = _EVENTS[kind]
        about: object = self._charged(payment) if shown == "charge" else view["intent"]
        if shown == "refund":
            about = next(item for item in view["refunds"]["data"] if item["id"] == _named(key))
        elif about is None:
            event, about = "checkout.session.expired", view["session"]
        del amount
        return self._event(event, about, key)

    def _event(self, kind: str, about: object, key: str | None) -> bytes:
        body = {
            "id": f"evt_{len(self._posted) + 1:024}",
            "object": "event",
            "api_version": VERSION,
            "created": int(self._now.timestamp()),
            "data": {"object": about},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": key},
            "type": kind,
        }
        return json.dumps(body).encode()

    def _signed(self, posted: Posted) -> tuple[dict[str, str], bytes]:
        moment = int(self._clock().timestamp())
        text = f"{moment}.".encode() + posted.body
        key = f"whsec_{self._secret}".encode()
        signature = hmac.new(key, text, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json; charset=utf-8",
            "stripe-signature": f"t={moment},v1={signature}",
        }
        return headers, posted.body

    def _reference(self, number: str) -> str:
        """Our reference of what they call so."""
        for payment in self._ledger.payments.values():
            if number in {f"cs_test_{payment.id}", f"pi_{payment.id}"}:
                return payment.merchant_reference
        for mandate in self._mandates.values():
            if number == f"cs_test_{mandate.id}":
                return mandate.reference
        raise Refusal(404, "payment_not_found")

    def _kept(self, card: str) -> BankMandate:
        found = [mandate for mandate in self._mandates.values() if mandate.token == card]
        if not found:
            raise Refusal(404, "payment_not_found")
        return found[0]


def _charge(payment: BankPayment, now: datetime, opinion: Opinion) -> dict[str, Any]:
    """What is released counts as given back, as at the real one."""
    book, currency = payment.book, payment.amount.currency
    gone = book.refunded + book.voided
    until = payment.until or now
    card: dict[str, object] = {
        "capture_before": int(until.timestamp()),
        "country": opinion.country or None,
        "exp_month": 12,
        "exp_year": 2030,
        "fingerprint": opinion.card or None,
    }
    return {
        "id": f"ch_{payment.id}",
        "object": "charge",
        "amount": _wire(payment.amount),
        "amount_captured": _wire(Money(book.captured, currency)),
        "amount_refunded": _wire(Money(gone, currency)),
        "billing_details": {},
        "captured": book.captured > 0,
        "created": int(now.timestamp()),
        "currency": currency.lower(),
        "disputed": False,
        "livemode": False,
        "metadata": {"checkoutflow_reference": payment.merchant_reference},
        "outcome": {"risk_level": opinion.word or "not_assessed", "type": "authorized"},
        "paid": True,
        "payment_intent": f"pi_{payment.id}",
        "payment_method_details": {
            "type": payment.method,
            payment.method: card if payment.method == "card" else {},
        },
        "refunded": gone >= payment.amount.minor,
        "status": "succeeded",
    }


def _card(mandate: BankMandate) -> dict[str, Any]:
    is_kept = mandate.state is MandateState.ACTIVE
    return {
        "id": mandate.token,
        "object": "payment_method",
        "billing_details": {},
        "created": 1,
        "customer": f"cus_{mandate.id}" if is_kept else None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }


def _refund(payment: BankPayment, item: BankOperation, now: datetime) -> dict[str, Any]:
    statuses = {Status.PROCESSING: "pending", Status.DONE: "succeeded", Status.FAILED: "failed"}
    status = statuses[item.status]
    ours = {"checkoutflow_reference": payment.merchant_reference, "checkoutflow_attempt": item.key}
    return {
        "id": _named(item.key),
        "object": "refund",
        "amount": _wire(item.amount),
        "balance_transaction": f"txn_{payment.id}" if status == "succeeded" else None,
        "charge": f"ch_{payment.id}",
        "created": int(now.timestamp()),
        "currency": payment.amount.currency.lower(),
        "metadata": ours if item.key else {},
        "payment_intent": f"pi_{payment.id}",
        "reason": None,
        "status": status,
        **({"failure_reason": item.reason} if item.reason else {}),
    }


def _named(key: str | None) -> str:
    return f"re_{hashlib.sha256((key or '').encode()).hexdigest()[:24]}"


def _wire(amount: Money) -> int:
    return amount.minor * (100 if amount.currency == "ISK" else 1)


def _money(wire: int, currency: str) -> Money:
    factor = 100 if currency.upper() == "ISK" else 1
    if wire % factor:
        raise Refusal(400, "fractions", [("amount", "must be evenly divisible by 100")])
    return Money(wire // factor, currency.upper())


def _field(request: httpx.Request, name: str) -> str:
    """One field of a form, to tell what kind of a form it is."""
    return dict(parse_qsl(request.content.decode())).get(name, "")


def _read(form: _Form, request: httpx.Request) -> dict[str, str]:
    """Read a form with names in brackets, as ``a[b][0]``: exactly the fields that it has."""
    if request.headers.get("content-type") != "application/x-www-form-urlencoded":
        raise Refusal(400, "not_a_form")
    given = dict(parse_qsl(request.content.decode(), keep_blank_values=True))
    written = {name.removesuffix("?"): how for name, how in form.items()}
    places = {name: re.sub(r"\[[0-9]{1,2}\]", "[#]", name) for name in given}
    missing = form.keys() - {*places.values(), *(name for name in form if name.endswith("?"))}
    wrong = [
        name
        for name, value in given.items()
        if not re.fullmatch(written.get(places[name], "(?!)"), value, re.DOTALL)
    ]
    if problems := [*sorted(missing), *wrong]:
        raise Refusal(400, "invalid_request", [(name, "is missing or wrong") for name in problems])
    return given
