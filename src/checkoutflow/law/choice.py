"""Rules on what a customer may be charged for a way to pay, and on how ways to pay are shown.

Most go back to article 62 of the second payment services directive (2015/2366), which forbids fees
for the cards of consumers, lets countries go further, and never lets a provider stop a shop from
giving a discount.
"""

from __future__ import annotations

from typing import Final, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from checkoutflow.law.rules import Rule, Sentence
from checkoutflow.texts import Language

# What a way to pay is to the law.
Instrument = Literal[
    "consumer_debit_card",  # of a four-party scheme: Visa, Mastercard
    "consumer_credit_card",  # the same on credit
    "dankort",  # the Danish domestic scheme, a consumer's
    "commercial_card",
    "three_party_card",  # whose issuer is also the acquirer: American Express, Diners
    "credit_transfer",
    "direct_debit",
    "other_instrument",  # a payment instrument of another kind: a wallet's own money
    "invoice",
    "e_invoice",  # an invoice that reaches the customer's online bank by itself
    "payment_slip",  # a bill with a line to pay by (FIK)
    "bill_agreement",  # bills paid by standing agreement with the bank (Betalingsservice)
    "voucher",  # gift cards and the shop's own credit
    "unknown",
]
INSTRUMENTS: Final = frozenset(
    {
        "consumer_debit_card",
        "consumer_credit_card",
        "dankort",
        "commercial_card",
        "three_party_card",
        "credit_transfer",
        "direct_debit",
        "other_instrument",
    }
)
BILLS: Final = frozenset({"invoice", "e_invoice", "payment_slip", "bill_agreement"})

# Whether choosing it can mean to borrow. Finnish law knows these three tiers.
Tier = Literal["no_credit", "may_include_credit", "credit"]
TIERS: Final[tuple[Tier, ...]] = get_args(Tier)

# How high a fee may be, the strictest first: nothing; what issuing and sending a bill costs; what
# using the instrument costs the shop; what was agreed.
FeeLimit = Literal["nothing", "cost_of_billing", "cost", "agreed"]
FEE_LIMITS: Final[tuple[FeeLimit, ...]] = get_args(FeeLimit)

Customer = Literal["consumer", "business"]
EVERYONE: Final[frozenset[Customer]] = frozenset(get_args(Customer))


_SPELT: Final = {
    "dankort": "Dankort",
    "three_party_card": "three-party card",
    "e_invoice": "e-invoice",
}


def in_words(name: str) -> str:
    """The name of an instrument or a tier, for people to read."""
    return _SPELT.get(name, name.replace("_", " "))


class FeeRule(Rule):
    """How high a fee for a way to pay may be.

    Several rules may cover one instrument; the strictest holds, of equals the first.

    Attributes:
        id: Names the rule within its market.
        instruments: What it covers; ``any_instrument`` stands for everything that is a payment
            instrument in the directive's sense, which bills and vouchers are not.
        customers: Whose payments it covers.
        limit: How high the fee may be.
        needs_free_method: Whether a way to pay without a fee must be offered beside it.
    """

    id: str = Field(min_length=1, max_length=40)
    instruments: frozenset[Instrument | Literal["any_instrument"]] = Field(min_length=1)
    customers: frozenset[Customer] = EVERYONE
    limit: FeeLimit
    needs_free_method: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Its id."""
        return (self.id,)

    def covered(
        self, instruments: frozenset[Instrument], customer: Customer
    ) -> frozenset[Instrument]:
        """Of these instruments, those it says something about in this customer's hand."""
        if customer not in self.customers:
            return frozenset()
        if "any_instrument" in self.instruments:
            return instruments & (INSTRUMENTS | self.instruments)
        return instruments & self.instruments

    def statement(self) -> str:
        """What the rule says, in a few words."""
        what = ", ".join(sorted(map(in_words, self.instruments)))
        whose = "" if self.customers == EVERYONE else f" of a {', '.join(sorted(self.customers))}"
        limit = {
            "nothing": "no fee",
            "cost_of_billing": "a fee up to the cost of issuing and sending the bill",
            "cost": "a fee up to the shop's own cost",
            "agreed": "a fee that is agreed and in the total",
        }[self.limit]
        beside = ", with a way to pay that is free beside it" if self.needs_free_method else ""
        return f"{self.market}: {limit} for {what}{whose}{beside}"


