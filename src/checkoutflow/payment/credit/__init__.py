"""Credit: what putting payment off costs, when it is a consumer credit, and what caps its cost.

All of it is arithmetic on what is passed in: amounts, terms, dates and the tables of law.
``docs/explanation/credit.md`` tells how.
"""

from __future__ import annotations

from checkoutflow.payment.credit.apr import annual_percentage_rate as annual_percentage_rate
from checkoutflow.payment.credit.apr import deferral_apr as deferral_apr
from checkoutflow.payment.credit.apr import rounded as rounded
from checkoutflow.payment.credit.caps import BrokenCap as BrokenCap
from checkoutflow.payment.credit.caps import broken_caps as broken_caps
from checkoutflow.payment.credit.caps import broken_caps_of_deferral as broken_caps_of_deferral
from checkoutflow.payment.credit.caps import check as check
from checkoutflow.payment.credit.caps import may_advertise as may_advertise
from checkoutflow.payment.credit.example import representative_example as representative_example
from checkoutflow.payment.credit.example import warnings as warnings
from checkoutflow.payment.credit.intervals import Interval as Interval
from checkoutflow.payment.credit.intervals import interval as interval
from checkoutflow.payment.credit.intervals import months_after as months_after
from checkoutflow.payment.credit.plans import Instalment as Instalment
from checkoutflow.payment.credit.plans import Plan as Plan
from checkoutflow.payment.credit.plans import PlanTerms as PlanTerms
from checkoutflow.payment.credit.plans import plan_of as plan_of
from checkoutflow.payment.credit.scope import Classification as Classification
from checkoutflow.payment.credit.scope import classify as classify
