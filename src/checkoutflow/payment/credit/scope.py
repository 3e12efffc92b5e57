"""Whether giving a consumer time to pay is a consumer credit, and which duties follow.

Ask for consumers only: what a business owes is no consumer credit.

Source: rows of ``law/tables/credit_scope.toml``, each with its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.errors import InvalidInput
from checkoutflow.law.credit import DUTIES, CreditScope

if TYPE_CHECKING:
    from datetime import date

    from checkoutflow.law import Law
    from checkoutflow.law.credit import Duty

Financer = Literal["shop", "provider"]
Scope = Literal["consumer_credit", "exempt_deferred_payment", "exempt_no_cost", "light_regime"]

_ADULT: Final = 18  # where no rule says otherwise


@dataclass(frozen=True, slots=True)
class Classification:
    """What a deferral is to the law of a market on a day.

    Attributes:
        word: ``consumer_credit``; or exempt, as a seller's own short deferral or because it costs
            nothing; or under the lighter rules that a country has for it.
        rule: The rule that says so; None where the law of the market is not known, and everything
            then counts as credit with every duty.
        duties: What has to be done, in the words of ``checkoutflow.law.credit``.
        reason: Why, in one sentence for the shop.
    """

    word: Scope
    rule: CreditScope | None
    duties: tuple[Duty, ...]
    reason: str

    @property
    def is_credit(self) -> bool:
        """Whether all of the law on consumer credit holds."""
        return self.word == "consumer_credit"

    @property
    def age(self) -> int:
        """Years a customer must have to be given time to pay, also where it is exempt."""
        return _ADULT if self.rule is None else self.rule.age


def classify(
    law: Law,
    market: str,
    on: date,
    *,
    days: int,
    financed_by: Financer,
    is_sme: bool,
    is_free: bool,
) -> Classification:
    """Say what giving a consumer time to pay is.

    Args:
        law: The tables, with the shop's own rows where it has any.
        market: Where the customer lives.
        on: Date of the contract.
        days: Days from delivery to the last payment.
        financed_by: ``provider`` if a third party gives the credit or buys the claim.
        is_sme: Whether the shop is a small or medium enterprise.
        is_free: Whether there is neither interest nor any charge, apart from what the law lets a
            creditor ask for late payment. A small charge is a charge.

    Raises:
        InvalidInput: If the days are negative.
    """
    if days < 0:
        raise InvalidInput("must not be negative", field="days")
    rule = next(iter(law.rules_of(CreditScope, market, on)), None)
    if rule is None:
        why = f"no rule on credit is known for {market} on {on}, so every deferral counts as credit"
        return Classification("consumer_credit", None, DUTIES, why)
    supplier_days = rule.days_of_supplier(is_sme=is_sme)
    word: Scope = "consumer_credit"
    duties = rule.duties
    if not is_free:
        why = "interest or a charge makes any deferral credit"
    elif rule.no_cost_is_outside:
        word, duties = "exempt_no_cost", ()
        why = "without interest and charges it is outside the law"
    elif rule.light_days and days <= rule.light_days:
        word, duties = "light_regime", rule.light_duties
        why = f"it is free and at most {rule.light_days} days long"
    elif financed_by == "provider":
        why = "a third party finances it"
    elif days > supplier_days:
        why = f"its {days} days after delivery are more than {supplier_days}"
    else:
        word, duties = "exempt_deferred_payment", ()
        why = f"the seller itself gives at most {supplier_days} days after delivery, free"
    return Classification(word, rule, (*duties, *rule.deferral_duties), why)
