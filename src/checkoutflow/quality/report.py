"""The report of a wash as figures, as JSON and as a page. Nothing in it is personal."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.quality.measures import AGES, Measures, percent
from checkoutflow.quality.page import page
from checkoutflow.quality.reading import private
from checkoutflow.quality.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from checkoutflow.quality.wash import Wash

MEASURES: Final = ("validity", "completeness", "uniqueness", "freshness")


def field_percentages(measures: Measures) -> dict[str, dict[str, float | None]]:
    """The four measures of each field, in per cent; None where one says nothing.

    Validity: of the values that are there, how many can be right. Completeness: of all rows, how
    many have a value. Uniqueness: of the valid values, how many no other row has; only for what is
    one person's. Freshness: of the values that are there, how many stand in a row that was changed
    within a year; only in a base that knows when.
    """
    return {
        name: {
            "validity": percent(each.valid, each.filled),
            "completeness": percent(each.filled, measures.rows),
            "uniqueness": percent(each.valid - each.shared, each.valid)
            if each.shared is not None
            else None,
            "freshness": percent(each.fresh, each.filled) if measures.dated else None,
        }
        for name, each in measures.fields.items()
    }


def total_percentages(wash: Wash) -> dict[str, float | None]:
    """The four measures of the whole base, in per cent.

    Uniqueness here is the share of rows that are left when everybody stands in the base once.
    """
    measures = wash.measures
    each = measures.fields.values()
    filled = sum(field.filled for field in each)
    return {
        "validity": percent(sum(field.valid for field in each), filled),
        "completeness": percent(filled, measures.rows * len(measures.fields)),
        "uniqueness": percent(measures.rows - wash.surplus, measures.rows),
        "freshness": percent(measures.fresh, measures.rows) if measures.dated else None,
    }


def document(wash: Wash) -> dict[str, Any]:
    """The report as plain data."""
    measures = wash.measures
    percentages = field_percentages(measures)
    return {
        "file": wash.file,
        "encoding": wash.encoding,
        "date": str(wash.today),
        "market": wash.market,
        "engine": wash.engine,
        "rows": measures.rows,
        "columns": dict(wash.columns),
        "total": total_percentages(wash),
        "fields": {
            name: {
                **percentages[name],
                "filled": each.filled,
                "valid": each.valid,
                "shared": each.shared,
                "problems": dict(each.problems.most_common()),
            }
            for name, each in measures.fields.items()
        },
        "last_changed": {label: measures.ages[place] for place, label in enumerate(age_labels())}
        | {"unknown": measures.rows - measures.dated}
        if measures.dated
        else None,
        "duplicates": {
            "pairs": wash.pairs[Verdict.SAME],
            "pairs_to_look_at": wash.pairs[Verdict.PERHAPS],
            "people": len(wash.clusters),
            "people_to_look_at": sum(cluster.is_doubtful for cluster in wash.clusters),
            "surplus_rows": wash.surplus,
            "reasons": dict(wash.reasons.most_common()),
        },
        "households": {
            "count": wash.households.total(),
            "people": sum(size * count for size, count in wash.households.items()),
        },
        "merges": {
            "contested_fields": dict(wash.contested.most_common()),
            "decided_by": dict(wash.choices.most_common()),
        },
    }


def age_labels() -> list[str]:
    """The spans of `Measures.ages`, in words."""
    between = [f"{low} to {high} years" for low, high in pairwise(AGES)]
    return ["under a year", *between, f"over {AGES[-1]} years"]


def write(wash: Wash, out: Path) -> None:
    """Write ``report.json`` and ``report.html``, for their owner alone, into a folder."""
    data = document(wash)
    with private(out / "report.json") as stream:
        json.dump(data, stream, indent=2, ensure_ascii=False)
    with private(out / "report.html") as stream:
        stream.write(page(data, wash.examples))
