"""What a data file of rules holds: rows of any kind."""

from __future__ import annotations

from checkoutflow.law.banking import BankingDay
from checkoutflow.law.choice import (
    AddOnRule,
    ButtonWords,
    DiscountRule,
    FeeRule,
    PresentationRule,
)
from checkoutflow.law.credit import CreditCap, CreditScope, ReferenceRate
from checkoutflow.law.insurance import AncillaryLimits, EuroRate, PremiumTax
from checkoutflow.law.retention import RetentionRule
from checkoutflow.law.rules import Market, Rule, VatRate
from checkoutflow.law.windows import AuthorisationWindow
from checkoutflow.model import Frozen


class Rows(Frozen):
    """Rows by kind, as in the tables of the library and in a shop's own."""

    vat: tuple[VatRate, ...] = ()
    market: tuple[Market, ...] = ()
    fee: tuple[FeeRule, ...] = ()
    discount: tuple[DiscountRule, ...] = ()
    presentation: tuple[PresentationRule, ...] = ()
    add_on: tuple[AddOnRule, ...] = ()
    button: tuple[ButtonWords, ...] = ()
    credit_scope: tuple[CreditScope, ...] = ()
    credit_cap: tuple[CreditCap, ...] = ()
    reference_rate: tuple[ReferenceRate, ...] = ()
    banking_day: tuple[BankingDay, ...] = ()
    window: tuple[AuthorisationWindow, ...] = ()
    retention: tuple[RetentionRule, ...] = ()
    premium_tax: tuple[PremiumTax, ...] = ()
    ancillary: tuple[AncillaryLimits, ...] = ()
    euro_rate: tuple[EuroRate, ...] = ()

    def rules(self) -> list[Rule]:
        """Every row, whatever its kind."""
        return [row for name in type(self).model_fields for row in getattr(self, name)]
