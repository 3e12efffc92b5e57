"""Reviewers work in the browser: what each page says, what each form does, and who may send it."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import subprocess
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.test_queue import DEAR, ONE, OTHER, desk_of
from tests.test_review import HOME, MUG, PHONE
from tests.test_score import model

from checkoutflow import AsyncCheckoutFlow, Cart, Money, Phase, UsageError
from checkoutflow.errors import TransportError
from checkoutflow.payment.machine import PaymentState
from checkoutflow.review.machine import RejectReason
from checkoutflow.review.rules import in_words
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.world import World
from checkoutflow.texts import LANGUAGES
from checkoutflow.web import review_app, words
from checkoutflow.web.app import COUNT_EVERY
from checkoutflow.web.guard import HEADERS, MOST_BYTES
from checkoutflow.web.pages import Reader, order_page
from checkoutflow.web.words import preferred

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.test_queue import Desk

SECRET = bytes(range(32))
ROOT = "/office/reviews"
AS_JSON = {"accept": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
NOTHING_LIKE_IT = "nosuchorder"


# A browser ----------------------------------------------------------------------------------------


@dataclass
class Form:
    """A form as it stands on a page."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What a page says, and what can be done on it."""

    VOID = frozenset({"meta", "link", "input", "br"})

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.status = answer.status_code
        self.headers = answer.headers
        self.html = answer.text
        self.forms: dict[str, Form] = {}
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.within: list[str] = []
        self.options: list[str] = []
        self._text: list[str] = []
        self._form: Form | None = None
        self.feed(answer.text)
        assert not self.within, "a tag stays open"

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append((tag, found))
        if tag == "form":
            self._form = Form(found["action"])
            self.forms[found["action"].rpartition("/")[2]] = self._form
        if self._form is not None and tag in {"input", "select", "textarea"}:
            self._form.fields[found["name"]] = found.get("value", "")
        if tag == "option":
            self.options.append(found["value"])
        if tag not in self.VOID:
            self.within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.within.pop() == tag
        if tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._text).split())

    def all(self, *names: str) -> list[dict[str, str]]:
        return [found for tag, found in self.tags if tag in names]


@dataclass
class Office:
    """A shop's back office, with the pages for reviewers in it."""

    desk: Desk
    app: Any
    runner: asyncio.Runner

    def send(self, method: str, path: str, by: str = ONE, **options: Any) -> httpx.Response:
        headers = {"accept-language": "en-GB", "x-reviewer": by, **options.pop("headers", {})}
        raises = options.pop("raises", True)

        async def sent() -> httpx.Response:
            door = httpx.ASGITransport(app=self.app, raise_app_exceptions=raises)
            async with httpx.AsyncClient(transport=door, base_url="https://shop.example") as client:
                return await client.request(method, path, headers=headers, **options)

        return self.runner.run(sent())

    def look(self, path: str = "/", by: str = ONE, **headers: str) -> Page:
        return Page(self.send("GET", ROOT + path, by, headers=headers))

    def order(self, held: Any, by: str = ONE) -> Page:
        return self.look(f"/orders/{held.id}", by)

    def submit(self, page: Page, name: str, by: str = ONE, **typed: str) -> Page:
        """Send a form as it stands on a page, and go where the answer says."""
        form = page.forms[name]
        answer = self.send("POST", form.action, by, data={**form.fields, **typed})
        if answer.status_code == 303:
            answer = self.send("GET", answer.headers["location"], by)
        return Page(answer)

    def do(self, held: Any, name: str, by: str = ONE, **typed: str) -> Page:
        return self.submit(self.order(held, by), name, by, **typed)

    def ask(self, path: str, by: str = ONE) -> Any:
        answer = self.send("GET", ROOT + path, by, headers=AS_JSON)
        assert answer.headers["content-type"] == "application/json"
        return answer.json()

    def tell(self, held: Any, name: str, by: str = ONE, **data: Any) -> httpx.Response:
        """Send JSON."""
        token = self.ask("/", by)["token"]
        path = f"{ROOT}/orders/{held.id}/{name}"
        return self.send("POST", path, by, json={"token": token, **data}, headers=AS_JSON)

    def reads(self, held: Any, by: str = ONE) -> int:
        return sum(row.by == by for row in self.desk.world.store.reads(held.subject))


def office_of(desk: Desk, runner: asyncio.Runner, flow: Any = None, **options: Any) -> Office:
    """The pages over a flow, mounted as a shop would."""
    settings = {"clock": desk.world.clock, "secret": SECRET, **options}
    app = review_app(
        flow or desk.flow,
        reviewer=lambda request: request.headers["x-reviewer"] or None,
        **settings,
    )
    return Office(desk, Starlette(routes=[Mount(ROOT, app)]), runner)


def asynchronous(desk: Desk) -> AsyncCheckoutFlow:
    """Another flow over the same store, bank and clock."""
    world: Any = desk.world
    return AsyncCheckoutFlow(
        world.shop,
        providers=[world.bank.provider()],
        store=world.store,
        keys=world._keys,
        clock=world.clock,
        http=httpx.AsyncClient(transport=httpx.MockTransport(world.bank.handle)),
    )


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as found:
        yield found


