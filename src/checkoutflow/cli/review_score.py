"""``checkoutflow review train`` and ``score``: make a model, and see how good one has been."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from checkoutflow.cli.files import database
from checkoutflow.cli.paper import columns
from checkoutflow.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Sequence

    from checkoutflow.cli.paper import Paper
    from checkoutflow.review.drift import Drift
    from checkoutflow.review.score import ScoreModel, ScoreSettings
    from checkoutflow.risk.rows import Row
    from checkoutflow.risk.trial import Trial

_SHOWN = 12  # signals
_RECENT = 1_000  # orders


def add(action: Callable[[str, str], ArgumentParser]) -> None:
    """Add the two commands.

    Args:
        action: Adds a command, given its name and what it does.
    """
    train = action("train", "learn a score from past orders, and measure it on later ones")
    train.add_argument("--out", type=Path, required=True, metavar="FILE", help="the model (JSON)")
    train.add_argument("--report", type=Path, metavar="DIR", help="write figures and a page")
    train.add_argument(
        "--settle-days",
        type=int,
        default=60,
        metavar="N",
        help="when an order of which nothing was heard counts as harmless; default: 60",
    )
    train.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    score = action(
        "score", "tell what a model rests on, and how good it has been since it was made"
    )
    score.add_argument("model", type=Path, metavar="FILE", help="the model (JSON)")
    for each in (train, score):
        each.set_defaults(run="review_score")
        each.add_argument("--db", type=database, metavar="DB", help="orders: a shop's database")
        each.add_argument("--rows", type=Path, metavar="FILE", help="orders: a file (CSV)")
        each.add_argument(
            "--capacity",
            type=float,
            default=2.0,
            metavar="PERCENT",
            help="how many of a hundred orders people can look at; default: 2",
        )
        each.add_argument("--today", metavar="YYYY-MM-DD", help="as of that day; default: now")
        each.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: Namespace, paper: Paper) -> int:
    """Train, or tell about a model; 1 if a model cannot be relied on as it is."""
    # What is heavy loads when it is used: the parser imports this module for every command.
    from checkoutflow.review.score import ScoreSettings  # noqa: PLC0415 -- heavy

    try:
        settings = ScoreSettings(capacity_percent=arguments.capacity)
    except ValueError:
        raise UsageError("--capacity: is a percentage above 0 and at most 100") from None
    train_or_tell = _train if arguments.action == "train" else _tell
    return train_or_tell(arguments, settings, _now(arguments.today), paper)


# Training -----------------------------------------------------------------------------------------


def _train(arguments: Namespace, settings: ScoreSettings, now: datetime, paper: Paper) -> int:
    from checkoutflow.risk import learning, page, report, training  # noqa: PLC0415 -- heavy

    learning.require_extra()
    if arguments.settle_days < 0:
        raise UsageError("--settle-days: is a number of days")
    study = training.standard_study(settle_days=arguments.settle_days, seed=arguments.seed)
    percent = settings.capacity_percent
    model, trial = training.train(_rows(arguments), now, study, percent=percent)
    arguments.out.write_text(model.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if arguments.report:
        arguments.report.mkdir(parents=True, exist_ok=True)
        (arguments.report / "score.html").write_text(page.page(trial, model), encoding="utf-8")
        (arguments.report / "score.json").write_text(
            report.text(report.document(trial)), encoding="utf-8"
        )
    if arguments.json:
        paper.document({**_about(model), "figures": report.document(trial)})
        return 0
    _print_model(model, paper)
    _print_trial(trial, paper)
    paper.line()
    paper.line(f"  {arguments.out}: the model")
    if arguments.report:
        paper.line(f"  {arguments.report / 'score.html'}: the report, with charts")
    return 0


# Telling ------------------------------------------------------------------------------------------


def _tell(arguments: Namespace, settings: ScoreSettings, now: datetime, paper: Paper) -> int:
    from checkoutflow.review.drift import drift  # noqa: PLC0415 -- heavy
    from checkoutflow.review.score import Standing, read_model, standing  # noqa: PLC0415 -- heavy
    from checkoutflow.risk import report  # noqa: PLC0415 -- heavy
    from checkoutflow.risk.trial import measure  # noqa: PLC0415 -- heavy

    model = read_model(arguments.model.read_bytes())
    rows = _rows(arguments) if arguments.rows or arguments.db else []
    recent = [row.signals for row in rows if model.trained_at <= row.at <= now][-_RECENT:]
    moved = drift(model, recent)
    found = standing(model, now, settings, moved=moved.moved)
    trial, why = None, "no orders were given"
    if rows:
        try:
            trial = measure(model, rows, now, percent=settings.capacity_percent)
        except UsageError as error:
            why = str(error)
    if arguments.json:
        paper.document(
            {
                **_about(model),
                "standing": found.value,
                "moved": {"share": moved.moved, "orders": moved.orders, **moved.signals},
                "figures": report.document(trial) if trial else None,
            }
        )
    else:
        _print_model(model, paper)
        if recent:
            _print_drift(moved, paper)
        if trial:
            _print_trial(trial, paper)
        else:
            paper.section("Since it was made")
            paper.entry("", f"Not measured: {why}.")
        paper.section("Standing")
        paper.entry("", found.value)
    return 0 if found is Standing.READY else 1


def _rows(arguments: Namespace) -> Sequence[Row]:
    """All the orders that were given, the oldest first."""
    from checkoutflow.cli.files import open_kept  # noqa: PLC0415 -- heavy
    from checkoutflow.risk.history import rows_of  # noqa: PLC0415 -- heavy
    from checkoutflow.risk.rows import read_rows  # noqa: PLC0415 -- heavy

    if not arguments.rows and not arguments.db:
        raise UsageError("--db or --rows: tell where the orders are")
    rows = read_rows(arguments.rows) if arguments.rows else []
    if arguments.db:
        store = open_kept(arguments.db)
        try:
            rows += rows_of(store)
        finally:
            store.close()
    return sorted(rows, key=lambda row: row.at)


def _now(today: str | None) -> datetime:
    """Now, or the end of a day."""
    from checkoutflow.flow.host import system_clock  # noqa: PLC0415 -- heavy

    if today is None:
        return system_clock()
    try:
        return datetime.combine(date.fromisoformat(today), time.max, UTC)
    except ValueError:
        raise InvalidInput("is a day such as 2026-11-21", field="--today") from None


# On paper -----------------------------------------------------------------------------------------


def _about(model: ScoreModel) -> dict[str, object]:
    return {
        "version": model.version,
        "trained_at": model.trained_at.isoformat(),
        "learned": model.learned.model_dump(mode="json"),
    }


def _print_model(model: ScoreModel, paper: Paper) -> None:
    from checkoutflow.risk.report import features  # noqa: PLC0415 -- heavy

    learned = model.learned
    paper.heading("The learned score", f"version {model.version}")
    paper.line()
    paper.entry("made", f"{model.trained_at:%Y-%m-%d} by {learned.made_by}")
    paper.entry(
        "from",
        f"{learned.rows:,} orders, {learned.harmful:,} of them harmful, {learned.first:%Y-%m-%d} "
        f"to {learned.last:%Y-%m-%d}; their digest begins {learned.digest[:12]}",
    )
    paper.section("What it rests on, the weightiest first")
    rows = [("signal", "weight", "points"), *features(model)[:_SHOWN]]
    for line in columns(rows, right={1}):
        paper.line(f"  {line}")


def _print_drift(moved: Drift, paper: Paper) -> None:
    paper.section(f"What has moved among the last {moved.orders:,} orders")
    most = sorted(moved.signals.items(), key=lambda pair: -pair[1])[:5]
    for line in columns([("signal", "index"), *((name, f"{psi:.2f}") for name, psi in most)]):
        paper.line(f"  {line}")
    paper.line(f"  {100 * moved.moved:.0f} % of its weight lies in signals that have moved")


def _print_trial(trial: Trial, paper: Paper) -> None:
    from checkoutflow.risk.report import percent, table  # noqa: PLC0415 -- heavy

    brier, constant = trial.brier
    paper.section(
        f"On {trial.orders:,} later orders, {trial.harmful:,} of them harmful, if people look at "
        f"{trial.percent:g} %"
    )
    for line in columns(table(trial), right=range(1, 7)):
        paper.line(f"  {line}")
    paper.section("Calibration")
    paper.entry("Brier", f"{brier:.5f}; of a constant {constant:.5f}")
    paper.entry("error", f"{percent(trial.calibration_error)} on average")
    rows = [("orders", "said", "happened")]
    rows += [
        (f"{band.orders:,}", percent(band.said), percent(band.happened))
        for band in trial.reliability
    ]
    for line in columns(rows, right=range(3)):
        paper.line(f"  {line}")
