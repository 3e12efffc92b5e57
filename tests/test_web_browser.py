"""A reviewer works with nothing but a keyboard, in a real browser; what they saw is photographed.

The photographs are in pytest's own folder (``--basetemp`` names it): look at them after a change of
the pages. They show the pages wide, narrow (320 pixels, which is also 400 % zoom) and dark.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import pytest
import uvicorn
from playwright.sync_api import sync_playwright
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.test_queue import DEAR, ONE, OTHER, desk_of
from tests.test_review import HOME, MUG, PHONE

from checkoutflow import Phase
from checkoutflow.stores.sql import open_store
from checkoutflow.web import review_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.test_queue import Desk

CHROMIUM: Final = os.environ.get("CHECKOUTFLOW_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
FLAGS: Final = """
    --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking
    --disable-component-update --disable-sync
""".split()
pytestmark = pytest.mark.skipif(
    not CHROMIUM,
    reason="no Chromium on the PATH: install one, or name it in CHECKOUTFLOW_CHROMIUM",
)
MOST_TABS: Final = 60


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The address of an application on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        config = uvicorn.Config(app, log_level="warning", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


# A refusal of ours is an answer with an error's number, and is mentioned.
NO_COMPLAINT = "Failed to load resource"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = open_store(tmp_path / "shop.db")
    store.create()
    found = desk_of(store=store)
    yield found
    found.world.close()


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    app = review_app(
        desk.flow,
        reviewer=lambda _: ONE,
        secret=bytes(32),
        zone=ZoneInfo("Europe/Oslo"),
        clock=desk.world.clock,
    )
    with served(Starlette(routes=[Mount("/reviews", app)])) as root:
        yield f"{root}/reviews"


@pytest.fixture
def tab(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a tab, and sees at the end that the browser had nothing to complain of."""
    complaints: list[str] = []
    contexts = []

    def opened(width: int = 1200, **options: Any) -> Any:
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, locale="en-GB", **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [text for text in complaints if not text.startswith(NO_COMPLAINT)] == []


def arrive(page: Any, address: str) -> None:
    """Wait for a page that says what came of it, and until that has the focus."""
    page.wait_for_url(address)
    page.wait_for_function("document.activeElement.matches('[autofocus]')")


def go_to(page: Any, name: str) -> None:
    """Press the tabulator until something of this name has the focus, and is seen to have it."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => {
                const it = document.activeElement;
                const shown = it.labels && it.labels.length ? it.labels[0] : it;
                const style = getComputedStyle(it);
                return [shown.innerText.trim(), style.outlineStyle, it.matches(':focus-visible')];
            }"""
        )
        if focused[0] == name:
            assert focused[1] != "none"
            assert focused[2]
            return
    pytest.fail(f"no {name!r} within reach of the keyboard")