@pytest.fixture(params=["sync", "async", "sync on a database", "async on a database"])
def office(request: pytest.FixtureRequest, runner: Any, tmp_path: Any) -> Iterator[Office]:
    """Each way to have a flow."""
    store = open_store(tmp_path / "shop.db") if "database" in request.param else None
    if store is not None:
        store.create()
    desk = desk_of(store=store)
    flow = asynchronous(desk) if "async" in request.param else None
    yield office_of(desk, runner, flow)
    desk.world.close()


@pytest.fixture
def one(runner: Any) -> Iterator[Office]:
    """One way, for what has nothing to do with it."""
    desk = desk_of()
    yield office_of(desk, runner)
    desk.world.close()


# The queue ----------------------------------------------------------------------------------------


def test_the_queue_has_the_most_urgent_first_and_nothing_personal(office):
    late = office.desk.hold(MUG)
    office.desk.wait(days=2, hours=22)
    dear = office.desk.hold(DEAR)
    cheap = office.desk.hold(PHONE)
    office.desk.flow.claim(cheap.id, reviewer=OTHER)
    office.desk.flow.ask(cheap.id, "code", by="phone", reviewer=OTHER)
    office.desk.flow.note(cheap.id, "rang", reviewer=OTHER)
    office.desk.flow.approve(dear.id, reviewer=OTHER)
    page = office.look()
    links = [found["href"] for found in page.all("a") if "/orders/" in found["href"]]
    assert links == [f"{ROOT}/orders/{order.id}" for order in (late, dear, cheap)]
    for words_ in (
        "in 2 hours",
        "NOK9,049.00",
        "Total above NOK100.00",
        "reviewer-2 has said yes; another reviewer must, too.",
        "Thu 5 Mar 12:00",
        "reviewer-2 until Thu 5 Mar 10:30",
        "To type a code that is sent to the order's telephone No answer yet Notes: 1",
        "You are reviewer-1. Times are in UTC.",
    ):
        assert words_ in page.text
    assert not [value for value in HOME.values() if value in page.html]
    told = office.ask("/")
    assert [order["checkout"] for order in told["waiting"]] == [late.id, dear.id, cheap.id]
    assert told["waiting"][2]["asked"] == {"what": "code", "answer": ""}
    assert told["reviewer"] == ONE
    assert not office.reads(cheap)


def test_an_empty_queue_says_so(one):
    page = one.look()
    assert "No order waits for a person." in page.text
    assert not page.all("table")


def test_a_full_page_says_that_there_are_more(one, monkeypatch):
    monkeypatch.setattr("checkoutflow.web.app.MOST_WAITING", 1)
    one.desk.hold(MUG)
    one.desk.hold(MUG)
    page = one.look()
    assert "these are the 1 whose time is over first" in page.text
    assert len(page.all("tr")) == 2


# One order ----------------------------------------------------------------------------------------


def test_a_page_has_everything_for_a_decision_and_nothing_personal(office):
    office.desk.hold(PHONE)
    held = office.desk.hold(PHONE, ("mug", 2, "149 NOK", "kitchen"))
    page = office.order(held)
    for words_ in (
        "It waits for a person, and nobody has it.",
        "Total above NOK100.00",
        "There is no learned score. The rules decide alone.",
        "Other orders to the same address, within a day 1",
        "What the order comes to NOK7,337.00",
        "mug mug 2 NOK149.00",
        "Delivery: parcel",
        "card NOK7,337.00 Reserved",
        "Mon 2 Mar 12:00 The order was held",
        "it goes on record that reviewer-1 read them",
        "Notes: 0.",
    ):
        assert words_ in page.text
    assert "reviewer-1 opens" not in page.text
    assert not [value for value in HOME.values() if value in page.html]
    told = office.ask(f"/orders/{held.id}")["order"]
    assert (told["details"], told["notes"]) == ({}, [])
    assert not [value for value in HOME.values() if value in json.dumps(told)]
    assert not office.reads(held)


def test_rules_are_explained(runner):
    rules = [
        {"id": "mugs", "hold": True, "reason": "mugs again", "when": {"skus": ["mug"]}},
        {"id": "heavy", "weight": 40, "when": {"skus": ["mug"]}},
        {"id": "watched", "weight": -5, "shadow": True, "when": {"skus": ["mug"]}},
    ]
    desk = desk_of(rules=rules, hold_above=[])
    page = office_of(desk, runner).order(desk.hold(MUG))
    assert "mugs holds the order heavy weighs +40 watched is only watched" in page.text
    assert "Mugs again" in page.text
    desk.world.close()


class Scoring(World):
    """A world whose flow thinks ill of forwarders and of tries."""

    def open_flow(self, **options: Any) -> Any:
        return super().open_flow(score=model(trained_at=self.clock()), **options)