class DiscountRule(Rule):
    """What the law says of a discount for choosing a way to pay.

    Attributes:
        id: Names the rule within its market.
        effect: ``allowed``; ``not_for_credit``: paying on credit is never cheaper than paying at
            once; ``bill_fee``: what others get and who pays by bill does not, counts as a fee for
            the bill.
        customers: Whose payments it covers.
        except_instruments: What it does not cover.
    """

    id: str = Field(min_length=1, max_length=40)
    effect: Literal["allowed", "not_for_credit", "bill_fee"]
    customers: frozenset[Customer] = EVERYONE
    except_instruments: frozenset[Instrument] = frozenset()

    @property
    def keys(self) -> tuple[str, ...]:
        """Its id."""
        return (self.id,)

    def statement(self) -> str:
        """What the rule says, in a few words."""
        return (
            f"{self.market}: "
            + {
                "allowed": "a discount for a way to pay is allowed and shown before paying",
                "not_for_credit": "no discount for paying on credit",
                "bill_fee": "a discount kept from who pays by bill counts as a fee for the bill",
            }[self.effect]
        )


class PresentationRule(Rule):
    """In which order ways to pay are shown to consumers, and what may be chosen for them.

    The row for every market is what satisfies all of them at once.

    Attributes:
        tiers: Groups of tiers in the order in which they are shown; within a group the shop's own
            order stands. Empty where the law has no order.
        preselect: What may be chosen before the customer does: nothing, all but credit, or all but
            credit that stands beside a way to pay that need not be credit.
        recommends_credit: Whether the shop's words may recommend paying on credit.
    """

    tiers: tuple[tuple[Tier, ...], ...] = ()
    preselect: Literal["nothing", "not_credit", "not_credit_if_avoidable"]
    recommends_credit: bool = False

    @field_validator("tiers")
    @classmethod
    def _has_each_once(cls, tiers: tuple[tuple[Tier, ...], ...]) -> tuple[tuple[Tier, ...], ...]:
        if tiers and sorted(tier for group in tiers for tier in group) != sorted(TIERS):
            raise ValueError(f"each of {', '.join(TIERS)} stands in one group")
        return tiers

    def place(self, tier: Tier) -> int:
        """Which group of the order a tier belongs to, from zero."""
        return next((i for i, group in enumerate(self.tiers) if tier in group), 0)

    def statement(self) -> str:
        """What the rule says, in a few words."""
        groups = [" or ".join(map(in_words, group)) for group in self.tiers]
        order = f"first {', then '.join(groups)}" if groups else "no order of its own"
        chosen = {
            "nothing": "nothing is chosen beforehand",
            "not_credit": "credit is never chosen beforehand",
            "not_credit_if_avoidable": "credit is not chosen beforehand if there is another way",
        }[self.preselect]
        praise = "" if self.recommends_credit else "; credit is not recommended"
        return f"{self.market}: {order}; {chosen}{praise}"


class AddOnRule(Rule):
    """That nothing that costs extra is chosen for the customer beforehand."""

    def statement(self) -> str:
        """What the rule says, in a few words."""
        return f"{self.market}: nothing that costs extra is chosen beforehand"


class ButtonWords(Rule):
    """What the button says with which a consumer orders, in one language.

    Only the words on the button count, so they are a matter of law and not of translation.

    Attributes:
        language: Whose words they are.
        strict: The words that leave no doubt.
        short: Shorter words, seen as sufficient.
        on_credit: The words that leave no doubt, and that say that the order is on credit.
    """

    language: Language
    strict: Sentence
    short: tuple[Sentence, ...] = Field(min_length=1)
    on_credit: Sentence

    @property
    def keys(self) -> tuple[str, ...]:
        """The language."""
        return (self.language,)

    @model_validator(mode="after")
    def _are_different(self) -> Self:
        if self.on_credit == self.strict:
            raise ValueError("on_credit says more than strict")
        return self

    def statement(self) -> str:
        """What the rule says, in a few words."""
        short = " or ".join(f"“{words}”" for words in self.short)
        return (
            f"the order button in {self.language} says “{self.strict}”, in short {short}; "
            f"for an order on credit “{self.on_credit}”"
        )
