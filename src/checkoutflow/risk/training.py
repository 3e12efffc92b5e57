"""Make a shop's model: what every signal may say, a trial, and the model that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checkoutflow.review.signals import SIGNALS
from checkoutflow.risk.learning import Study, learn
from checkoutflow.risk.report import document
from checkoutflow.risk.trial import rehearse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from checkoutflow.review.score import ScoreModel
    from checkoutflow.risk.rows import Row
    from checkoutflow.risk.trial import Trial


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Signals of which more never speaks for an order, whatever chance says in a shop's few rows.
WARNINGS: Final = _words(
    """
    address_differs address_orders_day card_chargebacks card_country_differs card_orders_day cards
    contact_orders_day declines delivery_country_differs disposable_email earlier_chargebacks
    earlier_rejections earlier_unpaid easily_resold forwarder network_country_differs
    network_orders_day new_customer phone_country_differs provider_risk same_goods_at_address
    same_goods_by_contact tries
    """
)
# And of which more never speaks against one.
REASSURANCES: Final = _words("earlier_approvals")
# Amounts of different currencies are no one scale; and the shop's lists act by themselves.
LEFT_OUT: Final = _words("value on_allow_list on_block_list")


def standard_study(*, settle_days: int = 60, seed: int = 0) -> Study:
    """How a model is learned from the signals that this library works out.

    Args:
        settle_days: Days after which an order of which nothing was heard counts as harmless.
        seed: Of the library's dice.
    """
    return Study(
        meanings={name: signal.meaning for name, signal in SIGNALS.items()},
        directions={**dict.fromkeys(WARNINGS, 1), **dict.fromkeys(REASSURANCES, -1)},
        left_out=LEFT_OUT,
        settle_days=settle_days,
        seed=seed,
    )


def train(
    rows: Sequence[Row], at: datetime, study: Study, *, percent: float
) -> tuple[ScoreModel, Trial]:
    """Make a model, and measure how well its way of learning does on orders it has not seen.

    Args:
        rows: Orders, in any order.
        at: Now.
        study: How to learn.
        percent: How many of a hundred orders people can look at.

    Returns:
        The model, with its figures in it, and the trial that they are from.

    Raises:
        UsageError: If the extra is not installed, or there is too little to learn from.
    """
    model = learn(rows, at, study)
    trial = rehearse(rows, at, study, percent=percent)
    return model.but(figures=document(trial)), trial
