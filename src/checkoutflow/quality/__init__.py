"""A whole customer base: how good its data is, who stands in it twice, and how to keep it fresh.

`wash.wash` does it all for a CSV file; ``checkoutflow quality`` is its command. What is compared,
and how much each agreement says, stands in `definitions`, once for small bases (rapidfuzz) and for
large ones (Splink on DuckDB, whose settings run on Spark as they are). `feeds` brings in moves,
deaths and opt-outs, and `suppression` the registers of those who want no marketing.

Needs the extra ``quality``. Heavy libraries load when a base is compared, not before.
"""

from __future__ import annotations