@pytest.mark.parametrize(
    ("capacity", "details", "said"),
    [
        (2, {}, "It multiplies the odds of harm by"),
        (0.1, {}, "It multiplies the odds of harm by"),
        (0.1, {"street": "Storgata 1"}, "No signal speaks strongly for harm."),
    ],
)
def test_the_score_is_explained_also_where_it_does_not_hold(runner, capacity, details, said):
    forwarders = [{"market": "NO", "street": "Havnegata 9", "postal_code": "0150"}]
    desk = desk_of(Scoring, score={"capacity_percent": capacity}, forwarders=forwarders)
    page = office_of(desk, runner).order(desk.hold(MUG, **{"street": "Havnegata 9", **details}))
    assert re.search(r"Score: [0-9]+%", page.text)
    assert said in page.text
    desk.world.close()


def test_details_are_opened_by_an_act_of_its_own_which_is_on_record(office):
    held = office.desk.hold(MUG)
    office.desk.flow.note(held.id, "Rang at noon", reviewer=OTHER)
    opened = office.do(held, "details")
    assert opened.status == 200
    for value in (*HOME.values(), "Rang at noon", "reviewer-2"):
        assert value in opened.text
    assert "Opened to prevent fraud. It is on record that reviewer-1 read this." in opened.text
    assert office.reads(held) == 1
    assert HOME["name"] not in office.order(held).html
    told = office.tell(held, "details").json()["order"]
    assert told["details"]["name"] == HOME["name"]
    assert told["notes"][0]["text"] == "Rang at noon"
    assert office.reads(held) == 2


def test_what_is_only_kept_stays_closed(one):
    held = one.desk.hold(MUG)
    one.desk.flow.restrict_person(held.subject)
    page = one.do(held, "details")
    assert page.status == 403
    assert "They stay closed." in page.text
    assert HOME["name"] not in page.html
    assert one.tell(held, "details").json()["error"] == "PurposeRefused"


def test_what_cannot_be_opened_says_so(one, runner):
    held = one.desk.hold(MUG)
    world: Any = one.desk.world
    other = world.open_flow(
        store=world.store,
        clock=world.clock,
        providers=[world.bank.provider()],
        keys=type(world._keys).of(bytes(32)),
    )
    office = office_of(one.desk, runner, other)
    page = office.do(held, "details")
    assert (page.status, "cannot be opened" in page.text) == (500, True)


def test_nothing_kept_is_said(one):
    held = one.desk.hold(MUG)
    one.desk.flow.reject(held.id, reviewer=OTHER)
    one.desk.flow.erase_person(held.subject)
    page = one.do(held, "details")
    assert page.status == 200
    assert "Nothing is kept of the customer that may be used for this." in page.text
    assert "Nobody has written any." in page.text


# What reviewers do --------------------------------------------------------------------------------


def test_an_order_is_claimed_kept_noted_asked_about_and_approved(office):
    held = office.desk.hold(MUG)
    page = office.do(held, "claim")
    assert "You have this order now." in page.text
    assert "You have it until Mon 2 Mar 12:30." in page.text
    office.desk.wait(minutes=20)
    assert "You have it until Mon 2 Mar 12:50." in office.submit(page, "claim").text
    page = office.submit(page, "note", text="Rang at noon\r\nand again")
    assert "The note is written." in page.text
    assert "Notes: 1." in page.text
    page = office.submit(page, "ask", what="code_email")
    assert "The customer is being asked." in page.text
    assert "To type a code that is sent to the order's e-mail address. No answer yet" in page.text
    page = office.submit(page, "approve")
    assert "You approved this order." in page.text
    assert "reviewer-1 approved it." in page.text
    for words_ in ("reviewer-1 took it on", "reviewer-1 wrote a note", "reviewer-1 asked the"):
        assert words_ in page.text
    assert set(page.forms) == {"details"}
    after = office.desk.now(held)
    assert (after.phase, after.review.reviewer) == (Phase.CONFIRMED, ONE)
    opened = office.do(held, "details")
    assert "Rang at noon and again" in opened.text


def test_an_order_is_handed_over_let_go_and_rejected(office):
    held = office.desk.hold(MUG)
    office.do(held, "claim")
    page = office.do(held, "hand-over", to=f" {OTHER} ")
    assert "You handed this order over." in page.text
    assert "reviewer-2 has it until Mon 2 Mar 12:30." in page.text
    assert set(page.forms) == {"details", "note"}
    page = office.do(held, "release", OTHER)
    assert "You let go of this order." in page.text
    page = office.do(held, "reject", reason="not_reached")
    assert "reviewer-1 rejected it: The customer could not be reached." in page.text
    assert "card NOK198.00 Released" in page.text
    assert "reviewer-1 handed it over to reviewer-2" in page.text
    assert (office.desk.now(held).phase, office.desk.reserved) == (Phase.REJECTED, 0)


