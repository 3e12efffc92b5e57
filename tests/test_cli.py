"""The command line: every command, and one clear line for everything that is wrong."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from itertools import combinations
from pathlib import Path
from string import Formatter
from threading import Event
from typing import Any, get_args
from xml.etree import ElementTree as ET

import httpx
import pytest

from checkoutflow import Cart, CheckoutFlow, Money
from checkoutflow.checkout import events as e
from checkoutflow.checkout.machine import ALLOWED, CHECKOUT, CommandName
from checkoutflow.cli import main, show, simulate, states
from checkoutflow.cli.diagram import draw
from checkoutflow.cli.paper import WIDTH, Paper, columns, padded, width
from checkoutflow.payment.machine import PAYMENT
from checkoutflow.payment.outcomes import Operation, Outcome, Redirect
from checkoutflow.providers import open_providers
from checkoutflow.providers.registry import ADAPTERS
from checkoutflow.review import REVIEW, Hit, Scored
from checkoutflow.stores.sql import open_store
from checkoutflow.testing.bank import Fault
from checkoutflow.testing.serve import serve

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
SVG = "{http://www.w3.org/2000/svg}"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def run(capsys):
    """Run a command: its exit code, what it wrote, and what it complained of."""

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


# What was typed ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("", "checkoutflow: the following arguments are required: COMMAND"),
        ("sell", "checkoutflow: argument COMMAND: invalid choice: 'sell'"),
        ("demo --fast", "checkoutflow: unrecognized arguments: --fast"),
        ("demo --mark DK", "checkoutflow: unrecognized arguments: --mark DK"),
        ("demo --market", "checkoutflow demo: argument --market: expected at least one argument"),
        ("show abc", "checkoutflow show: the following arguments are required: --db"),
        ("show abc --db none.db", "checkoutflow: none.db: there is no such file"),
        ("verify --db none.db", "checkoutflow: none.db: there is no such file"),
        ("verify --db pyproject.toml", "checkoutflow: the file is no SQLite database"),
        ("states --write LICENSE", "checkoutflow: LICENSE: File exists"),
        ("states --json --write x", "checkoutflow states: argument --write: not allowed with"),
        ("simulate bank --port x", "checkoutflow simulate: argument --port: is a number from 0"),
        ("simulate bank --port 65536", "checkoutflow simulate: argument --port: is a number from"),
        ("simulate bank --notify me", "checkoutflow simulate: argument --notify: is an address"),
        (
            "simulate shop",
            "checkoutflow: there is no stand-in shop; there are bank, vipps",
        ),
        ("schema order", "checkoutflow schema: argument {shop,cart,view}: invalid choice: 'order'"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(run, words, complaint, monkeypatch):
    monkeypatch.chdir(ROOT)
    status, out, err = run(*words.split())
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(complaint)


def test_an_error_of_many_lines_is_still_one_line(run, monkeypatch):
    def fail(*_):
        raise OSError("no strength,\n  no number")

    monkeypatch.setattr(states, "run", fail)
    assert run("states") == (2, "", "checkoutflow: no strength, no number\n")


@pytest.mark.parametrize("words", ["--help", "demo --help", "show -h"])
def test_help_is_no_mistake(run, words):
    status, out, err = run(*words.split())
    assert (status, err) == (0, "")
    assert out.startswith("usage: checkoutflow")


def test_the_version(run):
    status, out, _ = run("--version")
    assert status == 0
    assert re.fullmatch(r"checkoutflow \d+\.\d+\.\d+\n", out)


def test_an_interruption_is_quiet(run, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(states, "run", interrupted)
    assert run("states") == (130, "", "")


def command(*words):
    return [sys.executable, "-m", "checkoutflow", *words]


def test_a_reader_who_has_had_enough_is_no_mistake():
    process = subprocess.Popen(
        command("states"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ
    )
    assert process.stdout is not None
    process.stdout.close()
    _, complaints = process.communicate(timeout=60)
    assert (process.returncode, complaints) == (141, b"")


def test_a_narrow_encoding_loses_signs_and_not_the_text():
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command("states"), capture_output=True, env=environ, check=True)
    assert b"placed     ? placing" in done.stdout


# Paper -------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "is_coloured"),
    [
        (Terminal, {}, True),
        (Terminal, {"NO_COLOR": ""}, True),
        (Terminal, {"NO_COLOR": "1"}, False),
        (Terminal, {"TERM": "dumb"}, False),
        (io.StringIO, {}, False),
    ],
)
def test_colours_are_for_people_who_want_them(stream, environ, is_coloured):
    out = stream()
    Paper(out, environ).entry("total", "10.00", "bold", "cyan")
    coloured = "\x1b[2m      total\x1b[0m  \x1b[1;36m10.00\x1b[0m\n"
    assert out.getvalue() == (coloured if is_coloured else "      total  10.00\n")


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("krus", 6, "krus  "),
        ("kaffekvarn", 6, "kaffe…"),
        ("杯杯杯杯", 6, "杯杯… "),
        ("a\N{COMBINING RING ABOVE}r", 3, "a\N{COMBINING RING ABOVE}r "),
    ],
)
def test_a_text_fills_its_columns_whatever_its_signs(text, columns, shown):
    assert padded(text, columns) == shown
    assert width(shown) == columns


def test_columns_are_as_wide_as_their_widest_cell():
    assert columns([("a", "1.00"), ("long", "10.00", "!"), ("b",)], right=[1]) == [
        "a      1.00",
        "long  10.00  !",
        "b",
    ]


def test_a_long_entry_goes_on_below_beside_no_label():
    out = io.StringIO()
    Paper(out, {}).entry("note", "word " * 30)
    first, second = out.getvalue().splitlines()
    assert first.startswith("       note  word")
    assert second.startswith("             word")
    assert max(len(first), len(second)) <= WIDTH


# Show and verify ---------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path):
    return tmp_path / "shop.db"


@pytest.fixture
def flow(database, checkout_shop, checkout_clock, simulated_bank):
    store = open_store(database)
    store.create()
    with (
        httpx.Client(transport=httpx.MockTransport(simulated_bank.handle)) as http,
        CheckoutFlow(
            checkout_shop,
            providers=[simulated_bank.provider()],
            store=store,
            clock=checkout_clock,
            http=http,
        ) as flow,
    ):
        yield flow


@pytest.fixture
def buy(flow, checkout_carts, checkout_customers):
    def place(payment="card", quantity=2):
        mug, book = checkout_carts["DK"].lines
        cart = Cart(lines=(mug.model_copy(update={"quantity": quantity}), book))
        details = checkout_customers["DK"]
        checkout = flow.start(cart, market="DK", payment=payment, details=details)
        return flow.place(
            checkout.id, accepted_total=checkout.total, return_url="https://shop.example/back"
        )

    return place


def test_the_timeline_has_every_commit_and_event(run, flow, buy, database):
    checkout = flow.ship(buy().id, {"mug": 1})
    status, out, _ = run("show", checkout.id, "--db", database)
    assert status == 0
    assert max(map(width, out.splitlines())) <= WIDTH
    for entry in flow.journal(checkout.id):
        assert f"\n{entry.version:4}  {entry.at:%Y-%m-%d %H:%M:%S} UTC  {entry.command}\n" in out
        for event in entry.events:
            assert f"\n{event.type:>24}  " in out
    assert "shipment_started  s1: 1 × mug, " in out
    assert re.search(r"together +786.00 +\d+\.00 +0.00 +0.00", out)


def opened(run, checkout, database):
    _, out, _ = run("show", checkout.id, "--db", database)
    return re.split(r"(?<=\.) ", " ".join(out.partition("What is open\n")[2].split()))


def test_what_is_open_while_the_customer_pays(run, buy, database, flow):
    checkout = buy("wallet")
    short = checkout.payments[0].id[:6]
    first, second = opened(run, checkout, database)
    assert first.startswith("The customer has not finished; expires 2")
    assert re.fullmatch(
        rf"Payment {short}…: authorise 786\.00 DKK is pending; asked again .* UTC\.", second
    )
    _, out, _ = run("show", checkout.id, "--db", database)
    assert "attempt 1: not decided yet, the customer has" in out
    flow.cancel(checkout.id)
    assert opened(run, checkout, database) == ["Nothing."]


def test_what_is_open_while_an_order_is_held(run, buy, database):
    checkout = buy(quantity=30)
    review, to_ship, reserved = opened(run, checkout, database)
    assert review.startswith("The review is open; to be decided by 2")
    assert to_ship == "To ship: 30 × mug, 1 × book."
    assert re.fullmatch(r"Payment .{6}…: 7758\.00 DKK is reserved until .* UTC\.", reserved)


def test_what_is_open_after_a_lost_answer(run, buy, flow, simulated_bank, database):
    checkout = buy()
    simulated_bank.plan("capture", Fault.LOSE_ANSWER)
    flow.ship(checkout.id, {"mug": 1})
    said = opened(run, checkout, database)
    assert "To ship: 1 × mug, 1 × book." in said
    assert any("capture" in line and " is unknown; asked again " in line for line in said)
    assert "Under way: s1." in said


def test_what_is_open_after_an_answer_about_another_amount(
    run, buy, flow, simulated_bank, database
):
    checkout = buy()
    simulated_bank.plan("capture", Fault.OTHER_AMOUNT)
    flow.ship(checkout.id)
    said = opened(run, checkout, database)
    assert not any(line.startswith("To ship") for line in said)
    assert said[-2:] == [
        "Under way: s1.",
        f"A person should look at payment {checkout.payments[0].id[:6]}…: contradiction.",
    ]


def test_a_payment_that_is_stopped_says_why(buy):
    checkout = buy()
    (payment,) = checkout.payments
    stopped = payment.model_copy(update={"contradiction": "captured 2.00 DKK of 1.00 DKK"})
    *_, last = show._open(checkout.model_copy(update={"payments": (stopped,)}))
    assert last.endswith("is stopped: the provider said captured 2.00 DKK of 1.00 DKK.")


def test_what_a_person_should_look_at(run, buy, flow, simulated_bank, checkout_clock, database):
    checkout = buy()
    simulated_bank.portal_capture(checkout.payments[0].id, Money(1_00, "DKK"))
    flow.reconcile(checkout.id)
    checkout_clock.advance(days=8)
    checkout = flow.reconcile(checkout.id)
    said = opened(run, checkout, database)
    for item in checkout.attention:
        reason = item.reason.replace("_", " ")
        assert f"A person should look at payment {item.payment[:6]}…: {reason}." in said
    assert checkout.attention


def test_an_id_that_is_not_there(run, flow, database):
    flow.checkouts()
    assert run("show", "abc", "--db", database) == (
        2,
        "",
        f"checkoutflow: {database} holds no checkout with this id\n",
    )


def test_every_kind_of_event_can_be_told():
    assert set(show._TELLS) == set(get_args(e.Event))
    for event, text in show._TELLS.items():
        named = {name for _, name, _, _ in Formatter().parse(text) if name}
        assert named <= set(event.model_fields)


PAYMENT_ID = "abcdefghijklmnopqrst"


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (
            e.AttemptFailed(
                payment=PAYMENT_ID,
                attempt=f"{PAYMENT_ID}-2",
                outcome=Outcome.DECLINED,
                reason="card_expired",
            ),
            "payment abcdef…, attempt 2: declined: card expired",
        ),
        (
            e.AttemptFailed(payment=PAYMENT_ID, attempt=f"{PAYMENT_ID}-2", outcome=Outcome.REFUSED),
            "payment abcdef…, attempt 2: refused",
        ),
        (
            e.AttemptStarted(
                payment=PAYMENT_ID,
                attempt=f"{PAYMENT_ID}-1",
                operation=Operation.VOID,
                amount=Money(5, "ISK"),
                at=NOW,
                lease_until=NOW,
            ),
            "payment abcdef…, attempt 1: void 5 ISK",
        ),
        (
            e.AttemptPending(
                payment=PAYMENT_ID,
                attempt=f"{PAYMENT_ID}-1",
                action=Redirect(url="https://bank.example/pay/1"),
                look_at=NOW,
            ),
            "payment abcdef…, attempt 1: not decided yet, the customer has to act",
        ),
        (
            e.AttemptPending(payment=PAYMENT_ID, attempt=f"{PAYMENT_ID}-1", look_at=NOW),
            "payment abcdef…, attempt 1: not decided yet",
        ),
        (
            e.PaymentStarted(
                payment=PAYMENT_ID, method="invoice", provider=None, amount=Money(5, "ISK")
            ),
            "payment abcdef…: 5 ISK by invoice, on the shop's own word",
        ),
        (
            e.PaymentAuthorised(payment=PAYMENT_ID, amount=Money(5, "ISK")),
            "payment abcdef…: 5 ISK is reserved",
        ),
        (
            e.PaymentAuthorised(payment=PAYMENT_ID, amount=Money(5, "ISK"), valid_until=NOW),
            "payment abcdef…: 5 ISK is reserved until 2026-11-21 12:00 UTC",
        ),
        (
            e.PaymentCaptured(payment=PAYMENT_ID, amount=Money(5, "ISK"), origin="provider"),
            "payment abcdef…: 5 ISK is captured, by the provider itself",
        ),
        (
            e.Looked(payment=PAYMENT_ID, is_absent=True, look_at=None),
            "payment abcdef…: the provider was asked, and does not know of it",
        ),
        (
            e.Looked(payment=PAYMENT_ID, look_at=None),
            "payment abcdef…: the provider was asked, and says nothing new",
        ),
        (
            e.ProfileAwaited(payment=PAYMENT_ID, ask_at=NOW),
            "payment abcdef…: what was shared is to be asked for at 2026-11-21 12:00 UTC",
        ),
        (
            e.ProfileAwaited(payment=PAYMENT_ID, ask_at=None),
            "payment abcdef…: what was shared is not asked for any more",
        ),
        (
            e.DetailsShared(payment=PAYMENT_ID, fields=("email", "name")),
            "payment abcdef…: the customer shared email, name; the vault holds them",
        ),
        (e.RefundStarted(refund="r1", lines={}, amount=Money(5, "ISK")), "r1: an amount, 5 ISK"),
        (
            e.RefundStarted(refund="r1", lines={"mug": 2}, amount=Money(5, "ISK")),
            "r1: 2 × mug, 5 ISK",
        ),
        (e.ReviewLapsed(reason="deadline"), "it counts as turned down: deadline"),
        (e.ReviewRejected(reviewer="r-7"), "r-7 turns it down"),
        (e.ReviewApproved(reviewer="r-7"), "r-7 lets it through"),
        (e.ReviewApproved(reviewer="", at_deadline=True), "the deadline lets it through"),
        (e.ReviewHandedOver(reviewer="r-7", to="r-8", until=NOW), "r-7 hands it over to r-8"),
        (e.Judged(hits=(), weight=0), "rules that apply: none"),
        (
            e.Judged(
                hits=(Hit(rule="mugs", weight=5, shadow=True),),
                weight=0,
                scored=Scored(standing="ready", probability=0.123, held=True),
            ),
            "rules that apply: mugs (in the shadow); the score says 12 % and holds",
        ),
        (
            e.Judged(hits=(), weight=0, scored=Scored(standing="ready", probability=0.1)),
            "rules that apply: none; the score says 10 % and does not hold",
        ),
        (
            e.Held(reasons=("total above 1.00 EUR", "another"), deadline=NOW),
            "total above 1.00 EUR, another; a person decides by 2026-11-21 12:00 UTC",
        ),
    ],
)
def test_an_event_is_told_in_a_readable_line(event, told):
    assert show.told(event) == told


def rewritten(database, statement, *values):
    """Change a database behind the library's back."""
    with sqlite3.connect(database) as connection:
        connection.execute("DROP TRIGGER IF EXISTS checkoutflow_journal_refuses_update")
        connection.execute("DROP TRIGGER IF EXISTS checkoutflow_journal_refuses_delete")
        connection.execute(statement, values)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        (
            """UPDATE checkoutflow_checkouts
               SET state = json_set(state, '$.method', 'x', '$.phase', 'held')""",
            "stored otherwise than the journal says: phase, method",
        ),
        ("UPDATE checkoutflow_checkouts SET state = '{}'", "checkout .* cannot be read"),
        ("DELETE FROM checkoutflow_journal", "the journal is empty"),
        (
            "DELETE FROM checkoutflow_journal WHERE version = 1",
            ".* cannot happen while the checkout is not started",
        ),
        (
            """DELETE FROM checkoutflow_journal
               WHERE version = (SELECT max(version) FROM checkoutflow_journal)""",
            "stored otherwise than the journal says: version",
        ),
        (
            """UPDATE checkoutflow_journal SET events = replace(events, 'attempt":"', 'attempt":"x')
               WHERE events LIKE '%attempt_failed%'""",
            "payment .* has no attempt x.*",
        ),
    ],
)
def test_a_checkout_that_differs_from_its_journal_is_named(
    run, buy, flow, simulated_bank, database, statement, complaint
):
    simulated_bank.decline_next()
    checkout = buy()
    flow.close()
    rewritten(database, statement)
    status, out, _ = run("verify", "--db", database)
    first, last = out.splitlines()
    assert status == 1
    assert re.match(f"{checkout.id}: ({complaint})", first)
    assert last == "1 of 1 checkouts differ from their journals"


