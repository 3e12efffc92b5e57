"""What is told of a shop's work: spans, measures and logs, under the names that the pages have."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import json
import logging
import re
import sys
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.desk import BACK, CUSTOMER, MUG, PLANTED, SHOP, SOFA, Desk, Witness, buy, start

from checkoutflow import AsyncCheckoutFlow, CheckoutFlow, MemoryStore, Money, Shop
from checkoutflow.checkout import events
from checkoutflow.errors import (
    InvalidInput,
    NotFound,
    NotSupported,
    StoreConflict,
    StoreUnavailable,
    UntrustedNotice,
)
from checkoutflow.flow import logs
from checkoutflow.flow.joining import joined
from checkoutflow.flow.telemetry import ATTRIBUTES, MEASURES, SPANS
from checkoutflow.otel import OpenTelemetry
from checkoutflow.providers.stored_value import StoredValue
from checkoutflow.stores.contract import HealthRow
from checkoutflow.stores.ledger import MemoryLedger
from checkoutflow.stores.sql import open_store
from checkoutflow.testing import Clock, Fault, SimulatedBank
from checkoutflow.testing.world import World
from checkoutflow.workers.loop import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

DOCS: Final = Path(__file__).parents[1] / "docs"


class Seen:
    """What the SDK's exporters in memory have."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracing = TracerProvider()
        self.tracing.add_span_processor(SimpleSpanProcessor(self._spans))
        self.telemetry = OpenTelemetry(self.tracing, MeterProvider([self._reader]))

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return tuple(sorted(self._spans.get_finished_spans(), key=lambda it: it.start_time or 0))

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def path(self, span: ReadableSpan) -> list[str]:
        """The names of what a span is a part of, from the outside in, and its own."""
        by_id = {it.context.span_id: it for it in self.spans if it.context is not None}
        names = [span.name]
        while span.parent is not None:
            span = by_id[span.parent.span_id]
            names.insert(0, span.name)
        return names

    def paths(self) -> list[list[str]]:
        return [self.path(span) for span in self.spans]

    def figures(self, measure: str, by: str = "") -> dict[Any, float]:
        """Sums of a counter, counts of a histogram or values of a gauge, by one of its labels."""
        found: dict[Any, float] = {}
        for point in self._points().get(measure, ()):
            key = (point.attributes or {}).get(by, "")
            found[key] = found.get(key, 0) + getattr(point, "value", getattr(point, "count", 0))
        return found

    def sums(self, measure: str) -> float:
        """The sum of a histogram."""
        return sum(float(point.sum) for point in self._points()[measure])

    def labels(self) -> Iterator[tuple[str, set[str]]]:
        for name, points in self._points().items():
            for point in points:
                yield name, set(point.attributes or ())

    def _points(self) -> dict[str, list[Any]]:
        data = self._reader.get_metrics_data()
        self._last = data
        return {
            metric.name: list(metric.data.data_points)
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def everything(self) -> str:
        """Every byte that an exporter would be given."""
        spans = [span.to_json() for span in self.spans]
        self._points()
        return "\n".join([*spans, self._last.to_json() if self._last else ""])


class Watched(World):
    """A world whose flow is told of."""

    def __init__(self, telemetry: Any, **options: Any) -> None:
        self._telemetry = telemetry
        super().__init__(SHOP, open_bank=Witness, **options)

    def open_flow(self, **options: Any) -> Any:
        return super().open_flow(telemetry=self._telemetry, **options)


@pytest.fixture(name="seen")
def fixture_seen() -> Seen:
    return Seen()


@pytest.fixture(name="desk")
def fixture_desk(seen) -> Iterator[Desk]:
    with Watched(seen.telemetry) as world:
        yield Desk(world)


def everything_happens(desk: Desk) -> str:
    """A held order, an answer that is lost, a stranger's webhook, a worker, a refund."""
    checkout = buy(desk, start(desk, SOFA))
    desk.claim(checkout.id, reviewer="r1")
    desk.wait(minutes=10)
    desk.approve(checkout.id, reviewer="r1")
    desk.bank.plan("capture", Fault.LOSE_ANSWER)
    desk.ship(checkout.id)
    with pytest.raises(UntrustedNotice):
        desk.world.flow.receive("simulated_bank", {"signature": "x"}, PLANTED.encode())
    desk.clock.advance(minutes=2)
    Worker(desk.world.flow, clock=desk.clock, take=lambda _: None).drain()
    desk.refund(checkout.id, {"sofa": 1})
    desk.deliver()
    with pytest.raises(InvalidInput):
        desk.world.flow.start(MUG, market="DK", details={**CUSTOMER, "email": PLANTED})
    name: str = checkout.id
    return name


# A sale -------------------------------------------------------------------------------------------


def test_a_call_holds_its_effects_and_a_providers_operation_its_requests(desk, seen):
    checkout = buy(desk, start(desk))
    desk.ship(checkout.id)
    (capture,) = seen.named("simulated_bank capture")
    assert seen.path(capture) == ["checkoutflow ship", "simulated_bank capture"]
    of_it = [path[2:] for path in seen.paths() if path[:2] == seen.path(capture)]
    assert of_it == [[], ["POST"], ["store commit"]]
    assert dict(capture.attributes) == {
        "checkoutflow.provider": "simulated_bank",
        "checkoutflow.operation": "capture",
        "checkoutflow.payment.id": checkout.payments[0].id,
        "checkoutflow.outcome": "succeeded",
    }
    post = seen.named("POST")[-1]
    assert post.kind is trace.SpanKind.CLIENT
    assert post.attributes["http.response.status_code"] == 201
    assert post.attributes["server.address"] == "bank.example"
    *_, commit = seen.named("store commit")
    assert commit.attributes["checkoutflow.events"] == ("payment_captured", "shipped", "fulfilled")
    assert commit.attributes["checkoutflow.checkout.phase"] == "fulfilled"
    for command in ("start", "place", "ship"):
        (span,) = seen.named(f"checkoutflow {command}")
        assert span.attributes == {
            "checkoutflow.command": command,
            "checkoutflow.checkout.id": checkout.id,
        }


def test_whatever_happens_the_names_are_the_documented_ones(desk, seen):
    everything_happens(desk)
    patterns = [re.sub("[A-Z]{4,}", "[A-Za-z_]+", name) for name in SPANS]
    for span in seen.spans:
        assert any(re.fullmatch(pattern, span.name) for pattern in patterns), span.name
        assert set(span.attributes or ()) <= ATTRIBUTES.keys()
    for name, labels in seen.labels():
        assert labels <= {*MEASURES[name].labels}, name
    told = {name for name, _ in seen.labels()}
    assert MEASURES.keys() - told == {"checkoutflow.dead_letters"}
    for measure in MEASURES.values():
        assert {*measure.labels} <= ATTRIBUTES.keys()


def test_what_happened_is_counted(desk, seen):
    checkout_id = everything_happens(desk)
    happened: Counter[str] = Counter()
    for state in desk.world.checkouts():
        for entry in desk.world.store.journal(state.id):
            happened.update(event.type for event in entry.events)
    assert seen.figures("checkoutflow.events", "checkoutflow.event") == happened
    attempts = seen.figures("checkoutflow.attempts", "checkoutflow.outcome")
    assert attempts == {"succeeded": 3, "unknown": 1}
    assert seen.figures("checkoutflow.reviews", "checkoutflow.review.decision") == {
        "opened": 1,
        "approved": 1,
    }
    assert seen.sums("checkoutflow.review.duration") == 600
    assert seen.figures("checkoutflow.unknown.duration", "checkoutflow.operation") == {"capture": 1}
    assert seen.sums("checkoutflow.unknown.duration") >= 60
    notices = seen.figures("checkoutflow.notices", "checkoutflow.notice.result")
    assert notices["refused"] == 1
    assert notices["taken"] >= 1
    before = notices.get("repeated", 0)
    hook = desk.bank.outbox[0]
    desk.receive("simulated_bank", hook.headers, hook.body)
    again = seen.figures("checkoutflow.notices", "checkoutflow.notice.result")
    assert again["repeated"] == before + 1
    assert seen.figures("checkoutflow.due.delay", "checkoutflow.timer")["look"] >= 1
    commands = seen.figures("checkoutflow.command.duration", "checkoutflow.command")
    assert commands["place"] == commands["ship"] == 1
    assert checkout_id in seen.everything()


def test_errors_are_told_by_their_class_and_only_faults_are_faults(desk, seen):
    everything_happens(desk)
    lost = next(span for span in seen.named("POST") if "error.type" in span.attributes)
    assert lost.attributes["error.type"] == "TransportError"
    assert lost.status.status_code is trace.StatusCode.ERROR
    (capture,) = seen.named("simulated_bank capture")
    assert capture.attributes["checkoutflow.outcome"] == "unknown"
    assert capture.status.status_code is trace.StatusCode.ERROR
    refused = next(
        span for span in seen.named("checkoutflow receive") if span.attributes.get("error.type")
    )
    assert refused.attributes["error.type"] == "UntrustedNotice"
    *_, wrong = seen.named("checkoutflow start")
    assert wrong.attributes["error.type"] == "InvalidInput"
    for span in (refused, wrong):
        assert span.status.is_unset
        assert not span.events  # no text, no traceback
    with pytest.raises(NotFound):
        desk.world.flow.load("nobody")
    assert "nobody" not in seen.everything()


def test_a_provider_that_says_no_is_told_by_its_status(desk, seen):
    desk.bank.plan("authorise", Fault.ERROR)
    buy(desk, start(desk), tries=1)
    first = seen.named("POST")[0]
    assert first.attributes["error.type"] == str(first.attributes["http.response.status_code"])
    errors = seen.figures("http.client.request.duration", "error.type")
    assert errors[first.attributes["error.type"]] == 1


def test_nothing_personal_is_in_any_byte_of_it(desk, seen, caplog):
    caplog.set_level(logging.DEBUG, "checkoutflow")
    everything_happens(desk)
    checkout = start(desk)
    code = f"{PLANTED}-code"
    desk.add_credit(checkout.id, "gift_card", amount=Money.read("10.00 DKK"), code=code)
    desk.recognise(checkout.id, email=CUSTOMER["email"], postal_code=CUSTOMER["postal_code"])
    sent = desk.code(checkout.id)
    assert sent is None or sent.text not in seen.everything()
    token = desk.world.flow.link(checkout.id, "resume").reveal()
    for word in (PLANTED, token):
        assert word not in seen.everything().lower()
        for record in caplog.records:
            assert word not in f"{record.getMessage()} {vars(record)!r}".lower()
    assert "checkoutflow.checkout.id" in seen.everything()


def test_a_ledger_of_the_shops_own_is_consulted_in_an_operation_of_its_provider(seen):
    clock, ledger = Clock(), MemoryLedger()
    ledger.issue("CARD-1", Money.read("500.00 DKK"), at=clock(), expires_at=None)
    methods = [
        {"id": "gift_card", "name": "Gift card", "provider": "gift_cards"},
        {"id": "own_invoice", "name": "Invoice"},
    ]
    parcel = {"id": "parcel", "name": "Parcel", "prices": ["49.00 DKK"]}
    settings = {"name": "Fjord", "markets": ["DK"], "methods": methods, "deliveries": [parcel]}
    with CheckoutFlow(
        Shop.read(settings),
        providers=[StoredValue(ledger, "gift_cards")],
        store=MemoryStore(),
        clock=clock,
        telemetry=seen.telemetry,
    ) as flow:
        sale = flow.start(MUG, market="DK", details=CUSTOMER, payment="own_invoice")
        sale = flow.add_credit(sale.id, "gift_card", amount=Money.read("100.00 DKK"), code="CARD-1")
        sale = flow.place(sale.id, accepted_total=sale.total, return_url=BACK)
    assert sale.phase == "confirmed"
    (held,) = seen.named("consult hold")
    assert seen.path(held) == ["checkoutflow place", "gift_cards authorise", "consult hold"]
    assert "CARD-1" not in seen.everything()


def test_the_shops_request_is_the_parent_and_nothing_is_sent_to_providers(desk, seen):
    checkout = start(desk)
    tracer = seen.tracing.get_tracer("shop")
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        answered: httpx.Response = desk.bank.handle(request)
        return answered

    desk.world._http._transport = httpx.MockTransport(answer)
    with tracer.start_as_current_span("POST /buy"):
        buy(desk, checkout)
    (place,) = seen.named("checkoutflow place")
    assert seen.path(place) == ["POST /buy", "checkoutflow place"]
    assert {path[0] for path in seen.paths() if "POST" in path} == {"POST /buy"}
    assert asked
    assert not [it for it in asked if "traceparent" in it.headers]


# Drivers ------------------------------------------------------------------------------------------


def a_bank(seen: Seen) -> dict[str, Any]:
    clock = Clock()
    bank = SimulatedBank(clock)
    return {
        "providers": [bank.provider()],
        "store": MemoryStore(),
        "clock": clock,
        "telemetry": seen.telemetry,
        "bank": bank,
    }


def test_the_asynchronous_driver_tells_the_same(seen):
    options = a_bank(seen)
    transport = httpx.MockTransport(options.pop("bank").handle)
    with CheckoutFlow(SHOP, http=httpx.Client(transport=transport), **options) as flow:
        sale = flow.start(MUG, market="DK", details=CUSTOMER, payment="card")
        flow.place(sale.id, accepted_total=sale.total, return_url=BACK)
        flow.ship(sale.id)
        flow.run_due()
    theirs = Seen()
    options = a_bank(theirs)
    transport = httpx.MockTransport(options.pop("bank").handle)

    async def sell(flow: AsyncCheckoutFlow) -> None:
        sale = await flow.start(MUG, market="DK", details=CUSTOMER, payment="card")
        await flow.place(sale.id, accepted_total=sale.total, return_url=BACK)
        await flow.ship(sale.id)
        await flow.run_due()

    async def main() -> None:
        http = httpx.AsyncClient(transport=transport)
        async with AsyncCheckoutFlow(SHOP, http=http, **options) as flow:
            await sell(flow)

    asyncio.run(main())
    assert theirs.paths() == seen.paths()
    assert ["checkoutflow run_due", "checkoutflow due", "store due"] in seen.paths()


def test_tasks_that_run_at_once_keep_their_traces_apart(seen):
    options = a_bank(seen)
    transport = httpx.MockTransport(options.pop("bank").handle)
    tracer = seen.tracing.get_tracer("shop")

    async def sell(flow: AsyncCheckoutFlow, name: str) -> None:
        with tracer.start_as_current_span(name):
            sale = await flow.start(MUG, market="DK", details=CUSTOMER, payment="card")
            await flow.place(sale.id, accepted_total=sale.total, return_url=BACK)
            await flow.ship(sale.id)

    async def main() -> None:
        http = httpx.AsyncClient(transport=transport)
        async with AsyncCheckoutFlow(SHOP, http=http, **options) as flow:
            await asyncio.gather(*(sell(flow, f"sale {number}") for number in range(5)))

    asyncio.run(main())
    trees = {
        name: sorted(path[1:] for path in seen.paths() if path[0] == name)
        for name in {path[0] for path in seen.paths()}
    }
    assert trees.keys() == {f"sale {number}" for number in range(5)}
    assert all(tree == trees["sale 0"] for tree in trees.values())
    ids = {
        span.context.trace_id: span.attributes["checkoutflow.checkout.id"]
        for span in seen.spans
        if "checkoutflow.checkout.id" in (span.attributes or {}) and span.context
    }
    assert len(set(ids.values())) == len(ids) == 5


def test_a_task_that_is_cancelled_ends_its_spans(seen):
    options = a_bank(seen)
    options.pop("bank")

    async def main() -> None:
        is_asked = asyncio.Event()

        async def never(_: httpx.Request) -> httpx.Response:
            is_asked.set()
            await asyncio.sleep(3600)
            raise AssertionError

        http = httpx.AsyncClient(transport=httpx.MockTransport(never))
        async with AsyncCheckoutFlow(SHOP, http=http, **options) as flow:
            sale = await flow.start(MUG, market="DK", details=CUSTOMER, payment="card")
            task = asyncio.create_task(
                flow.place(sale.id, accepted_total=sale.total, return_url=BACK)
            )
            await is_asked.wait()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert not trace.get_current_span().get_span_context().is_valid

    asyncio.run(main())
    (place,) = seen.named("checkoutflow place")
    assert place.attributes["error.type"] == "CancelledError"


def test_effects_are_the_same_with_it_and_without(seen):
    def steps(telemetry: Any) -> list[str]:
        with Watched(telemetry) as world:
            everything_happens(Desk(world))
            return world.steps.names

    assert steps(seen.telemetry) == steps(None)


def test_a_joined_flow_is_told_of_too(seen, tmp_path):
    store = open_store(tmp_path / "shop.db")
    store.create()
    with CheckoutFlow(
        SHOP.but(methods=SHOP.methods[3:4], steering=()), store=store, telemetry=seen.telemetry
    ) as flow:
        with store._engine.begin() as connection:
            sale = joined(flow, connection).start(MUG, market="DK")
        assert flow.load(sale.id) == sale
    assert seen.paths()[:2] == [["checkoutflow start"], ["checkoutflow start", "store commit"]]


@pytest.mark.parametrize("file", ["sync", "aio"])
def test_every_call_is_told_of_under_the_name_of_its_method(file):
    """What `_run` and `_act` are given, or the program's own name, is the method's."""
    source = inspect.getsource(importlib.import_module(f"checkoutflow.flow.{file}"))
    (flow,) = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    for method in flow.body:
        if not isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for call in ast.walk(method):
            match call:
                case ast.Call(func=ast.Attribute(attr="_run" | "_act" as attr)):
                    if method.name[0] != "_":
                        assert name_told(method, call, attr) == method.name


def name_told(method: Any, call: ast.Call, attr: str) -> str:
    name = call.args[3 if attr == "_act" else 1 :]
    if name:
        return str(ast.literal_eval(name[0]))
    if attr == "_run":
        text = ast.unparse(call.args[0])
        if text == "program":
            text = next(ast.unparse(it.value) for it in method.body if isinstance(it, ast.Assign))
        return text.partition("(")[0].rpartition(".")[2]
    made = ast.unparse(call.args[1])
    if made == "command":
        made = next(
            ast.unparse(it.value)
            for it in method.body
            if isinstance(it, ast.Assign) and ast.unparse(it.targets[0]) == "command"
        )
    kind = re.match(r"c\.(\w+)", made)
    assert kind is not None
    commands = importlib.import_module("checkoutflow.checkout.commands")
    return str(getattr(commands, kind[1]).name.value)


# Work and gauges ----------------------------------------------------------------------------------


def test_a_workers_round_holds_what_it_did(desk, seen):
    checkout = buy(desk, start(desk))
    start(desk)
    desk.clock.advance(days=2)
    taken: list[Any] = []
    Worker(desk.world.flow, clock=desk.clock, take=taken.append).round()
    assert taken
    (told, *_) = seen.named("checkoutflow tell")
    assert seen.path(told) == ["checkoutflow round", "checkoutflow tell"]
    assert told.attributes == {
        "checkoutflow.work": "tell",
        "checkoutflow.checkout.id": checkout.id,
        "checkoutflow.message.kind": taken[0].kind,
    }
    (wake,) = seen.named("checkoutflow wake")
    assert seen.path(wake) == ["checkoutflow round", "checkoutflow wake"]


def test_ages_and_providers_that_are_down_are_seen_whenever_somebody_looks(desk, seen):
    ages = ("checkoutflow.due.age", "checkoutflow.messages.age", "checkoutflow.provider.down")

    def now() -> list[float]:
        return [next(iter(seen.figures(name).values())) for name in ages]

    assert now() == [0, 0, 0]
    buy(desk, start(desk))
    desk.clock.advance(minutes=3)
    start(desk)
    assert now() == [0, 180, 0]
    desk.clock.advance(days=2)
    assert now()[1] == timedelta(days=2, minutes=3).total_seconds()
    assert timedelta(days=1) <= timedelta(seconds=now()[0]) <= timedelta(days=2)
    at = desk.clock()
    down = HealthRow("simulated_bank", 5, at, down_until=at + timedelta(seconds=30))
    desk.world.store.set_health(down)
    assert now()[2] == 1
    with Watched(seen.telemetry) as other:  # an empty store changes nothing
        assert now()[2] == 1
        other.flow.close()
    desk.world.flow.close()
    assert not seen.figures(ages[0])


def test_of_a_store_that_cannot_be_asked_nothing_is_seen(desk, seen, monkeypatch):
    def broken(*_: Any) -> None:
        raise StoreUnavailable("the disk is gone")

    monkeypatch.setattr(MemoryStore, "next_due", broken)
    assert not seen.figures("checkoutflow.due.age")
    assert seen.figures("checkoutflow.messages.age") == {"": 0}


# When it fails ------------------------------------------------------------------------------------


class Broken:
    """Telemetry of which everything fails; or spans alone."""

    def __init__(self, *, spans_alone: bool = False) -> None:
        self._spans_alone = spans_alone

    def begin(self, name: str, about: Any, *, is_client: bool = False) -> Any:
        if self._spans_alone:
            return self
        raise RuntimeError(PLANTED)

    def __getattr__(self, name: str) -> Any:
        def fail(*_: object, **__: object) -> None:
            raise RuntimeError(PLANTED)

        return fail


@pytest.mark.parametrize("spans_alone", [True, False])
def test_telemetry_that_fails_ends_no_sale(spans_alone, caplog):
    with Watched(Broken(spans_alone=spans_alone)) as world:
        desk = Desk(world)
        checkout_id = everything_happens(desk)
        assert world.checkout(checkout_id).phase == "fulfilled"
    said = [record for record in caplog.records if "telemetry" in record.getMessage()]
    assert len(said) == 1
    assert PLANTED not in caplog.text


def test_a_filter_that_fails_ends_no_sale(desk):
    class Failing(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise RuntimeError

    failing = Failing()
    logs.LOG.addFilter(failing)
    try:
        everything_happens(desk)
    finally:
        logs.LOG.removeFilter(failing)


def test_without_the_api_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "checkoutflow.otel")
    with pytest.raises(NotSupported, match=r"checkoutflow\[otel\]"):
        importlib.import_module("checkoutflow.otel")


# Logs ---------------------------------------------------------------------------------------------


def test_levels_say_who_is_to_look(desk, caplog):
    caplog.set_level(logging.DEBUG, "checkoutflow")
    checkout_id = everything_happens(desk)
    said = {
        (record.levelname, getattr(record, "event_type", None) or record.getMessage())
        for record in caplog.records
        if record.name == "checkoutflow.flow"
    }
    assert {
        ("INFO", "placed"),
        ("INFO", "payment_authorised"),
        ("WARNING", "held"),
        ("INFO", "review_approved"),
        ("INFO", "shipped"),
        ("WARNING", "attempt_unknown"),
        ("INFO", "payment_captured"),
        ("INFO", "payment_refunded"),
        ("WARNING", "a webhook from simulated_bank was refused: UntrustedNotice"),
        ("WARNING", "simulated_bank did not answer (capture): TransportError"),
        ("DEBUG", f"checkout {checkout_id} is at version 2: place"),
    } <= said
    unknown = next(
        it for it in caplog.records if getattr(it, "event_type", "") == "attempt_unknown"
    )
    assert unknown.getMessage() == (
        f"checkout {checkout_id}: attempt_unknown, simulated_bank capture"
    )
    assert (
        vars(unknown).items()
        >= {
            "checkout_id": checkout_id,
            "command": "record_result",
            "provider": "simulated_bank",
            "operation": "capture",
            "outcome": "unknown",
        }.items()
    )
    usual = vars(logging.makeLogRecord({})).keys()
    for record in caplog.records:
        if record.name.startswith("checkoutflow"):
            fields = vars(record).keys() - usual - {"message", "asctime"}
            assert fields <= logs.FIELDS.keys()
            json.dumps({name: vars(record)[name] for name in fields})


def test_what_needs_a_person_is_an_error(desk, caplog):
    checkout = buy(desk, start(desk))
    desk.bank.plan("capture", Fault.DECLINE)
    desk.ship(checkout.id)
    (failed,) = (it for it in caplog.records if it.levelno == logging.ERROR)
    assert (failed.event_type, failed.checkout_id) == ("shipment_failed", checkout.id)


def test_what_came_to_nothing_says_why(desk, seen, caplog):
    caplog.set_level(logging.INFO, "checkoutflow")
    desk.bank.plan("authorise", Fault.DECLINE)
    buy(desk, start(desk), tries=1)
    (failed,) = (it for it in caplog.records if vars(it).get("event_type") == "attempt_failed")
    assert vars(failed)["outcome"] == "declined"
    assert vars(failed)["reason"]
    assert failed.getMessage().endswith(f"simulated_bank authorise ({vars(failed)['reason']})")
    assert seen.figures("checkoutflow.attempts", "checkoutflow.outcome") == {"declined": 1}


def test_only_what_can_happen_has_a_level():
    kinds = {kind.model_fields["type"].default for kind in events.Event.__args__}
    assert logs.LEVELS.keys() <= kinds
    assert {*logs.LEVELS.values()} == {logging.INFO, logging.WARNING, logging.ERROR}


def test_a_turn_that_failed_in_run_due_is_logged(desk, caplog, monkeypatch):
    checkout = start(desk)
    desk.clock.advance(days=2)
    flow = desk.world.flow
    monkeypatch.setattr(flow, "wake", lambda _: (_ for _ in ()).throw(StoreConflict("100 %s")))
    flow.run_due()
    (said,) = caplog.records
    assert said.getMessage() == f"checkout {checkout.id} failed, for the 1. time: 100 %s"


def test_who_sets_nothing_up_hears_nothing(capsys):
    names = [handler.name for handler in logging.getLogger("checkoutflow").handlers]
    assert len(names) == 1
    assert isinstance(logging.getLogger("checkoutflow").handlers[0], logging.NullHandler)


# The page -----------------------------------------------------------------------------------------


def rows(page: str, heading: str) -> list[list[str]]:
    part = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    table = [line for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def test_the_page_has_every_name_and_no_other():
    page = (DOCS / "reference" / "telemetry.md").read_text("utf-8")
    assert rows(page, "Spans") == [[f"`{name}`", about] for name, about in SPANS.items()]
    assert rows(page, "Attributes") == [[f"`{name}`", about] for name, about in ATTRIBUTES.items()]
    assert rows(page, "Fields of log records") == [
        [f"`{name}`", about] for name, about in logs.FIELDS.items()
    ]
    assert rows(page, "Measures") == [
        [
            f"`{name}`",
            f"{measure.kind}, {measure.unit}",
            measure.about,
            ", ".join(f"`{label}`" for label in measure.labels),
        ]
        for name, measure in MEASURES.items()
    ]
    assert rows(page, "Levels of log records") == [
        [f"`{name}`", logging.getLevelName(level)] for name, level in logs.LEVELS.items()
    ]
