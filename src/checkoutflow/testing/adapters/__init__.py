"""Checks that hold every provider adapter to the contract, ours or anyone's.

A check is a plain function of an `AdapterCase`: it passes, or raises ``AssertionError`` saying what
to change in the adapter. A check about something that the capabilities do not offer passes.
How to fill in a case: ``docs/how-to/write-your-own-adapter.md``.

>>> [check.__name__ for check in ADAPTER_CHECKS][:2]
['name_and_capabilities_are_well_formed', 'what_is_not_offered_is_refused_before_a_request']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checkoutflow.testing.adapters.answers import (
    a_lost_answer_stays_lost,
    answers_about_something_else_are_never_believed,
    broken_answers_are_never_success,
    credentials_never_show,
    operations_share_nothing,
    references_stay_in_their_place,
    the_same_order_gives_the_same_bytes,
    unknown_words_are_not_guessed,
)
from checkoutflow.testing.adapters.case import NOW, AdapterCase, Handler, Stage, exchange, performed
from checkoutflow.testing.adapters.mandates import (
    a_charge_is_a_payment_like_any_other,
    a_mandate_is_given_by_the_customer_only,
    a_mandate_that_is_not_given_yet_is_waited_for,
    an_ended_mandate_takes_nothing,
)
from checkoutflow.testing.adapters.money import (
    a_customer_who_has_not_decided_is_waited_for,
    a_no_is_declined,
    a_stranger_is_not_found,
    a_void_releases_what_is_not_captured,
    an_authorisation_shows_in_the_standing,
    another_key_does_it_again,
    captures_add_up,
    name_and_capabilities_are_well_formed,
    refunds_add_up,
    the_same_key_does_it_once,
    what_is_not_offered_is_refused_before_a_request,
)
from checkoutflow.testing.adapters.notices import (
    a_changed_notice_is_untrusted,
    a_foreign_notice_is_untrusted,
    a_genuine_notice_is_read,
    an_old_notice_is_untrusted,
    signatures_are_compared_in_constant_time,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ADAPTER_CHECKS", "NOW", "AdapterCase", "Handler", "Stage", "exchange", "performed"]

ADAPTER_CHECKS: Final[tuple[Callable[[AdapterCase], None], ...]] = (
    name_and_capabilities_are_well_formed,
    what_is_not_offered_is_refused_before_a_request,
    the_same_order_gives_the_same_bytes,
    an_authorisation_shows_in_the_standing,
    a_customer_who_has_not_decided_is_waited_for,
    a_no_is_declined,
    captures_add_up,
    refunds_add_up,
    a_void_releases_what_is_not_captured,
    the_same_key_does_it_once,
    another_key_does_it_again,
    a_stranger_is_not_found,
    a_mandate_is_given_by_the_customer_only,
    a_mandate_that_is_not_given_yet_is_waited_for,
    a_charge_is_a_payment_like_any_other,
    an_ended_mandate_takes_nothing,
    operations_share_nothing,
    a_lost_answer_stays_lost,
    broken_answers_are_never_success,
    answers_about_something_else_are_never_believed,
    unknown_words_are_not_guessed,
    references_stay_in_their_place,
    a_genuine_notice_is_read,
    a_changed_notice_is_untrusted,
    an_old_notice_is_untrusted,
    a_foreign_notice_is_untrusted,
    signatures_are_compared_in_constant_time,
    credentials_never_show,
)