def test_many_checkouts_are_read_page_by_page(run, buy, database, monkeypatch):
    monkeypatch.setattr("checkoutflow.stores.pages._PAGE", 2)
    for _ in range(5):
        buy()
    assert run("verify", "--db", database) == (0, "5 checkouts, each as its journal says\n", "")


# States ------------------------------------------------------------------------------------------

TABLES: dict[str, Any] = {"checkout": CHECKOUT, "payment": PAYMENT, "review": REVIEW}


def test_the_text_has_every_row(run):
    status, out, _ = run("states")
    assert status == 0
    lines = [line.split() for line in out.splitlines()]
    for table in TABLES.values():
        for state, row in table.items():
            assert any(line[:1] == [state] for line in lines)
            for step, target in row.items():
                assert any(line[-3:] == [step, "→", target] for line in lines)


def test_the_json_is_the_tables(run):
    status, out, _ = run("states", "--json")
    machines = json.loads(out)
    assert status == 0
    for name, table in TABLES.items():
        states_of = machines[name]["states"]
        assert {state: shown["steps"] for state, shown in states_of.items()} == table
    from_programs = {
        CommandName.ASSESS,
        CommandName.RECORD_RESULT,
        CommandName.TAKE_STANDING,
        CommandName.HEAR,
        CommandName.TAKE_PROFILE,
        CommandName.PASS_TIME,
    }
    for phase, allowed in ALLOWED.items():
        calls = machines["checkout"]["states"][phase]["calls"]
        assert set(calls) == set(allowed) - from_programs


