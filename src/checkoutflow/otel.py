"""OpenTelemetry: hand one of these to a flow, and its work is traced and measured.

>>> from checkoutflow.otel import OpenTelemetry
>>> telemetry = OpenTelemetry()  # CheckoutFlow(..., telemetry=telemetry)

Only the API is used. Where spans and measures go is said where the shop sets up its SDK; as long as
nobody has, nothing is recorded. A span that is current when a call is made, the shop's request for
one, is the parent of all that the call does. No ``traceparent`` is sent to providers: it would let
them join what one person does in several shops, and none of them takes part in our traces.

Needs ``checkoutflow[otel]``. The names are in `checkoutflow.flow.telemetry`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from threading import Lock
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from checkoutflow.errors import CheckoutError, NotSupported
from checkoutflow.flow.telemetry import MEASURES

try:
    from opentelemetry import context, metrics, trace
    from opentelemetry.metrics import Observation
except ModuleNotFoundError as error:
    raise NotSupported(
        "telemetry needs OpenTelemetry's API; install it with: pip install 'checkoutflow[otel]'"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextvars import Token

    from opentelemetry.metrics import CallbackOptions, Counter, Histogram

    from checkoutflow.flow.telemetry import About, Sight

NAME: Final = "checkoutflow"  # of the tracer and the meter


@dataclass(frozen=True, slots=True)
class _Span:
    span: trace.Span
    before: Token[context.Context]

    def set(self, about: About) -> None:
        self.span.set_attributes(about)

    def end(self, error: str, *, is_fault: bool) -> None:
        context.detach(self.before)
        if error:
            self.span.set_attribute("error.type", error)
        if is_fault:
            self.span.set_status(trace.StatusCode.ERROR)
        self.span.end()


class OpenTelemetry:
    """Traces and measures by OpenTelemetry. Several flows may share one."""

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        """Make the tracer and the instruments.

        Args:
            tracer_provider: By default the one that is set for the process, now or later.
            meter_provider: The same.
        """
        ours = version(NAME)
        self._tracer = trace.get_tracer(NAME, ours, tracer_provider)
        meter = metrics.get_meter(NAME, ours, meter_provider)
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        self._sights: WeakSet[Sight] = WeakSet()  # a flow that nobody has any more is not asked
        self._lock = Lock()
        for name, measure in MEASURES.items():
            if measure.kind == "counter":
                self._counters[name] = meter.create_counter(name, measure.unit, measure.about)
            elif measure.kind == "histogram":
                self._histograms[name] = meter.create_histogram(
                    name,
                    measure.unit,
                    measure.about,
                    explicit_bucket_boundaries_advisory=measure.buckets,
                )
            else:
                meter.create_observable_gauge(
                    name, [partial(self._seen, name)], measure.unit, measure.about
                )

    def begin(self, name: str, about: About, *, is_client: bool = False) -> _Span:
        """Start a span, and make it the current one."""
        kind = trace.SpanKind.CLIENT if is_client else trace.SpanKind.INTERNAL
        span = self._tracer.start_span(name, kind=kind, attributes=about)
        return _Span(span, context.attach(trace.set_span_in_context(span)))

    def tell(self, measure: str, value: float, about: About) -> None:
        """Add to a counter, or record in a histogram."""
        if (histogram := self._histograms.get(measure)) is not None:
            histogram.record(value, about)
        else:
            self._counters[measure].add(value, about)

    def watch(self, sight: Sight) -> None:
        """Ask it from now on, in the thread of whoever collects."""
        with self._lock:
            self._sights.add(sight)

    def leave(self, sight: Sight) -> None:
        """Ask it no more."""
        with self._lock:
            self._sights.discard(sight)

    def _seen(self, gauge: str, _: CallbackOptions) -> Iterable[Observation]:
        """What a gauge shows: of several stores, the highest value."""
        highest: dict[tuple[object, ...], Observation] = {}
        with self._lock:
            sights = [*self._sights]
        for sight in sights:
            with suppress(CheckoutError):  # of a store that cannot be asked nothing is known
                for value, about in sight.see(gauge):
                    key = tuple(sorted(about.items()))
                    if key not in highest or highest[key].value < value:
                        highest[key] = Observation(value, about)
        return highest.values()
