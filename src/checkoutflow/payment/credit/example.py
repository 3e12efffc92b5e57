"""What a customer reads about credit before choosing it: an example and the warnings of the law.

Source: Directive (EU) 2023/2225, art. 8 (advertising: standard information by a representative
example, and a warning that borrowing costs money); for Sweden act 2010:1846 s. 7 b and the
consumer agency's KOVFS 2025:1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checkoutflow.texts import locale_of, mark, percent_text, translate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from checkoutflow.law.credit import Duty
    from checkoutflow.money import Money
    from checkoutflow.payment.credit.plans import Plan

# What the customer has to read where a duty is to warn.
WARNINGS: Final[dict[Duty, str]] = {
    # Translators: the words are a matter of law (Directive (EU) 2023/2225, article 8).
    "borrowing_warning": mark("Caution! Borrowing money costs money."),
    # Translators: the words are a matter of Swedish law (KOVFS 2025:1); keep to them in Swedish.
    "cost_and_risk_notice": mark(
        "Borrowing costs money! If you cannot pay the debt back in time, you risk a record of "
        "non-payment. That can make it hard to rent a home, to take out subscriptions and to get "
        "new loans. For support, turn to the budget and debt advice of your municipality. Contact "
        "details are at konsumentverket.se."
    ),
}


def warnings(duties: Iterable[Duty], locale: str) -> tuple[str, ...]:
    """The warnings that some of these duties ask for, in this locale's language."""
    return tuple(translate(WARNINGS[duty], locale) for duty in duties if duty in WARNINGS)


def representative_example(
    plan: Plan, *, creditor: str, locale: str, cash_price: Money | None = None
) -> str:
    """What a plan asks for, as the law wants it beside any figure about credit.

    Args:
        plan: An example of what is on offer, or the very plan.
        creditor: Name of whoever gives the credit.
        locale: ``da_DK``, ``nb`` or the like; of the language, the amounts and the percentages.
        cash_price: What the goods cost who pays at once; by default what is put off. What is more
            is paid in advance, as by a gift card.

    Returns:
        A heading and one fact a line. Fees stand there where there are any, and the last instalment
        where it differs from the others.
    """
    formats = locale_of(locale)
    price = plan.credit if cash_price is None else cash_price
    facts = [
        # Translators: the heading of an example of credit that the law asks for, a fact a line.
        mark("Representative example"),
        # Translators: who gives the credit.
        mark("Creditor: {creditor}"),
        # Translators: what the goods cost who pays at once.
        mark("Cash price: {price}"),
    ]
    if price != plan.credit:
        # Translators: the part of the price that is paid beforehand and not borrowed.
        facts.append(mark("Advance payment: {advance}"))
    facts += [
        # Translators: what the customer borrows (directive: "total amount of credit").
        mark("Amount of credit: {credit}"),
        mark("Number of monthly instalments: {months}"),
        # Translators: what is paid every month, everything included.
        mark("Monthly instalment: {payment}"),
    ]
    if plan.last_payment != plan.regular_payment:
        facts.append(mark("Last instalment: {last}"))
    # Translators: nominal interest, without fees (directive: "borrowing rate").
    facts.append(mark("Fixed borrowing rate: {nominal} a year"))
    if not plan.setup_fee.is_zero:
        # Translators: paid once, at the beginning.
        facts.append(mark("Set-up fee: {setup_fee}"))
    if not plan.monthly_fee.is_zero:
        facts.append(mark("Monthly fee, included in the instalments: {monthly_fee}"))
    facts += [
        # Translators: all interest and fees together.
        mark("Total cost of credit: {cost}"),
        # Translators: the term of the law for the rate with all costs in it (Danish: ÅOP).
        mark("Annual percentage rate of charge (APR): {apr}"),
        # Translators: what is borrowed and all costs together.
        mark("Total amount payable: {total}"),
    ]
    values = {
        "creditor": creditor,
        "price": price.format(formats),
        "advance": (price - plan.credit).format(formats),
        "credit": plan.credit.format(formats),
        "months": plan.months,
        "payment": plan.regular_payment.format(formats),
        "last": plan.last_payment.format(formats),
        "nominal": percent_text(plan.nominal_percent, formats),
        "setup_fee": plan.setup_fee.format(formats),
        "monthly_fee": plan.monthly_fee.format(formats),
        "cost": plan.cost.format(formats),
        # The law wants one decimal, also where it is 0.
        "apr": percent_text(plan.shown_apr, formats, decimals=1),
        "total": plan.total_payable.format(formats),
    }
    return "\n".join(translate(fact, locale).format(**values) for fact in facts)