def test_the_page_and_its_pictures_are_what_the_command_writes(run, tmp_path):
    folder = tmp_path / "new" / "reference"
    status, out, _ = run("states", "--write", folder)
    written = {file.name: file.read_text("utf-8") for file in folder.iterdir()}
    assert status == 0
    assert out.split() == [str(folder / name) for name in states.files()]
    assert sorted(written) == [
        "states-checkout.svg",
        "states-payment.svg",
        "states-policy.svg",
        "states-review.svg",
        "states.md",
    ]
    for name, text in written.items():
        assert (REFERENCE / name).read_text("utf-8") == text


def picture(name):
    return ET.parse(REFERENCE / f"states-{name}.svg").getroot()  # noqa: S314 -- our own file


def rectangles(svg, *kinds):
    for rect in svg.iter(f"{SVG}rect"):
        if rect.get("class") in kinds:
            yield tuple(float(rect.get(name)) for name in ("x", "y", "width", "height"))


def overlap(one, other):
    return all(
        one[side] < other[side] + other[size] and other[side] < one[side] + one[size]
        for side, size in ((0, 2), (1, 3))
    )


@pytest.mark.parametrize("name", TABLES)
def test_in_the_pictures_nothing_stands_on_anything_else(name):
    svg = picture(name)
    page, *labels = rectangles(svg, "page")
    boxes = list(rectangles(svg, "box", "end"))
    assert len(labels) > 2
    for one, other in combinations([*labels, *boxes], 2):
        assert not overlap(one, other)
    for x, y, across, down in [*labels, *boxes]:
        assert page[0] <= x <= page[0] + page[2] - across
        assert page[1] <= y <= page[1] + page[3] - down


