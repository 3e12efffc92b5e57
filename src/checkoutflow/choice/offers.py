"""What a customer is offered: plain values, and how to find one among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from checkoutflow.choice.steer import NO_WISH
from checkoutflow.payment.credit.apr import rounded

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from checkoutflow.choice.steer import Wish
    from checkoutflow.choice.words import Explanation, Refusal
    from checkoutflow.delivery import Delivery
    from checkoutflow.law.credit import Duty
    from checkoutflow.money import Money
    from checkoutflow.payment.credit.plans import Plan
    from checkoutflow.payment.credit.scope import Classification
    from checkoutflow.payment.methods import Way
    from checkoutflow.texts import Text


@dataclass(frozen=True, slots=True)
class CreditOffer:
    """What paying later means.

    Attributes:
        creditor: Who lends, as the customer knows them.
        cash_price: What would be paid at once instead, VAT included.
        credit: What of it is put off.
        due: When the bill or the first instalment is due, if the goods were delivered on the day
            of the contract.
        plan: The instalments, where there are any.
        apr: Annual percentage rate of charge, in per cent, exact.
        payments: How many payments there are.
        total_payable: All payments together.
        classification: Whether it is regulated credit, and the duties that follow; None for a
            business, which the rules on consumer credit do not protect.
    """

    creditor: str
    cash_price: Money
    credit: Money
    due: date
    plan: Plan | None
    apr: Decimal
    payments: int
    total_payable: Money
    classification: Classification | None

    @property
    def duties(self) -> tuple[Duty, ...]:
        """What the law asks of whoever offers it."""
        return self.classification.duties if self.classification else ()

    @property
    def needs_consent(self) -> bool:
        """Whether the customer must agree to the credit by an act of its own."""
        return "active_consent" in self.duties

    @property
    def is_regulated(self) -> bool:
        """Whether the law on consumer credit holds for it, all of it or a lighter part."""
        word = self.classification.word if self.classification else ""
        return word in {"consumer_credit", "light_regime"}

    @property
    def cost(self) -> Money:
        """What of the payments is the cost of the credit."""
        return self.total_payable - self.credit

    @property
    def shown_apr(self) -> Decimal:
        """The APR with one decimal, as it is shown."""
        return rounded(self.apr)


@dataclass(frozen=True, slots=True)
class DeliveryOption:
    """A way of delivery that can be chosen.

    Attributes:
        price: What it costs, with or without VAT as the cart's prices are.
        total: Goods and delivery together, VAT included, before what a way to pay adds.
        recommendation: The shop's words beside it.
        is_preselected: Whether it may be shown as chosen beforehand.
    """

    delivery: Delivery
    price: Money
    total: Money
    rank: int = 0
    recommendation: Text | None = None
    is_preselected: bool = False

    @property
    def id(self) -> str:
        """The shop's name for it."""
        return self.delivery.id


@dataclass(frozen=True, slots=True)
class PaymentOption:
    """A way to pay that can be chosen.

    Attributes:
        fee: What the law leaves of its fee, with or without VAT as the cart's prices are.
        discount: What the law leaves of its discount, as the cart's prices are.
        total: What the customer would pay in all, VAT included.
        recommendation: The shop's words beside it.
        is_preselected: Whether it may be shown as chosen beforehand.
        credit: What it means as a credit, where it is one.
    """

    way: Way
    fee: Money
    discount: Money
    total: Money
    wish: Wish = NO_WISH
    recommendation: Text | None = None
    is_preselected: bool = False
    credit: CreditOffer | None = None

    @property
    def id(self) -> str:
        """The shop's name for it."""
        return self.way.id


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen, in the order in which to show it.

    Attributes:
        deliveries: Ways of delivery.
        payments: Ways to pay what credits do not cover.
        vouchers: Gift cards and store credits that can cover part of the total.
        refused: What the shop has and does not offer here, each with the reason.
        explanations: What the law changed of what the shop's rules asked for.
    """

    deliveries: tuple[DeliveryOption, ...]
    payments: tuple[PaymentOption, ...]
    vouchers: tuple[Way, ...]
    refused: tuple[Refusal, ...]
    explanations: tuple[Explanation, ...]

    def delivery(self, delivery_id: str) -> DeliveryOption | None:
        """The way of delivery with this id, if it can be chosen."""
        return next((option for option in self.deliveries if option.id == delivery_id), None)

    def payment(self, method_id: str) -> PaymentOption | None:
        """The way to pay with this id, if it can be chosen."""
        return next((option for option in self.payments if option.id == method_id), None)

    def refusal(self, thing_id: str) -> Refusal | None:
        """Why this one is not offered, if it is not."""
        return next((refusal for refusal in self.refused if refusal.id == thing_id), None)

    def about(self, thing_id: str) -> tuple[Explanation, ...]:
        """What the law changed of this one."""
        return tuple(item for item in self.explanations if item.about == thing_id)
