"""Cover for what is sold: products as data, offers, policies and what insurers are told.

A shop sells insurance for an insurer, whose premium is never the shop's revenue, or a warranty of
its own, which is goods to the tax office. The law asks that it is not chosen beforehand, that it is
as easy to decline as to take, and that its document is there before it is bought.
"""

from __future__ import annotations

from checkoutflow.insurance.offers import Buying as Buying
from checkoutflow.insurance.offers import Found as Found
from checkoutflow.insurance.offers import Offer as Offer
from checkoutflow.insurance.offers import Refusal as Refusal
from checkoutflow.insurance.offers import find_offers as find_offers
from checkoutflow.insurance.policies import POLICY as POLICY
from checkoutflow.insurance.policies import CoverTerms as CoverTerms
from checkoutflow.insurance.policies import Entry as Entry
from checkoutflow.insurance.policies import Policy as Policy
from checkoutflow.insurance.policies import PolicyState as PolicyState
from checkoutflow.insurance.policies import PolicyStep as PolicyStep
from checkoutflow.insurance.products import Insurer as Insurer
from checkoutflow.insurance.products import Product as Product