@pytest.mark.parametrize("name", TABLES)
def test_the_pictures_have_every_state_and_step_as_text(name):
    svg = picture(name)
    texts = [element.text or "" for element in svg.iter(f"{SVG}text")]
    table = TABLES[name]
    for state, row in table.items():
        assert texts.count(state) >= 1
        for step in row:
            assert any(step in text.split() for text in texts)
    assert svg.findtext(f"{SVG}title") == f"The states of a {name}"


class Light(StrEnum):
    OFF = "off"
    DIM = "dim"
    BRIGHT = "bright"


class Turn(StrEnum):
    UP = "up"
    DOWN = "down"


def test_a_step_into_a_box_of_several_states_says_which():
    both = {Turn.UP: Light.BRIGHT, Turn.DOWN: Light.OFF}
    svg = draw(
        "lamp", {Light.OFF: {Turn.UP: Light.DIM}, Light.DIM: both, Light.BRIGHT: both}, Light.OFF
    )
    assert ">up → dim</text>" in svg
    assert ">up → bright</text>" in svg
    assert ">down</text>" in svg


# Schema and simulate -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "required"),
    [
        ("shop", ["name", "markets", "methods"]),
        ("cart", ["lines"]),
    ],
)
def test_a_schema_says_what_a_file_must_have(run, model, required):
    status, out, _ = run("schema", model)
    schema = json.loads(out)
    assert status == 0
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == required
    assert schema["additionalProperties"] is False