def test_the_same_as_data(office):
    held = office.desk.hold(MUG)
    assert office.tell(held, "claim").json()["order"]["review"]["reviewer"] == ONE
    assert office.tell(held, "note", text="by a program").status_code == 200
    assert office.tell(held, "ask", what="contact").status_code == 200
    refused = office.tell(held, "approve", OTHER)
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json() == {
        "title": "Conflict",
        "status": 409,
        "detail": "reviewer-1 has this order. Wait, or ask them to hand it over.",
        "error": "ReviewTaken",
        "next": "fix_the_call",
        "field": "reviewer",
    }
    told = office.tell(held, "reject", reason="series").json()["order"]
    assert (told["phase"], told["review"]["reason"]) == ("rejected", "series")
    assert set(told["payments"].values()) == {"voided"}


def test_two_pairs_of_eyes(office):
    held = office.desk.hold(DEAR)
    page = office.order(held)
    assert "Two reviewers approve an order of this value." in page.text
    assert "Approve as the first of two" in page.text
    first = office.submit(page, "approve")
    assert "You have said yes; another reviewer must, too." in first.text
    assert "approve" not in first.forms
    assert "reject" in first.forms
    again = office.send("POST", page.forms["approve"].action, data=page.forms["approve"].fields)
    assert again.status_code == 303  # the same form once more is no second yes
    page.forms["approve"].fields["once"] = "another"
    refused = office.submit(page, "approve")
    assert (refused.status, "the first of the two" in refused.text) == (409, True)
    second = office.order(held, OTHER)
    assert "reviewer-1 has said yes; another reviewer must, too." in second.text
    assert "Approve as the second of two" in second.text
    done = office.submit(second, "approve", OTHER)
    assert "reviewer-2 approved it." in done.text
    assert "reviewer-1 said yes, the first of two" in done.text


def test_a_form_that_is_sent_twice_acts_once(office):
    held = office.desk.hold(MUG)
    page = office.order(held)
    for _ in range(2):
        assert office.submit(page, "note", text="once").status == 200
    office.submit(page, "note", text="another one, from the same page")
    assert office.desk.now(held).review.notes == 2
    for _ in range(2):
        assert "You approved this order." in office.submit(page, "approve").text
    assert office.desk.now(held).phase is Phase.CONFIRMED


def test_what_the_customer_answered_is_there(one):
    held = one.desk.hold(MUG)
    one.do(held, "ask", what="contact")
    one.desk.flow.answer(held.id, "It is a present")
    page = one.order(held)
    assert "To get in touch. They wrote; see the notes" in page.text
    assert "The customer answered: They wrote; see the notes" in page.text
    assert "It is a present" in one.do(held, "details").text


def test_a_review_of_before_it_was_written_down_why_is_decided(one):
    held = one.desk.hold(MUG)
    after = one.desk.flow.approve(held.id, reviewer=ONE)
    file = one.desk.flow.review(held.id)
    old = after.but(review=after.review.but(ended=""))
    reader = Reader(ONE, words.Tongue("en_GB", UTC, one.desk.world.clock()))
    page = order_page(replace(file, checkout=old), reader, is_opened=False)
    assert page["standing"] == "It is decided."


# When it cannot be done ---------------------------------------------------------------------------


def taken(desk: Desk, held: Any) -> None:
    desk.flow.claim(held.id, reviewer=OTHER)


def lost(desk: Desk, held: Any) -> None:
    desk.flow.claim(held.id, reviewer=ONE)
    desk.wait(hours=1)
    desk.flow.claim(held.id, reviewer=OTHER)


def approved(desk: Desk, held: Any) -> None:
    desk.flow.approve(held.id, reviewer=OTHER)


def rejected(desk: Desk, held: Any) -> None:
    desk.flow.reject(held.id, reviewer=OTHER, reason="series")


def cancelled(desk: Desk, held: Any) -> None:
    desk.flow.cancel(held.id)


def past(desk: Desk, _: Any) -> None:
    desk.wait(days=4)


def lapsed(desk: Desk, held: Any) -> None:
    past(desk, held)
    desk.world.settle()


def voided(desk: Desk, held: Any) -> None:
    desk.bank.portal_void(held.payments[0].id)
    desk.flow.reconcile(held.id)


@pytest.mark.parametrize("act", ["approve", "reject", "claim", "ask"])
@pytest.mark.parametrize(
    ("before", "standing"),
    [
        (taken, "reviewer-2 has it until Mon 2 Mar 12:30."),
        (lost, "reviewer-2 has it until Mon 2 Mar 13:30."),
        (approved, "reviewer-2 approved it."),
        (rejected, "reviewer-2 rejected it: One of a series of orders that belong together."),
        (cancelled, "It was cancelled meanwhile."),
        (past, "Its time is over. The shop's settings decide"),
        (lapsed, "Nobody decided in time, and it was rejected."),
        (voided, "What was reserved for it went away, and it was rejected."),
    ],
)
def test_whoever_comes_too_late_sees_what_happened(one, act, before, standing):
    held = one.desk.hold(MUG)
    page = one.order(held)
    before(one.desk, held)
    state = one.desk.now(held)
    late = one.submit(page, act, reason="other", what="contact")
    assert late.status == 409
    assert "This was not done" in late.text
    assert standing in late.text
    assert "Traceback" not in late.html
    assert act not in late.forms
    [message] = [found for found in late.all("div") if found.get("role") == "alert"]
    assert "autofocus" in message
    assert message["tabindex"] == "-1"
    assert one.desk.now(held) == state


