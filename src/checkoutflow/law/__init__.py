"""Dated country rules: data files with sources, and the reader that finds the one that holds.

The tables are TOML files in ``tables/``, one row a rule. `Law` finds rows by market and date, and
puts a shop's own rows before the library's. ``docs/how-to/add-a-country-table.md`` shows how to add
a country.
"""

from __future__ import annotations

from checkoutflow.law.reader import Law as Law
from checkoutflow.law.rows import Rows as Rows
from checkoutflow.law.rules import CATEGORIES as CATEGORIES
from checkoutflow.law.rules import EVERYWHERE as EVERYWHERE
from checkoutflow.law.rules import Market as Market
from checkoutflow.law.rules import Rule as Rule
from checkoutflow.law.rules import VatRate as VatRate
