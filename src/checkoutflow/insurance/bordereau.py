"""What an insurer is told: each policy that was bound, and each that went, in a period.

Each row is an entry of a policy's account, with the part of tax and commission that belongs to it.
So the sums of rows over any periods are the differences of what stood before and after, and all
rows of a policy together are what stands of it.
"""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from io import StringIO
from typing import TYPE_CHECKING

from checkoutflow.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date, datetime

    from checkoutflow.insurance.policies import EntryKind, Policy


@dataclass(frozen=True, slots=True)
class Row:
    """One entry. Amounts are below zero for what goes back.

    Attributes:
        policy: Names the policy: the checkout, and the offer within it.
        product: The shop's id of the cover.
        insurer: The shop's id of the insurer.
        market: Where the goods went.
        entry: ``bound``, ``cancelled``, ``replaced`` or ``reinstated``.
        units: Covers that came, or went.
        premium: Taxes included.
        tax: The premium tax in it.
        commission: What of it the shop keeps.
        due: What of it the insurer has to come: the premium without the commission.
        booked_at: When it was written down; the period goes by this.
        counts_from: When the cover began or ended.
        cover_from: First day of the cover.
        cover_to: Its last, had it not ended.
        document: Version of the information document.
        quote: The insurer's own name for its quote; may be empty.
    """

    policy: str
    product: str
    insurer: str
    market: str
    entry: EntryKind
    units: int
    premium: Money
    tax: Money
    commission: Money
    due: Money
    booked_at: datetime
    counts_from: date
    cover_from: date
    cover_to: date
    document: str
    quote: str


def rows(checkout: str, market: str, policies: Iterable[Policy]) -> Iterator[Row]:
    """Every entry of a checkout's insurance. A warranty is the shop's own, and has none."""
    for policy in policies:
        terms, stands = policy.terms, 0
        if not terms.insurer or policy.starts is None or policy.ends is None:
            continue
        for entry in policy.entries:
            before, stands = stands, stands + entry.premium.minor
            tax = terms.tax(stands) - terms.tax(before)
            commission = terms.commission(stands) - terms.commission(before)
            currency = entry.premium.currency
            yield Row(
                policy=f"{checkout}:{policy.id}",
                product=terms.product,
                insurer=terms.insurer,
                market=market,
                entry=entry.kind,
                units=entry.units,
                premium=entry.premium,
                tax=Money(tax, currency),
                commission=Money(commission, currency),
                due=Money(entry.premium.minor - commission, currency),
                booked_at=entry.at,
                counts_from=entry.on,
                cover_from=policy.starts,
                cover_to=policy.last_day or policy.starts,
                document=terms.document,
                quote=terms.quote,
            )


@dataclass(frozen=True, slots=True)
class Bordereau:
    """A list of entries for one insurer.

    Attributes:
        insurer: The shop's id of it.
        first: First day of the period, in UTC.
        last: Its last.
        rows: In the order in which they were written down.
    """

    insurer: str
    first: date
    last: date
    rows: tuple[Row, ...]

    @property
    def sums(self) -> Mapping[str, Sums]:
        """By currency."""
        found: dict[str, Sums] = {}
        for row in self.rows:
            currency = row.premium.currency
            found[currency] = found.get(currency, Sums()).with_row(row)
        return found


@dataclass(frozen=True, slots=True)
class Sums:
    """What rows come to, in minor units.

    Attributes:
        bound: Premium of covers that came, reinstated ones with them.
        cancelled: Premium that went back, below zero.
    """

    bound: int = 0
    cancelled: int = 0
    tax: int = 0
    commission: int = 0
    due: int = 0

    @property
    def premium(self) -> int:
        """What came and went, together."""
        return self.bound + self.cancelled

    def with_row(self, row: Row) -> Sums:
        """With one more row."""
        minor = row.premium.minor
        return Sums(
            self.bound + max(minor, 0),
            self.cancelled + min(minor, 0),
            self.tax + row.tax.minor,
            self.commission + row.commission.minor,
            self.due + row.due.minor,
        )


def bordereau(entries: Iterable[Row], insurer: str, first: date, last: date) -> Bordereau:
    """Those entries that an insurer is told of for a period, by the day they were written down."""
    mine = [
        row for row in entries if row.insurer == insurer and first <= row.booked_at.date() <= last
    ]
    mine.sort(key=lambda row: (row.booked_at, row.policy))
    return Bordereau(insurer, first, last, tuple(mine))


def as_document(made: Bordereau) -> dict[str, object]:
    """The list as plain values for JSON: amounts in minor units, days as ISO has them."""
    return {
        "insurer": made.insurer,
        "from": made.first.isoformat(),
        "to": made.last.isoformat(),
        "rows": [{name: _plain(value) for name, value in asdict(row).items()} for row in made.rows],
        "sums": {
            currency: {"premium": sums.premium, **asdict(sums)}
            for currency, sums in sorted(made.sums.items())
        },
    }


def as_csv(made: Bordereau) -> str:
    """The list for a spreadsheet: one row an entry, amounts in whole units with a point.

    A column for the currency stands beside the amounts. Sums are left to who reads it.
    """
    names = [field.name for field in fields(Row)]
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([*names, "currency"])
    for row in made.rows:
        values = (getattr(row, name) for name in names)
        cells = [value.decimal() if isinstance(value, Money) else _plain(value) for value in values]
        writer.writerow([*map(_safe, cells), row.premium.currency])
    return text.getvalue()


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | dict) else getattr(value, "isoformat", str)()


def _safe(cell: object) -> object:
    """A text that no spreadsheet takes for a formula."""
    is_formula = isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t", "\r"}
    return f"'{cell}" if is_formula else cell
