"""The application: which page is where, and what each form does."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from inspect import isawaitable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from checkoutflow.errors import (
    CheckoutError,
    InvalidInput,
    NotFound,
    NotSupported,
    PurposeRefused,
    UsageError,
    VaultError,
)
from checkoutflow.flow.aio import AsyncCheckoutFlow
from checkoutflow.flow.host import Clock, system_clock, system_random
from checkoutflow.flow.review_documents import plain, plain_file, plain_standing
from checkoutflow.privacy.cards import holds_card_number
from checkoutflow.review.figures import document

try:
    from anyio import Lock
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
    from starlette.routing import Route
except ModuleNotFoundError as missing:
    raise NotSupported(
        f"{missing.name} is missing: pages for reviewers need the extra web, as in "
        "pip install 'checkoutflow[web]'"
    ) from missing

from checkoutflow.web import words
from checkoutflow.web.guard import JSON, Sealed, Tokens, fields_of, is_from_here
from checkoutflow.web.pages import Reader, figures_page, order_page, queue_rows
from checkoutflow.web.words import DONE, Tongue, preferred

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.flow.reviewing import ReviewFile
    from checkoutflow.flow.sync import CheckoutFlow
    from checkoutflow.review.figures import Figures

    # What a form does: to which order, by whom, with which fields, and under which key.
    _Act = Callable[[CheckoutFlow, str, str, Mapping[str, str], str], Checkout]

T = TypeVar("T")

# Orders on the page of the queue.
MOST_WAITING: Final = 200
# Counting reads every order that there is; so long the figures are shown again as they were.
COUNT_EVERY: Final = timedelta(minutes=15)


def review_app(
    flow: CheckoutFlow | AsyncCheckoutFlow,
    *,
    reviewer: Callable[[Request], str | Awaitable[str | None] | None],
    secret: bytes,
    locale: str = "",
    zone: tzinfo = UTC,
    clock: Clock = system_clock,
) -> ASGIApp:
    """Make an ASGI application in which reviewers work: pages, and the same as JSON.

    Mount it in the shop's own back office, behind the shop's own login. Every address of it asks
    ``reviewer`` first, and nobody whom that does not name sees anything. Whoever asks for
    ``application/json`` gets it.

    Args:
        flow: The shop's flow. A synchronous one runs in worker threads.
        reviewer: Says who is asking, in the shop's own word for them (an account's id, no
            customer's data): it is on record with all that they read and do. None for somebody who
            may not review; they get 403.
        secret: What forms are protected with: random bytes, at least 24, the same in each process.
        locale: Of the pages; by default what each browser asks for, among the Nordic languages and
            English.
        zone: In which times are told: ``ZoneInfo("Europe/Oslo")``.
        clock: Tells the time; the flow's own where it has another than the machine's.

    Raises:
        UsageError: If the secret is too short.
    """
    return Sealed(_Desk(flow, reviewer, Tokens(secret), locale, zone, clock).app())


@dataclass(frozen=True, slots=True)
class _Visit:
    """One request by a reviewer."""

    request: Request
    reader: Reader
    token: str

    @property
    def root(self) -> str:
        """The path under which the application is mounted."""
        return str(self.request.scope.get("root_path", "")).rstrip("/")

    @property
    def wants_json(self) -> bool:
        """Whether data is asked for, and no page."""
        return _wants_json(self.request)

    @property
    def order(self) -> str:
        """The order that the address names."""
        return str(self.request.path_params["order"])


def _wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return JSON in accepted and "text/html" not in accepted


def _ask(flow: CheckoutFlow, order: str, by: str, form: Mapping[str, str], key: str) -> Checkout:
    what = form.get("what", "")
    kind, _, where = what.partition("_") if what in words.ASKS else ("", "", "")
    if not kind:
        raise InvalidInput(f"is one of {', '.join(words.ASKS)}", field="what")
    return flow.ask(order, kind, reviewer=by, by=where, idempotency_key=key)


def _note(flow: CheckoutFlow, order: str, by: str, form: Mapping[str, str], key: str) -> Checkout:
    text = form.get("text", "").replace("\r\n", "\n")
    return flow.note(order, text, reviewer=by, idempotency_key=key)


ACTS: Final[Mapping[str, _Act]] = MappingProxyType(
    {
        "claim": lambda flow, order, by, _, key: flow.claim(
            order, reviewer=by, idempotency_key=key
        ),
        "release": lambda flow, order, by, _, key: flow.release(
            order, reviewer=by, idempotency_key=key
        ),
        "hand-over": lambda flow, order, by, form, key: flow.hand_over(
            order, reviewer=by, to=form.get("to", "").strip(), idempotency_key=key
        ),
        "note": _note,
        "ask": _ask,
        "approve": lambda flow, order, by, _, key: flow.approve(
            order, reviewer=by, idempotency_key=key
        ),
        "reject": lambda flow, order, by, form, key: flow.reject(
            order, reviewer=by, reason=form.get("reason", ""), idempotency_key=key
        ),
    }
)


@dataclass(slots=True)
class _Desk:
    """Where reviewers come to."""

    flow: CheckoutFlow | AsyncCheckoutFlow
    reviewer: Callable[[Request], str | Awaitable[str | None] | None]
    tokens: Tokens
    locale: str
    zone: tzinfo
    clock: Clock
    counted: tuple[datetime, Figures] | None = None
    counting: Lock = field(default_factory=Lock)

    def app(self) -> Starlette:
        """The application."""
        routes = [
            Route("/", self._door(self._queue)),
            Route("/figures", self._door(self._figures)),
            Route("/style.css", self._door(_style)),
            Route("/orders/{order}", self._door(self._order)),
            Route("/orders/{order}/details", self._door(self._details), methods=["POST"]),
            *(
                Route(f"/orders/{{order}}/{name}", self._door(self._act(name)), methods=["POST"])
                for name in ACTS
            ),
        ]
        handlers: Any = {HTTPException: self._refused, Exception: self._broken}
        return Starlette(routes=routes, exception_handlers=handlers)

    # Coming in ------------------------------------------------------------------------------------

    def _door(
        self, answer: Callable[[_Visit], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            name = self.reviewer(request)
            name = await name if isawaitable(name) else name
            if not name:
                raise HTTPException(403, words.LOG_IN)
            visit = _Visit(request, Reader(name, self._tongue(request)), self.tokens.of(name))
            try:
                return await answer(visit)
            except CheckoutError as error:
                return self._failed(visit, error)

        return endpoint

    def _tongue(self, request: Request) -> Tongue:
        locale = self.locale or preferred(request.headers.get("accept-language", ""))
        return Tongue(locale, self.zone, self.clock())

    async def _asked(self, ask: Callable[[CheckoutFlow], T]) -> T:
        """Ask the flow, whichever kind it is: both have the same calls."""
        if isinstance(self.flow, AsyncCheckoutFlow):
            return await cast("Awaitable[T]", ask(cast("CheckoutFlow", self.flow)))
        return await run_in_threadpool(ask, self.flow)

    async def _form(self, visit: _Visit) -> dict[str, str]:
        """What was sent.

        Raises:
            HTTPException: If it did not come from a page of this reviewer's, or cannot be read.
        """
        if not is_from_here(visit.request):
            raise HTTPException(403, words.NOT_FROM_HERE)
        form = await fields_of(visit.request)
        if not self.tokens.fit(visit.reader.name, form.pop("token", "")):
            raise HTTPException(403, words.NOT_FROM_HERE)
        return form

    # Pages ----------------------------------------------------------------------------------------

    async def _queue(self, visit: _Visit) -> Response:
        waiting = await self._asked(lambda flow: flow.reviews(limit=MOST_WAITING))
        if visit.wants_json:
            return _data(visit, waiting=[plain(order) for order in waiting])
        rows = queue_rows(waiting, visit.reader)
        return _page(visit, "queue.html", rows=rows, most=MOST_WAITING)

    async def _figures(self, visit: _Visit) -> Response:
        async with self.counting:  # one at a time: the next one finds what the first has counted
            now = self.clock()
            if self.counted is None or now - self.counted[0] >= COUNT_EVERY:
                self.counted = now, await self._asked(lambda flow: flow.review_figures())
        at, found = self.counted
        if visit.wants_json:
            return _data(visit, counted_at=at.isoformat(), figures=document(found))
        return _page(visit, "figures.html", **figures_page(found, at, visit.reader))

    async def _order(self, visit: _Visit) -> Response:
        found = await self._asked(lambda flow: flow.review(visit.order))
        if visit.wants_json:
            return _data(visit, order=plain_file(found, visit.reader.tongue.locale))
        done = DONE.get(visit.request.query_params.get("done", ""), "")
        return _order(visit, found, done=done)

    async def _details(self, visit: _Visit) -> Response:
        await self._form(visit)
        by = visit.reader.name
        try:
            found = await self._asked(lambda flow: flow.open_review(visit.order, reviewer=by))
        except NotFound:
            raise
        except CheckoutError as error:
            return await self._not_done(visit, error, {})
        if visit.wants_json:
            return _data(visit, order=plain_file(found, visit.reader.tongue.locale))
        return _order(visit, found, is_opened=True)

    # What reviewers do ----------------------------------------------------------------------------

    def _act(self, name: str) -> Callable[[_Visit], Awaitable[Response]]:
        act = ACTS[name]

        async def answer(visit: _Visit) -> Response:
            form = await self._form(visit)
            order, by, key = visit.order, visit.reader.name, _key(visit, name, form)
            try:
                sale = await self._asked(lambda flow: act(flow, order, by, form, key))
            except NotFound:
                raise
            except CheckoutError as error:
                return await self._not_done(visit, error, form)
            if visit.wants_json:
                return _data(visit, order=plain_standing(sale))
            return RedirectResponse(f"{visit.root}/orders/{sale.id}?done={name}", 303)

        return answer

    async def _not_done(
        self, visit: _Visit, error: CheckoutError, form: Mapping[str, str]
    ) -> Response:
        """The order as it is now, and why nothing was done."""
        if visit.wants_json:
            return self._failed(visit, error)
        found = await self._asked(lambda flow: flow.review(visit.order))
        wrong = visit.reader.tongue.wrong(error)
        return _order(visit, found, wrong=wrong, error=error, typed=form, status=_status(error))

    # Refusing -------------------------------------------------------------------------------------

    def _failed(self, visit: _Visit, error: CheckoutError) -> Response:
        tongue, status = visit.reader.tongue, _status(error)
        text = tongue.say(words.NOT_FOUND) if isinstance(error, NotFound) else tongue.wrong(error)
        more = {"error": type(error).__name__, "next": str(error.next)}
        more |= {"field": error.field} if error.field else {}
        return _problem(visit.request, tongue, status, text, **more)

    async def _refused(self, request: Request, error: HTTPException) -> Response:
        known = {404: words.NOT_FOUND, 405: words.NO_METHOD}
        tongue = self._tongue(request)
        text = tongue.say(known.get(error.status_code, error.detail))
        answer = _problem(request, tongue, error.status_code, text)
        answer.headers.update(error.headers or {})
        return answer

    async def _broken(self, request: Request, _: Exception) -> Response:
        """For the reviewer; whoever runs the server has the error itself in its log."""
        tongue = self._tongue(request)
        return _problem(request, tongue, 500, tongue.say(words.BROKEN))


def _key(visit: _Visit, act: str, form: Mapping[str, str]) -> str:
    """The same for the same form sent twice; none where it does not say which form it is."""
    if not form.get("once"):
        return ""
    sent = json.dumps([visit.reader.name, visit.order, act, sorted(form.items())])
    return f"review-{sha256(sent.encode()).hexdigest()}"


def _status(error: CheckoutError) -> int:
    found = (status for kind, status in _STATUSES if isinstance(error, kind))
    return next(found, 503)


_STATUSES: Final[tuple[tuple[type[CheckoutError], int], ...]] = (
    (NotFound, 404),
    (InvalidInput, 422),
    (PurposeRefused, 403),
    (UsageError, 409),
    (VaultError, 500),
)


# Answers ------------------------------------------------------------------------------------------


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("checkoutflow.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


async def _style(_: _Visit) -> Response:
    text = (files("checkoutflow.web") / "style.css").read_text("utf-8")
    return Response(text, media_type="text/css")


def _data(visit: _Visit, **data: object) -> Response:
    return JSONResponse({"reviewer": visit.reader.name, "token": visit.token, **data})


def _page(visit: _Visit, template: str, *, status: int = 200, **values: object) -> Response:
    tongue = visit.reader.tongue
    text = (
        _templates()
        .get_template(template)
        .render(
            t=tongue.texts(),
            say=tongue.say,
            lang=tongue.language,
            root=visit.root,
            reviewer=visit.reader.name,
            zone=str(tongue.zone),
            token=visit.token,
            once=system_random(12).hex(),
            **values,
        )
    )
    return HTMLResponse(text, status)


# Which field of the page an error's field is.
_PLACES: Final = {"text": "text", "to": "to", "reason": "reason", "what": "what", "by": "what"}


def _order(
    visit: _Visit,
    found: ReviewFile,
    *,
    is_opened: bool = False,
    done: str = "",
    wrong: str = "",
    error: CheckoutError | None = None,
    typed: Mapping[str, str] = MappingProxyType({}),
    status: int = 200,
) -> Response:
    order = order_page(found, visit.reader, is_opened=is_opened)
    said = visit.reader.tongue.say(done) if done else ""
    at = _PLACES.get(error.field or "", "") if isinstance(error, InvalidInput) else ""
    # What was typed stands there again, except what nobody should have typed.
    text = typed.get("text", "")
    return _page(
        visit,
        "order.html",
        status=status,
        order=order,
        done=said,
        wrong=wrong,
        at=at,
        typed="" if holds_card_number(text) else text,
    )


def _problem(request: Request, tongue: Tongue, status: int, text: str, **more: str) -> Response:
    """A problem as JSON (RFC 9457) or as a page; it names nobody."""
    title = HTTPStatus(status).phrase
    if _wants_json(request):
        data = {"title": title, "status": status, "detail": text, **more}
        return JSONResponse(data, status, media_type="application/problem+json")
    root = str(request.scope.get("root_path", "")).rstrip("/")
    page = _templates().get_template("problem.html")
    html = page.render(t=tongue.texts(), lang=tongue.language, root=root, text=text, status=status)
    return HTMLResponse(html, status)