def test_the_schema_of_a_view_has_all_that_a_view_has(run, flow, buy):
    _, out, _ = run("schema", "view")
    view = flow.view(buy().id).model_dump(mode="json")
    assert list(json.loads(out)["properties"]) == list(view)


@pytest.fixture
def interruptible():
    """What is started can be interrupted, also where a shell in the background ignores that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_the_bank_serves_a_shop_until_it_is_interrupted():
    got, told = [], Event()

    def webhook(request):
        got.append(json.loads(request.content)["type"])
        told.set()
        return httpx.Response(204)

    with (
        serve(webhook) as url,
        subprocess.Popen(
            command("simulate", "bank", "--notify", url), stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout is not None
        first = process.stdout.readline()
        base_url = re.search(r"http://127\.0\.0\.1:\d+", first)
        assert base_url
        pay = httpx.post(
            f"{base_url[0]}/v1/payments",
            headers={"authorization": f"Bearer {simulate.API_KEY}", "idempotency-key": "a-1"},
            json={
                "merchant_reference": "payment-1",
                "amount": {"value": 100, "currency": "DKK"},
                "method": "wallet",
                "return_url": f"{url}/back",
                "locale": "da_DK",
            },
        )
        page = pay.json()["action"]["url"]
        assert "Approve" in httpx.get(page).text
        decided = httpx.post(page, data={"decision": "approve"})
        assert decided.status_code == HTTPStatus.SEE_OTHER
        assert told.wait(10)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.wait(20) == 0
    assert got == ["payment.authorised"]
    assert f"signed with {simulate.NOTICE_SECRET}" in rest
    assert f"posted to {url}" in rest


def test_without_an_address_nothing_is_posted(run, monkeypatch):
    monkeypatch.setattr("checkoutflow.cli.simulate.Event", Interrupted)
    status, out, _ = run("simulate", "bank")
    assert status == 0
    assert "not posted" in out
    assert simulate.API_KEY in out


@pytest.mark.parametrize("name", ADAPTERS)
def test_what_a_stand_in_prints_is_what_a_shop_can_paste(run, monkeypatch, name):
    monkeypatch.setattr("checkoutflow.cli.simulate.Event", Interrupted)
    status, out, _ = run("simulate", name, "--notify", "http://127.0.0.1:9/notices")
    assert status == 0
    assert out.startswith(f"{name} is played at http://127.0.0.1:")
    pasted = [line[2:] for line in out.splitlines() if line.startswith("  ") and "=" in line]
    tables = tomllib.loads(f"[providers.{name}]\n" + "\n".join(pasted))["providers"]
    (provider,) = open_providers(tables, {})
    assert provider.name == name
    assert provider.config.base_url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("market", ["DK", "SE", "NO", "FI"])
def test_an_account_can_be_of_one_country(run, monkeypatch, market):
    monkeypatch.setattr("checkoutflow.cli.simulate.Event", Interrupted)
    status, out, _ = run("simulate", "vipps_mobilepay", "--market", market.lower())
    assert status == 0
    assert f'market = "{market}"' in out
    assert run("simulate", "vipps_mobilepay", "--market", "IS")[0] == 2


class Interrupted:
    def wait(self):
        raise KeyboardInterrupt


def test_a_port_that_is_taken_is_said(run):
    with serve(lambda _: httpx.Response(204)) as url:
        port = url.rpartition(":")[2]
        assert run("simulate", "bank", "--port", port) == (
            2,
            "",
            f"checkoutflow: port {port} cannot be used: Address already in use\n",
        )