def test_the_shop_may_approve_in_time(runner):
    desk = desk_of(at_deadline="approve")
    held = desk.hold(MUG)
    lapsed(desk, held)
    page = office_of(desk, runner).order(held)
    assert "Nobody decided in time, and it was approved." in page.text
    assert "It was approved, since nobody decided in time" in page.text
    desk.world.close()


CARD_NUMBER = "4242 4242 4242 4242"


@pytest.mark.parametrize(
    ("act", "typed", "place", "why"),
    [
        ("note", {"text": " "}, "text", "Write something."),
        ("note", {"text": "x" * 2001}, "text", "It is longer than 2000 characters."),
        ("note", {"text": f"it is {CARD_NUMBER}"}, "text", "There is a card number in it."),
        ("ask", {"what": ""}, "what", "Choose what the customer is asked for."),
        ("ask", {"what": "code_letter"}, "what", "Choose what the customer is asked for."),
        ("reject", {"reason": ""}, "reason", "Choose why it is rejected."),
        ("reject", {"reason": "a hunch"}, "reason", "Choose why it is rejected."),
        ("hand-over", {"to": ONE}, "to", "Name another reviewer than yourself."),
        ("hand-over", {"to": " "}, "to", "Name another reviewer than yourself."),
    ],
)
def test_a_wrong_field_is_named(one, act, typed, place, why):
    held = one.desk.hold(MUG)
    one.do(held, "claim")
    page = one.do(held, act, **typed)
    assert page.status == 422
    assert why in page.text
    assert {"href": f"#{place}"} in page.all("a")
    [wrong] = [found for _, found in page.tags if found.get("aria-invalid") == "true"]
    assert (wrong["id"], "problem" in wrong["aria-describedby"]) == (place, True)
    assert CARD_NUMBER not in page.html
    if act == "note" and CARD_NUMBER not in typed["text"]:
        assert typed["text"].strip() in page.html  # nobody types it twice
    told = one.tell(held, act, **typed).json()
    assert told["field"] == place
    assert CARD_NUMBER not in str(told)


def test_a_code_goes_only_where_the_customer_is_reached(one):
    page = one.order(one.desk.hold(MUG))
    assert {"code_email", "code_phone", *RejectReason} <= set(page.options)
    song = {"sku": "song", "name": "Song", "quantity": 1, "unit_price": "149 NOK", "digital": True}
    sale = one.desk.flow.start(
        Cart.read({"lines": [song]}),
        market="NO",
        details={"email": HOME["email"]},
        payment="card",
    )
    held = one.desk.place(sale)
    page = one.order(held)
    assert "code_phone" not in page.options
    page.forms["ask"].fields["what"] = "code_phone"
    refused = one.submit(page, "ask")
    assert (refused.status, "gave no such telephone" in refused.text) == (422, True)


def test_enough_is_enough(one):
    held = one.desk.hold(MUG)
    for _ in range(10):
        one.desk.flow.ask(held.id, "contact", reviewer=ONE)
    page = one.do(held, "ask", what="contact")
    assert (page.status, "with the order as it stands" in page.text) == (409, True)


def test_who_has_nothing_lets_go_of_nothing(one):
    held = one.desk.hold(MUG)
    one.do(held, "claim")
    page = one.order(held)
    one.desk.flow.release(held.id, reviewer=ONE)
    after = one.submit(page, "release")
    assert (after.status, "Take it on first." in after.text) == (409, True)


@pytest.mark.parametrize("path", ["", "/details", "/approve"])
def test_what_is_not_there_is_not_found(office, path):
    sold = office.desk.flow.start(
        office.desk.start(MUG).cart, market="NO", details=HOME, payment="card"
    )
    token = office.ask("/")["token"]
    for name in (NOTHING_LIKE_IT, sold.id, "%00", "x" * 3000):
        method = "POST" if path else "GET"
        body = {"data": {"token": token}} if path else {}
        answer = office.send(method, f"{ROOT}/orders/{name}{path}", **body)
        assert answer.status_code == 404, name
        assert "There is no such page" in Page(answer).text
    told = office.send("GET", f"{ROOT}/orders/{NOTHING_LIKE_IT}", headers=AS_JSON)
    assert (told.status_code, told.json()["error"]) == (404, "NotFound")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/orders/x/claim", 405),
        ("POST", "/", 405),
        ("DELETE", "/orders/x", 405),
        ("GET", "/templates/order.html", 404),
    ],
)
def test_no_other_address_answers(one, method, path, status):
    answer = one.send(method, ROOT + path)
    assert answer.status_code == status
    assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]
    assert "This was not done" in Page(answer).text