def photograph(page: Any, tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    assert path.stat().st_size > 10_000


def test_an_order_is_found_claimed_and_approved_by_keyboard(desk, address, tab, tmp_path):
    held = desk.hold(MUG)
    desk.hold(DEAR)
    page = tab()
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    photograph(page, tmp_path, "queue")
    go_to(page, f"{held.id[:10]}…")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/orders/{held.id}")
    assert HOME["name"] not in page.content()
    go_to(page, "Open name, address and notes")
    page.keyboard.press("Enter")
    page.wait_for_url("**/details")
    assert HOME["name"] in page.content()
    photograph(page, tmp_path, "opened")
    go_to(page, "Take it on")
    page.keyboard.press("Space")
    arrive(page, "**?done=claim")
    told = page.evaluate("[document.activeElement.innerText, document.activeElement.role]")
    assert told == ["You have this order now.", "status"]
    go_to(page, "Approve")
    page.keyboard.press("Enter")
    arrive(page, "**?done=approve")
    photograph(page, tmp_path, "approved")
    after = desk.now(held)
    assert (after.phase, after.review.reviewer) == (Phase.CONFIRMED, ONE)
    assert [row.by for row in desk.world.store.reads(held.subject)].count(ONE) == 1


def test_an_order_is_noted_and_rejected_with_a_reason_by_keyboard(desk, address, tab, tmp_path):
    held = desk.hold(MUG)
    page = tab()
    page.goto(f"{address}/orders/{held.id}")
    go_to(page, "A note for other reviewers")
    page.keyboard.type("Rang at noon, and nobody was there")
    go_to(page, "Write the note")
    page.keyboard.press("Enter")
    arrive(page, "**?done=note")
    # Without a reason the browser itself does not send it.
    go_to(page, "Reject and release the money")
    page.keyboard.press("Enter")
    assert page.url.endswith("?done=note")
    assert page.evaluate("document.activeElement.id") == "reason"
    page.keyboard.type("The customer could")
    go_to(page, "Reject and release the money")
    page.keyboard.press("Enter")
    arrive(page, "**?done=reject")
    photograph(page, tmp_path, "rejected")
    after = desk.now(held)
    assert (after.phase, after.review.reason) == (Phase.REJECTED, "not_reached")
    assert desk.reserved == 0


def test_whoever_loses_the_race_is_taken_to_what_happened(desk, address, tab, tmp_path):
    held = desk.hold(MUG)
    page = tab()
    page.goto(f"{address}/orders/{held.id}")
    desk.flow.reject(held.id, reviewer=OTHER, reason="series")
    go_to(page, "Approve")
    page.keyboard.press("Enter")
    arrive(page, "**/approve")
    focused = page.evaluate("document.activeElement.innerText")
    assert "It came too late: the order does not wait any more." in focused
    assert "reviewer-2 rejected it: One of a series" in page.inner_text("main")
    photograph(page, tmp_path, "too late")


@pytest.mark.parametrize(
    ("name", "width", "options"),
    [
        ("wide", 1200, {}),
        ("narrow", 320, {}),
        ("zoomed", 600, {"device_scale_factor": 2}),
        ("dark", 1200, {"color_scheme": "dark"}),
        ("still", 1200, {"reduced_motion": "reduce", "forced_colors": "active"}),
    ],
)
def test_pages_fit_and_can_be_read(desk, address, tab, tmp_path, name, width, options):
    held = desk.hold(PHONE, ("a-very-long-name-of-goods-" * 3, 1, "149 NOK", "kitchen"))
    desk.flow.claim(held.id, reviewer=ONE)
    desk.flow.ask(held.id, "login", reviewer=ONE)
    desk.flow.approve(desk.hold(MUG).id, reviewer=ONE)
    desk.flow.approve(desk.hold(DEAR).id, reviewer=OTHER)
    page = tab(width, **options)
    for title, path in (("queue", "/"), ("order", f"/orders/{held.id}"), ("figures", "/figures")):
        page.goto(address + path)
        photograph(page, tmp_path, f"{title} {name}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CONTRAST) == []


# Texts whose contrast to what is behind them is too low (WCAG 2, 4.5 to 1).
CONTRAST: Final = """() => {
    const parts = (color) => (color.match(/[0-9.]+/g) || []).map(Number);
    const light = (color) => {
        const [r, g, b] = parts(color).slice(0, 3).map((part) => {
            const share = part / 255;
            return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (it) => {
        for (; it; it = it.parentElement) {
            const color = getComputedStyle(it).backgroundColor;
            if ((parts(color)[3] ?? 1) > 0) return color;
        }
        return 'rgb(255, 255, 255)';
    };
    const found = [];
    for (const it of document.querySelectorAll('main *, header *')) {
        const own = [...it.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!own || it.closest('svg') || it.tagName === 'OPTION') continue;
        const [one, other] = [light(getComputedStyle(it).color), light(behind(it))];
        const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (ratio < 4.5) found.push(`${it.tagName} ${it.className}: ${ratio}`);
    }
    return found;
}"""
