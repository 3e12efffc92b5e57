"""A simulated bank: a payment provider to sell with, and the truth in tests.

It has a bearer key, idempotency keys, problem JSON, signed notices and a page where the customer
decides, as real providers do.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

import httpx

from checkoutflow.privacy.secret import Secret
from checkoutflow.providers.simulated_bank import (
    CAPABILITIES,
    SimulatedBankConfig,
    SimulatedBankProvider,
)
from checkoutflow.testing.bank.wire import (
    METHODS,
    Agree,
    Charge,
    Create,
    Empty,
    FirstCharge,
    Modify,
    amount_view,
    mandate_view,
    operation_view,
    problem,
    read,
    view,
)
from checkoutflow.testing.standins.base import StandIn
from checkoutflow.testing.standins.book import BankPayment, Fate, Kind, Refusal, Status
from checkoutflow.testing.standins.faults import Names
from checkoutflow.testing.standins.mandates import BankMandate, MandateState

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from checkoutflow.money import Money
    from checkoutflow.payment.capabilities import Capabilities
    from checkoutflow.testing.standins.base import Posted


class SimulatedBank(StandIn):
    """A payment provider in memory.

    Args:
        clock: Bank time, as an aware ``datetime``.
        api_key: What the merchant's requests must carry.
        notice_secret: What notices are signed with.
        remembers_keys: Whether a repeat under the same key gets the first answer. A bank that does
            not remember does everything again, also an authorisation.
        can_be_asked: Whether a payment can be looked up.
        authorisation_s: How long money stays reserved. Default 7 days.
        decision_s: How long a customer has to decide. Default 10 minutes.
        key_s: How long a key is remembered. Default 24 hours.
    """

    _title = "Simulated bank"
    _names: ClassVar[Names] = Names(
        amounts=frozenset({"value"}),
        currencies=frozenset({"currency"}),
        words=frozenset({"state", "status"}),
        ids=frozenset({"id", "merchant_reference"}),
        references=frozenset({"merchant_reference"}),
    )
    # A malformed request decided nothing.
    _decided = frozenset({201, 202, 422})

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        api_key: str = "simulated-bank-api-key",
        notice_secret: str = "simulated-bank-notice-secret",  # noqa: S107 - opens nothing real
        remembers_keys: bool = True,
        can_be_asked: bool = True,
        authorisation_s: int = 7 * 86_400,
        decision_s: int = 600,
        key_s: int = 86_400,
    ) -> None:
        """Open the bank with an empty book."""
        super().__init__(
            clock,
            remembers_keys=remembers_keys,
            can_be_asked=can_be_asked,
            authorisation_s=authorisation_s,
            decision_s=decision_s,
            key_s=key_s,
        )
        self._api_key = api_key
        self._notice_secret = notice_secret
        self._agreements: dict[str, Agree] = {}  # what was asked for, by the mandate's reference

    def provider(self, base_url: str = "https://bank.example") -> SimulatedBankProvider:
        """An adapter for this bank, with its address, its credentials and what it really can."""
        config = SimulatedBankConfig(
            base_url=base_url,
            api_key=Secret(self._api_key),
            notice_secret=Secret(self._notice_secret),
        )
        return SimulatedBankProvider(config, self.capabilities)

    @property
    def capabilities(self) -> Capabilities:
        """What this bank can do, as it was opened."""
        repeat_s = int(self._key_life.total_seconds()) if self._remembers_keys else 0
        claims = {
            "can_be_asked": self._can_be_asked,
            "repeat_s": repeat_s,
        }
        return CAPABILITIES.model_copy(update=claims)

    def issue_gift_card(self, code: str, amount: Money) -> None:
        """Bring a gift card into the world."""
        with self._open() as ledger:
            ledger.gift_cards[code] = amount

    def gift_card_balance(self, code: str) -> Money:
        """What can still be paid with a gift card."""
        with self._open() as ledger:
            return ledger.balance(code)

    # --- how it speaks -------------------------------------------------------------------------

    def _route(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        """Answer a request of the merchant, or of someone in the portal."""
        if not self._is_merchant(request):
            raise Refusal(401, "unauthorised")
        match request.method, parts:
            case "POST", ["v1", "payments"]:
                return self._perform(request, Kind.AUTHORISE, _key_of(request), self._create)
            case "GET", ["v1", "payments", reference] if self._can_be_asked:
                return self._look_up(request, reference)
            case "POST", ["v1", "payments", reference, word] if word in _KINDS:
                kind = _KINDS[word]
                work = partial(self._modify, kind, reference)
                return self._perform(request, kind, _key_of(request), work)
            case "POST", ["v1", "mandates"]:
                return self._perform(request, Kind.AUTHORISE, _key_of(request), self._ask_leave)
            case "GET", ["v1", "mandates", reference]:
                return self._look_up_mandate(request, self._mandate(reference))
            case "POST", ["v1", "mandates", reference, "charges"]:
                work = partial(self._charge, self._mandate(reference))
                return self._perform(request, Kind.AUTHORISE, _key_of(request), work)
            case "POST", ["v1", "mandates", reference, "end"]:
                work = partial(self._end, self._mandate(reference))
                return self._perform(request, Kind.VOID, _key_of(request), work)
            case "POST", ["portal", "payments", reference, word] if word in _KINDS:
                self._modify(_KINDS[word], reference, request, None, Fate())
                return httpx.Response(201, json=self._view(self._payment(reference)))
            case _:
                raise Refusal(404, "no_such_resource")

    def _refused(self, refusal: Refusal) -> httpx.Response:
        """Problem JSON."""
        return problem(refusal.status, refusal.code, refusal.problems)

    def _view(self, payment: BankPayment) -> object:
        """The payment with its aggregates and operations."""
        return view(payment, self._opinion)

    def _notice(self, payment: BankPayment, kind: str, amount: Money, key: str | None) -> bytes:
        """What happened, and to which payment."""
        body = {
            "id": f"evt_{len(self._posted) + 1:06}",
            "type": kind,
            "created": self._now.isoformat(),
            "merchant_reference": payment.merchant_reference,
            "payment_id": payment.id,
            "amount": amount_view(amount.minor, amount.currency),
            "idempotency_key": key,
        }
        return json.dumps(body).encode()

    def _signed(self, posted: Posted) -> tuple[dict[str, str], bytes]:
        """Signed over the time and the raw body."""
        moment = int(self._clock().timestamp())
        content = f"{moment}.".encode() + posted.body
        digest = hmac.new(self._notice_secret.encode(), content, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json",
            "bank-signature": f"t={moment},v1={digest}",
        }
        return headers, posted.body

    def _is_merchant(self, request: httpx.Request) -> bool:
        shown = request.headers.get("authorization", "").encode()
        return hmac.compare_digest(shown, f"Bearer {self._api_key}".encode())

    def _create(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        order = read(Create, request)
        order.check()
        wanted = BankPayment(
            id=f"pay_{self._count + 1:06}",
            merchant_reference=order.merchant_reference,
            amount=order.amount.money,
            method=order.method,
            return_url=order.return_url,
            instrument=order.instrument,
            page="",
            is_waiting=METHODS[order.method] != "",
        )
        return self._reserve(request, key, fate, wanted)

    def _reserve(
        self, request: httpx.Request, key: str, fate: Fate, wanted: BankPayment
    ) -> httpx.Response:
        payment, operation = self._create_payment(request, key, fate, wanted)
        is_processing = operation.status is Status.PROCESSING and not payment.is_waiting
        return httpx.Response(202 if is_processing else 201, json=view(payment, self._opinion))

    def _modify(
        self, kind: Kind, reference: str, request: httpx.Request, key: str | None, fate: Fate
    ) -> httpx.Response:
        self._payment(reference)  # an unknown payment is told before a bad body
        amount = None
        if kind is Kind.VOID:
            read(Empty, request)
        else:
            amount = read(Modify, request).amount.money
        payment, operation = self._modify_payment(kind, reference, amount, key, fate)
        status = 202 if operation.status is Status.PROCESSING else 201
        both = {"operation": operation_view(operation), "payment": view(payment, self._opinion)}
        return httpx.Response(status, json=both)

    # --- mandates ------------------------------------------------------------------------------

    def _ask_leave(self, request: httpx.Request, key: str, fate: Fate) -> httpx.Response:
        """Open a mandate; a first payment waits for the same decision, on the same page."""
        order = read(Agree, request)
        first = order.first
        if first is not None:
            self._allow(order, first)
            if first.merchant_reference in self._ledger.payments:
                raise Refusal(409, "reference_taken")
        if self._agreements.setdefault(order.merchant_reference, order) != order:
            raise Refusal(409, "reference_taken")
        number = len(self._mandates) + 1
        mandate = self._open_mandate(
            request,
            BankMandate(
                reference=order.merchant_reference,
                id=f"man_{number:06}",
                token=f"leave-{number:06}",
                return_url=order.return_url,
            ),
        )
        if first is not None:
            payment = self._unpaid(first, order.method)
            payment.page, payment.is_waiting = mandate.page, True
            self._ledger.create(payment, key, fate)
        return httpx.Response(201, json=self._shown(mandate))

    def _agreed(self, mandate: BankMandate) -> None:
        """The first payment is decided with the mandate, unless its time had run out."""
        first = self._agreements[mandate.reference].first
        if first is not None:
            with self._open() as ledger:
                is_given = mandate.state is MandateState.ACTIVE
                ledger.decide(self._payment(first.merchant_reference), approve=is_given)

    def _charge(
        self, mandate: BankMandate, request: httpx.Request, key: str, fate: Fate
    ) -> httpx.Response:
        order = read(Charge, request)
        agreement = self._agreements[mandate.reference]
        is_theirs = hmac.compare_digest(order.token.encode(), mandate.token.encode())
        if not is_theirs or mandate.state is not MandateState.ACTIVE:
            raise Refusal(422, "mandate_not_active")
        self._allow(agreement, order)
        return self._reserve(request, key, fate, self._unpaid(order, agreement.method))

    @staticmethod
    def _allow(agreement: Agree, order: FirstCharge) -> None:
        """See that the customer agreed to such a payment.

        Raises:
            Refusal: If its currency is another one, it is too high, or its lines do not add up.
        """
        order.check()
        if order.amount.currency != agreement.maximum.currency:
            raise Refusal(422, "wrong_currency")
        if order.amount.value > agreement.maximum.value:
            raise Refusal(422, "amount_too_high")

    def _end(
        self, mandate: BankMandate, request: httpx.Request, _key: str, _fate: Fate
    ) -> httpx.Response:
        """End a mandate, before the customer decided or later."""
        read(Empty, request)
        self._agree(mandate, approve=False)
        mandate.state = MandateState.ENDED
        return httpx.Response(201, json=self._shown(mandate))

    def _look_up_mandate(self, request: httpx.Request, mandate: BankMandate) -> httpx.Response:
        """As for payments, with the faults that are planned for look-ups."""
        name = f"mandate {mandate.reference}"
        _, before = self._views.get(name, (None, None))
        self._views[name] = before, self._shown(mandate)
        return self._look_up(request, name)

    def _shown(self, mandate: BankMandate) -> dict[str, object]:
        return mandate_view(mandate, self._agreements[mandate.reference].method)

    def _unpaid(self, order: FirstCharge, method: str) -> BankPayment:
        """A payment that asks nobody."""
        return BankPayment(
            id=f"pay_{self._count + 1:06}",
            merchant_reference=order.merchant_reference,
            amount=order.amount.money,
            method=method,
            return_url="",
            instrument=None,
            page="",
            is_waiting=False,
        )


def _key_of(request: httpx.Request) -> str:
    key: str = request.headers.get("idempotency-key", "")
    if not _KEY.fullmatch(key):
        raise Refusal(400, "invalid_key")
    return key


_KINDS: Final = MappingProxyType(
    {"captures": Kind.CAPTURE, "voids": Kind.VOID, "refunds": Kind.REFUND}
)
_KEY: Final = re.compile(r"[a-z0-9-]{1,40}")