def test_a_fault_of_ours_is_no_stack_trace(one, caplog):
    held = one.desk.hold(MUG)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the wires are crossed")

    one.desk.flow.review = broken
    answer = one.send("GET", f"{ROOT}/orders/{held.id}", raises=False)
    assert answer.status_code == 500
    assert "Something went wrong." in Page(answer).text
    assert "wires" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_an_error_of_the_world_says_when_to_come_back(one):
    held = one.desk.hold(MUG)

    def silent(*_: object, **__: object) -> None:
        raise TransportError("no answer")

    one.desk.flow.approve = silent
    assert one.do(held, "approve").status == 503


# Who may come in ----------------------------------------------------------------------------------

EVERYWHERE = [
    ("GET", "/"),
    ("GET", "/figures"),
    ("GET", "/style.css"),
    ("GET", "/orders/{id}"),
    *(
        ("POST", f"/orders/{{id}}/{act}")
        for act in "details claim release hand-over note ask approve reject".split()
    ),
]


@pytest.mark.parametrize(("method", "path"), EVERYWHERE)
def test_nobody_in_particular_sees_nothing(one, method, path):
    held = one.desk.hold(MUG)
    token = one.ask("/")["token"]
    state = one.desk.now(held)
    body = {"data": {"token": token, "reason": "other"}} if method == "POST" else {}
    answer = one.send(method, ROOT + path.format(id=held.id), "", **body)
    assert (answer.status_code, "Please log in first." in answer.text) == (403, True)
    assert held.id not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"
    assert one.desk.now(held) == state
    told = one.send(method, ROOT + path.format(id=held.id), "", headers=AS_JSON, **body)
    assert told.json() == {"title": "Forbidden", "status": 403, "detail": "Please log in first."}


def test_the_shop_says_who_it_is_by_awaiting_too(one, runner):
    async def asks(request: Any) -> str:
        await asyncio.sleep(0)
        return str(request.headers["x-reviewer"])

    one.app = review_app(one.desk.flow, reviewer=asks, secret=SECRET)
    answer = one.send("GET", "/", OTHER)
    assert "You are reviewer-2." in Page(answer).text


OWN = {"origin": "https://shop.example", "sec-fetch-site": "same-origin"}


@pytest.mark.parametrize(
    ("headers", "token", "status"),
    [
        (OWN, "own", 303),
        ({}, "own", 303),
        ({"origin": "https://SHOP.example"}, "own", 303),
        ({"sec-fetch-site": "same-origin"}, "own", 303),
        ({"sec-fetch-site": "cross-site"}, "own", 403),
        ({"sec-fetch-site": "same-site"}, "own", 403),
        ({"sec-fetch-site": "none"}, "own", 403),
        ({"origin": "https://evil.example"}, "own", 403),
        ({"origin": "https://shop.example.evil.example"}, "own", 403),
        ({"origin": "https://shop.example:8443"}, "own", 403),
        ({"origin": "null"}, "own", 403),
        ({"origin": "https://[shop.example"}, "own", 403),
        ({"origin": "file://shop.example"}, "own", 403),
        ({**OWN, "origin": "https://evil.example"}, "own", 403),
        (OWN, "other", 403),
        (OWN, "", 403),
        (OWN, "ø" * 64, 403),
        (OWN, None, 403),
    ],
)
def test_a_form_comes_from_a_page_of_the_same_reviewer(one, headers, token, status):
    held = one.desk.hold(MUG)
    tokens = {"own": one.ask("/")["token"], "other": one.ask("/", OTHER)["token"]}
    data = {"text": ""} if token is None else {"token": tokens.get(token, token)}
    answer = one.send("POST", f"{ROOT}/orders/{held.id}/claim", data=data, headers=headers)
    assert answer.status_code == status
    assert (one.desk.now(held).review.reviewer == ONE) is (status == 303)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (FORM, b"token={token}", 303),
        (
            {"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
            b"token={token}",
            303,
        ),
        ({"content-type": "application/json"}, b'{"token": "{token}"}', 303),
        (FORM, b"token={token}&text=" + b"x" * MOST_BYTES, 413),
        (FORM, b"token={token}&" + b"&".join(b"a%d=1" % i for i in range(50)), 422),
        (FORM, b"token={token}&text=\xff", 422),
        ({"content-type": "application/json"}, b'{"token": "{token}", "to": 1}', 422),
        ({"content-type": "application/json"}, b'["{token}"]', 422),
        ({"content-type": "application/json"}, b"[" * 20_000, 422),
        ({"content-type": "application/json"}, b"{", 422),
        ({"content-type": "text/plain"}, b"token={token}", 415),
        ({"content-type": "multipart/form-data; boundary=x"}, b"token={token}", 415),
        ({}, b"token={token}", 415),
    ],
)
def test_what_is_sent_is_a_small_form_or_texts_in_json(one, kind, body, status):
    held = one.desk.hold(MUG)
    content = body.replace(b"{token}", one.ask("/")["token"].encode())
    path = f"{ROOT}/orders/{held.id}/claim"
    answer = one.send("POST", path, content=content, headers=kind)
    assert answer.status_code == status
    assert (one.desk.now(held).review.reviewer == ONE) is (status == 303)


def test_every_answer_keeps_to_itself(one):
    held = one.desk.hold(MUG)
    pages = [one.look(path) for path in ("/", "/figures", f"/orders/{held.id}", "/nowhere")]
    pages.append(one.do(held, "details"))
    for page in pages:
        assert {name: page.headers[name] for name in HEADERS} == HEADERS
        assert not page.all("script", "style", "img", "iframe")
        assert not [found for _, found in page.tags if "style" in found]
        assert not [name for _, found in page.tags for name in found if name.startswith("on")]
        for found in (*page.all("a", "link"), *page.all("form")):
            address = found.get("href") or found["action"]
            assert address.startswith((f"{ROOT}/", "#"))
    style = one.send("GET", f"{ROOT}/style.css")
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert "url(" not in style.text
    assert "@import" not in style.text


def test_a_secret_is_one(one):
    with pytest.raises(UsageError, match="24 bytes") as refused:
        review_app(one.desk.flow, reviewer=lambda _: ONE, secret=b"short")
    assert refused.value.field == "secret"


# Hostile texts, and quiet ones --------------------------------------------------------------------

HOSTILE = '<script>alert("1")</script>\u202e{{ 7 * 7 }}'


def test_whatever_is_in_a_text_it_stays_a_text(one):
    held = one.desk.hold((HOSTILE[:40], 1, "149 NOK", "kitchen"), name=f"{HOSTILE} Person")
    one.desk.flow.claim(held.id, reviewer="<b>one</b>")
    one.desk.flow.note(held.id, f"{HOSTILE}\n" + "long" * 400, reviewer="<b>one</b>")
    for page in (one.look(), one.order(held), one.do(held, "details")):
        assert not page.all("script", "b")
        assert "<b>one</b>" in page.text
    assert HOSTILE in one.do(held, "details").text


@pytest.mark.parametrize("done", ["claimed", "<script>", "queue", ""])
def test_what_an_address_says_was_done_is_one_of_ours(one, done):
    held = one.desk.hold(MUG)
    page = one.look(f"/orders/{held.id}?done={done}")
    assert (page.status, page.all("script")) == (200, [])
    assert not [found for found in page.all("p") if found.get("role") == "status"]


def test_nothing_personal_is_logged_or_stands_where_nobody_opened_it(one, caplog):
    caplog.set_level(logging.DEBUG)
    held = one.desk.hold(MUG)
    note = "Their neighbour Solsort answered"
    one.do(held, "note", text=note)
    one.do(held, "note", text=f"{note} {CARD_NUMBER}")
    one.do(held, "details")
    one.send("GET", f"{ROOT}/orders/{held.id}?q={HOME['city']}")
    seen = "".join(
        page.html
        for page in (one.look(), one.order(held), one.look("/figures"), one.look("/nowhere"))
    )
    written = "\n".join(
        f"{record.getMessage()}" for record in caplog.records if not record.name.startswith("httpx")
    )
    for value in (*HOME.values(), note, CARD_NUMBER):
        assert value not in seen
        assert value not in written


# Languages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "locale"),
    [
        ("da-DK,da;q=0.9,en;q=0.8", "da_DK"),
        ("de, nn;q=0.5, sv;q=0.7", "sv"),
        ("NB-no", "nb_NO"),
        ("no", "no"),
        ("en", "en_GB"),
        ("en-US,en;q=0.9", "en_US"),
        ("de-DE,en;q=0.3", "en_GB"),
        ("*", "en_GB"),
        ("da;q=0", "en_GB"),
        ("fi;q=x, is", "is"),
        ("", "en_GB"),
        ("\u202e,,;;q", "en_GB"),
        (",".join(["de"] * 30 + ["da"]), "en_GB"),
    ],
)
def test_a_browser_says_which_language(accepted, locale):
    assert preferred(accepted) == locale


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_in_the_reviewers_language(one, language):
    held = one.desk.hold(DEAR)
    one.desk.flow.ask(held.id, "code", by="email", reviewer=ONE)
    pages = [
        one.look(path, **{"accept-language": language})
        for path in ("/", "/figures", f"/orders/{held.id}", f"/orders/{held.id}?done=claim")
    ]
    pages.append(one.look("/nowhere", **{"accept-language": language}))
    english = {text for text in words.TEXTS.values() if len(text) > 12 and "{" not in text}
    for page in pages:
        assert page.all("html") == [{"lang": language}]
        if language != "en":
            assert not [text for text in english if text in page.text]


def test_the_shop_may_say_which_language_and_clock(one, runner):
    office = office_of(one.desk, runner, locale="da_DK", zone=ZoneInfo("Europe/Copenhagen"))
    held = one.desk.hold(MUG)
    page = office.order(held)
    assert page.all("html") == [{"lang": "da"}]
    assert "man. 2. mar. 13.00" in page.text
    assert "149,00 NOK" in page.text.replace("\xa0", " ")
    assert held.review.deadline.isoformat() in [found["datetime"] for found in page.all("time")]
    assert "Europe/Copenhagen" in page.text


def test_times_long_ago_have_their_year(one):
    tongue = words.Tongue("en_GB", UTC, one.desk.world.clock())
    assert tongue.moment(one.desk.world.clock() - timedelta(days=400)).text == "26 Jan 2025 12:00"


def test_reasons_that_are_the_shops_own_stay_as_they_are():
    assert in_words("watches, dear ones", "da") == "watches, dear ones"
    assert in_words("total above the moon", "da") == "total above the moon"
    assert in_words("total above 5000.00 DKK", "da_DK") != "total above 5000.00 DKK"


def test_every_payment_can_be_spoken_of():
    assert words.STATES.keys() == set(PaymentState)


# Figures ------------------------------------------------------------------------------------------


def test_figures_as_a_table_a_drawing_and_data(office):
    first, second, third = (office.desk.hold(MUG) for _ in range(3))
    office.desk.wait(hours=2)
    office.desk.flow.approve(first.id, reviewer=ONE)
    office.desk.flow.reject(second.id, reviewer=ONE)
    page = office.look("/figures")
    for words_ in ("held 3 (100 %)", "worth NOK594.00", "reviewers let through 50 %"):
        assert words_ in page.text
    [drawing] = [found for found in page.all("svg") if found["role"] == "img"]
    assert "within 4 hours: 2" in drawing["aria-label"]
    told = office.ask("/figures")
    assert told["figures"]["outcomes"] == {"approved": 1, "rejected": 1, "waiting": 1}
    # They are counted again after a while, and not for each visitor.
    office.desk.flow.approve(third.id, reviewer=ONE)
    assert office.ask("/figures") == told
    office.desk.wait(seconds=COUNT_EVERY.total_seconds())
    assert office.ask("/figures")["figures"]["outcomes"]["approved"] == 2


def test_a_shop_without_orders_has_figures_too(one):
    page = one.look("/figures")
    assert "No rule has applied to any order." in page.text
    assert not page.all("svg")


def test_which_rules_were_right(runner):
    rules = [{"id": "mugs", "weight": 1, "when": {"skus": ["mug"]}}]
    desk = desk_of(rules=rules)
    held = desk.flow.ship(desk.flow.approve(desk.hold(MUG).id, reviewer=ONE).id)
    desk.flow.record_chargeback(held.id, amount=Money(100, "NOK"))
    page = office_of(desk, runner).look("/figures")
    assert "mugs 1 1 1 100 % 1 1 100 %" in page.text
    assert [found["aria-label"] for found in page.all("svg")][1:] == [
        "Who was right. mugs: 100 %",
        "Let through. mugs: 100 %",
    ]
    desk.world.close()


# Everybody can use it -----------------------------------------------------------------------------


def test_pages_have_what_readers_of_all_kinds_need(one):
    held = one.desk.hold(DEAR)
    one.desk.flow.claim(held.id, reviewer=ONE)
    one.desk.flow.ask(held.id, "contact", reviewer=ONE)
    pages = [one.look(path) for path in ("/", "/figures", f"/orders/{held.id}", "/nowhere")]
    pages += [one.do(held, "details"), one.do(held, "note", text="")]
    for page in pages:
        names = [tag for tag, _ in page.tags]
        ids = [found["id"] for _, found in page.tags if "id" in found]
        assert len(ids) == len(set(ids))
        assert (names.count("h1"), names.count("main"), names.count("title")) == (1, 1, 1)
        skip = page.all("a")[0]
        assert (skip["class"], skip["href"]) == ("skip", "#content")
        levels = [int(tag[1]) for tag in names if tag in {"h1", "h2", "h3"}]
        assert all(next_ <= level + 1 for level, next_ in pairwise(levels))
        labelled = {found["for"] for found in page.all("label")}
        typed = [
            found
            for found in page.all("input", "select", "textarea")
            if found.get("type") != "hidden"
        ]
        assert {found["id"] for found in typed} == labelled
        assert all("scope" in found for found in page.all("th"))
        assert names.count("caption") == names.count("table")
        for _, found in page.tags:
            named = f"{found.get('aria-labelledby', '')} {found.get('aria-describedby', '')}"
            assert set(named.split()) <= set(ids)


# Parts of the package -----------------------------------------------------------------------------


def test_the_package_brings_its_pages():
    room = files("checkoutflow.web")
    for name in ("base", "queue", "order", "figures", "problem", "parts"):
        assert (room / "templates" / f"{name}.html").is_file()
    assert (room / "style.css").is_file()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import checkoutflow.web; checkoutflow.web.review_app", "web is missing an extra"),
        ("import checkoutflow.cli, checkoutflow.web", ""),
    ],
)
def test_without_the_extra_only_this_room_is_closed(script, said):
    hide = "import sys; sys.modules['starlette'] = sys.modules['jinja2'] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", hide + script], capture_output=True, text=True, check=False
    )
    assert bool(done.returncode) is bool(said)
    if said:
        assert "pip install 'checkoutflow[web]'" in done.stderr
        assert "NotSupported" in done.stderr
