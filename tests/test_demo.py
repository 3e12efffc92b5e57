"""The demo: five sales over real sockets, told to a person and to a machine."""

from __future__ import annotations

import io
import json
import runpy
import shlex
from contextlib import redirect_stdout
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests import postgres

from checkoutflow.checkout.state import Checkout
from checkoutflow.cli import demo, main
from checkoutflow.cli.files import examples
from checkoutflow.cli.paper import WIDTH, width
from checkoutflow.cli.stage import open_stage
from checkoutflow.cli.stories import STORIES, play
from checkoutflow.payment.books import Books
from checkoutflow.shop import Shop
from checkoutflow.stores.sql import open_store

EXAMPLES = Path(__file__).parents[1] / "examples"


def said_by(*arguments):
    """Run a command and give its exit code and what it wrote."""
    out = io.StringIO()
    with redirect_stdout(out):
        status = main(list(map(str, arguments)))
    return status, out.getvalue()


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return tmp_path_factory.mktemp("demo") / "shop.db"


@pytest.fixture(scope="module")
def sales(database):
    """The five sales as JSON, by market; their database is kept."""
    status, text = said_by("demo", "--json", "--db", database)
    document = json.loads(text)
    assert status == 0
    assert document["database"] == str(database)
    assert [sale["market"] for sale in document["sales"]] == ["DK", "SE", "NO", "FI", "IS"]
    return {sale["market"]: sale for sale in document["sales"]}


@pytest.fixture(scope="module")
def transcript():
    status, text = said_by("demo")
    assert status == 0
    return text


def test_the_same_sale_is_kept_on_a_server_by_its_url():
    with postgres.new_schema() as url:
        status, text = said_by("demo", "--market", "IS", "--db", url)
        assert status == 0
        assert "on a server; the keys of its vault are gone" in " ".join(text.split())
        (line,) = [it for it in text.splitlines() if it.startswith("  checkoutflow show")]
        assert said_by(*shlex.split(line)[1:])[0] == 0
        assert said_by("verify", "--db", url) == (0, "1 checkouts, each as its journal says\n")


# What happens ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("market", "locale", "phase", "total", "captured", "refunded", "voided"),
    [
        ("DK", "da_DK", "fulfilled", "506.95 DKK", "all", "nothing", "nothing"),
        ("SE", "sv_SE", "fulfilled", "856.40 SEK", "all", "nothing", "nothing"),
        ("NO", "nb_NO", "fulfilled", "14820.55 NOK", "all", "nothing", "nothing"),
        ("FI", "fi_FI", "fulfilled", "70.55 EUR", "all", "part", "nothing"),
        ("IS", "is_IS", "cancelled", "28450 ISK", "nothing", "nothing", "all"),
    ],
)
def test_each_sale_ends_as_its_story_says(
    sales, market, locale, phase, total, captured, refunded, voided
):
    sale = sales[market]
    books, whole = sale["books"]["ours"], sale["steps"][-1]["view"]["totals"]["total"]
    size = {0: "nothing", whole["minor"]: "all"}
    assert sale["page"]["locale"] == locale
    assert sale["phase"] == phase
    assert whole["minor"] == int("".join(filter(str.isdigit, total)))
    assert total.endswith(whole["currency"])
    assert books["authorised"] == whole["minor"]
    assert [size.get(books[name], "part") for name in ("captured", "refunded", "voided")] == [
        captured,
        refunded,
        voided,
    ]


def test_the_bank_and_we_agree_after_every_sale(sales):
    for sale in sales.values():
        assert sale["books"]["bank"] == sale["books"]["ours"]
        assert sale["books"]["agree"] is True


def events(sale):
    return [event for entry in sale["journal"] for event in entry["events"]]


def phases(sale):
    return [step["view"]["phase"] for step in sale["steps"]]


def test_denmark_is_sent_to_a_page_on_loopback_and_comes_back(sales):
    first, second, _ = sales["DK"]["steps"]
    assert first["view"]["next_action"]["url"].startswith("http://127.0.0.1:")
    assert first["view"]["next_action"]["url"] in first["text"]
    assert second["view"]["next_action"] is None
    assert phases(sales["DK"]) == ["placing", "confirmed", "fulfilled"]


def test_sweden_is_declined_and_pays_otherwise(sales):
    first, second, *_ = sales["SE"]["steps"]
    assert first["text"].endswith("insufficient funds")
    assert first["view"]["notice_code"] == "declined"
    assert second["text"] == "chooses Mobilplånbok instead"
    assert phases(sales["SE"]) == ["collecting", "collecting", "placing", "confirmed", "fulfilled"]
    assert "payment.declined" in sales["SE"]["notices"]


def test_norway_insures_the_tent_for_its_insurer(sales, transcript):
    (offer,) = sales["NO"]["page"]["covers"]
    assert (offer["id"], offer["is_accepted"]) == ("tent_cover:telt", False)
    assert sales["NO"]["steps"][0]["text"] == "takes Teltforsikring for 404,55\xa0kr"
    (policy,) = sales["NO"]["steps"][-1]["view"]["policies"]
    assert (policy["units"], policy["premium"]["minor"]) == (1, 404_55)
    assert "404.55 NOK of it is for insurer" in transcript


def test_norway_is_held_until_a_person_lets_it_through(sales):
    assert phases(sales["NO"]) == ["collecting", "held", "confirmed", "fulfilled"]
    assert [name for name in events(sales["NO"]) if name in {"held", "review_approved"}] == [
        "held",
        "review_approved",
    ]
    assert sales["NO"]["steps"][1]["view"]["notice_code"] == "held"


def test_finland_is_shipped_in_two_parts_and_returns_a_line(sales):
    names = events(sales["FI"])
    assert (names.count("shipped"), names.count("refund_done")) == (2, 1)
    socks, bread = sales["FI"]["steps"][-1]["view"]["lines"]
    assert (socks["shipped"], socks["returned"]) == (socks["quantity"], socks["quantity"])
    assert (bread["shipped"], bread["returned"]) == (bread["quantity"], 0)


def test_iceland_has_no_decimals_and_is_asked_for_less(sales):
    page = sales["IS"]["page"]
    assert page["totals"]["total"]["text"] == "28.450\xa0kr."
    assert [need["field"] for need in page["missing"]] == ["email", "name", "phone"]
    assert "payment_voided" in events(sales["IS"])


def test_the_bank_tells_the_shop_over_http(sales):
    for sale in sales.values():
        assert "payment.authorised" in sale["notices"]


def test_what_is_kept_is_what_the_journals_say_and_holds_no_name(sales, database):
    assert said_by("verify", "--db", database) == (0, "5 checkouts, each as its journal says\n")
    files = [file.read_bytes() for file in database.parent.iterdir() if file.suffix != ".key"]
    for typed in (b"estperson", b"example.com", b"Testvej"):
        assert not any(typed in content for content in files)


@pytest.mark.parametrize("market", ["DK", "SE", "NO", "FI", "IS"])
def test_each_kept_sale_can_be_shown_without_the_key(sales, database, market, tmp_path):
    copy = tmp_path / "copy.db"
    copy.write_bytes(database.read_bytes())
    status, text = said_by("show", sales[market]["checkout"], "--db", copy)
    assert status == 0
    for name in events(sales[market]):
        assert f" {name} " in text
    assert text.endswith("What is open\n             Nothing.\n")


# What a person reads -----------------------------------------------------------------------------


def test_the_transcript_shows_each_customers_page_in_their_language(transcript, sales):
    for sale in sales.values():
        page = sale["page"]
        assert f"[ {page['button']} ]" in transcript
        for shown in (page["status"], page["totals"]["total"]["text"], *labels(page)):
            assert shown in transcript


def labels(page):
    totals = page["totals"]
    return [
        *(line["name"] for line in page["lines"]),
        *(line["amount"]["text"] for line in page["lines"]),
        *(part["vat"]["text"] for part in totals["vat"]),
        *(named["name"] for named in (*totals["discounts"], *totals["charges"])),
        *(need["label"] for need in page["missing"]),
        *(offer["name"] for offer in (*page["deliveries"], *page["payments"])),
    ]


def test_the_transcript_tells_what_the_customer_is_told_when_it_changes(transcript, sales):
    for sale in sales.values():
        for step in sale["steps"]:
            assert step["view"]["status"] in transcript
    assert transcript.count("Vi väntar på din betalning") == 1


@pytest.mark.parametrize(
    "line",
    [
        "  customer  buys, and the bank says no: insufficient funds",
        "  reviewer  looks at the order and lets it through",
        "      shop  ships 2 × Villasukat and captures 54.34 EUR",
        "      shop  takes 2 × Villasukat back and refunds 54.34 EUR",
        "      shop  cancels the order and releases what was reserved",
        "      hold  total above 10000.00 NOK, to be decided by 2",
        "    review  approved by reviewer-1",
        "  shipment  16.21 EUR, done: 3 × Ruisleipä 6 kpl",
        "    refund  54.34 EUR, done: 2 × Villasukat",
        " cancelled  1 × Lopapeysa, 4 × Súkkulaði 100 g",
        "   notices  1 × payment.authorised, 2 × payment.captured, 1 × payment.refunded",
        "            authorised  captured  refunded  voided",
        "      ours       70.55     70.55     54.34    0.00",
        "the bank's       70.55     70.55     54.34    0.00   they agree",
        "      ours       28450         0         0   28450",
    ],
)
def test_the_transcript_tells_what_the_shop_has(transcript, line):
    assert f"\n {line}" in transcript


def test_the_transcript_fits_on_the_page_and_a_sale_on_a_screen(transcript):
    lines = transcript.splitlines()
    assert max(map(width, lines)) <= WIDTH
    headings = [place for place, line in enumerate(lines) if line.startswith("━━ ")]
    assert len(headings) == len(STORIES)
    assert max(b - a for a, b in pairwise(headings)) <= 45


def test_without_a_database_to_keep_the_transcript_says_how_to_keep_it(transcript):
    assert transcript.endswith(
        "Keep the database with --db FILE; sell a cart of your own with --cart FILE.\n"
    )


def test_with_one_it_says_how_to_look_at_the_sales(tmp_path):
    database = tmp_path / "two words.db"
    _, text = said_by("demo", "--market", "is", "--db", database)
    words = text.splitlines()[-1]
    (checkout,) = open_store(database).checkouts(())
    assert words == f"  checkoutflow show {checkout} --db '{database}'"


def test_books_that_differ_are_told_and_end_with_1(monkeypatch):
    def cheated(*arguments):
        sale = play(*arguments)
        return replace(sale, bank=Books(currency="ISK", authorised=1))

    monkeypatch.setattr(demo, "play", cheated)
    status, text = said_by("demo", "--market", "IS")
    assert status == 1
    assert "the bank's           1         0         0       0   THEY DIFFER" in text


# A newcomer's own --------------------------------------------------------------------------------

BREAD = {"sku": "limppa", "name": "Limppa", "quantity": 2, "unit_price": "4.00 EUR"}
FILE = {
    "sku": "e",
    "name": "A book to read on a screen, with a name that takes more room than there is",
    "quantity": 1,
    "unit_price": "100.00 DKK",
    "digital": True,
}
SETTINGS: dict[str, Any] = {
    "name": "A shop of one's own",
    "markets": ["AX", "DK"],
    "methods": [
        {
            "id": "scan",
            "kind": "wallet",
            "name": "Scan",
            "provider": "simulated_bank",
            "provider_method": "qr",
            "details": ["organisation"],
        }
    ],
    "deliveries": [{"id": "post", "name": "Post", "prices": ["3.00 EUR", "30.00 DKK"]}],
    "review": {"hold_above": ["1.00 EUR"]},
}


def written(path, data):
    path.write_text(json.dumps(data), "utf-8")
    return path


def own_sale(*arguments):
    status, text = said_by("demo", "--json", *arguments)
    assert status == 0
    (sale,) = json.loads(text)["sales"]
    return sale


def test_a_cart_is_sold_where_its_currency_is_at_home(tmp_path):
    sale = own_sale("--cart", written(tmp_path / "cart.json", {"lines": [BREAD]}))
    assert (sale["market"], sale["phase"]) == ("FI", "fulfilled")
    assert sale["page"]["lines"][0]["name"] == "Limppa"


def test_a_business_buys_a_download_without_vat_in_the_prices(tmp_path):
    cart = written(tmp_path / "cart.json", {"lines": [FILE], "prices_include_vat": False})
    sale = own_sale("--cart", cart)
    assert sale["page"]["totals"]["total"]["minor"] == 125_00
    assert [need["field"] for need in sale["page"]["missing"]] == ["email"]
    _, text = said_by("demo", "--cart", cart)
    assert "1 × A book to read on a screen, with a name t…" in text
    assert "delivery" not in text


def test_a_gift_of_nothing_needs_no_bank(tmp_path):
    gift = {**FILE, "unit_price": "0.00 DKK"}
    status, text = said_by("demo", "--cart", written(tmp_path / "cart.json", {"lines": [gift]}))
    assert status == 0
    assert "  notices  " not in text
    assert "buys, and the order is confirmed at once" in text


def test_settings_of_ones_own_with_a_code_to_scan_and_a_hold(tmp_path):
    cart = written(tmp_path / "cart.json", {"lines": [BREAD]})
    shop = written(tmp_path / "shop.json", SETTINGS)
    sale = own_sale("--cart", cart, "--shop", shop)
    assert sale["market"] == "AX"
    assert [need["field"] for need in sale["page"]["missing"]][-1] == "organisation"
    assert phases(sale) == ["placing", "held", "confirmed", "fulfilled"]


def test_settings_of_ones_own_play_the_markets_that_they_share(tmp_path):
    sale = own_sale("--shop", written(tmp_path / "shop.json", SETTINGS))
    assert sale["market"] == "DK"


def test_where_one_way_to_pay_is_all_there_is_it_is_tried_again(tmp_path):
    settings = {
        **SETTINGS,
        "markets": ["SE"],
        "deliveries": [{"id": "post", "name": "Post", "prices": ["30.00 SEK"]}],
    }
    sale = own_sale("--shop", written(tmp_path / "shop.json", settings))
    assert phases(sale) == ["placing", "collecting", "placing", "confirmed", "fulfilled"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--market", "DE"], "DE is not a market of the shop: DK, SE, NO, FI, IS"),
        (
            ["--market", "AX", "--shop", "{shop}"],
            "the demo has no cart for AX; give one with --cart",
        ),
        (["--cart", "{dollars}"], "{dollars}: none of the shop's markets pays in USD"),
        (["--cart", "{folder}"], "{folder}: cannot be read: Is a directory"),
        (["--cart", "{absent}"], "{absent}: cannot be read: No such file or directory"),
        (
            ["--cart", "{broken}"],
            "{broken}: is not JSON: Expecting value: line 1 column 2 (char 1)",
        ),
        (
            ["--cart", "{wrong}"],
            "{wrong}: lines[0].quantity: Input should be greater than or equal to 1",
        ),
        (["--cart", "{text}"], "{text}: Input should be a valid dictionary or instance of Cart"),
        (["--shop", "{absent}"], "{absent}: cannot be read: No such file or directory"),
        (["--shop", "{elsewhere}"], "{elsewhere}: markets: Field required"),
        (
            ["--shop", "{invoice}"],
            '{invoice}: methods[1].provider: the demo sells with "simulated_bank" only',
        ),
        (
            ["--shop", "{coins}"],
            "{coins}: methods[0].provider_method: the bank has card, gift_card, wallet, app, qr",
        ),
        (["--market", "SE", "--cart", "{dollars}"], "cart.lines[0].unit_price: SE pays in SEK"),
        (["--db", "{absent}/shop.db"], "the file {absent}/shop.db cannot be made: No such file"),
    ],
)
def test_what_cannot_be_played_is_said_in_one_line(arguments, complaint, tmp_path, capsys):
    method = SETTINGS["methods"][0]
    invoice = {
        **SETTINGS,
        "methods": [method, {"id": "invoice", "kind": "own_invoice", "name": "Invoice"}],
    }
    coins = {**SETTINGS, "methods": [{**method, "provider_method": "coins"}]}
    dollars = {"lines": [{**BREAD, "unit_price": "4.00 USD"}]}
    wrong = {"lines": [{**BREAD, "quantity": 0}]}
    files = {
        "shop": written(tmp_path / "shop.json", SETTINGS),
        "invoice": written(tmp_path / "invoice.json", invoice),
        "coins": written(tmp_path / "coins.json", coins),
        "dollars": written(tmp_path / "dollars.json", dollars),
        "wrong": written(tmp_path / "wrong.json", wrong),
        "text": written(tmp_path / "text.json", "bread"),
        "elsewhere": written(tmp_path / "elsewhere.json", {"name": "Nowhere"}),
        "broken": tmp_path / "broken.json",
        "absent": tmp_path / "absent.json",
        "folder": tmp_path,
    }
    files["broken"].write_text("[")
    status, _ = said_by("demo", *(argument.format(**files) for argument in arguments))
    said = capsys.readouterr().err
    assert status == 2
    assert said.count("\n") == 1
    assert said.startswith(f"checkoutflow: {complaint.format(**files)}")


# Behind the scenes -------------------------------------------------------------------------------


def test_the_shops_web_server_takes_nothing_else(tmp_path):
    shop = Shop.load(EXAMPLES / "shop.toml")
    with open_stage(shop, tmp_path / "shop.db") as stage, httpx.Client() as stranger:
        forged = stranger.post(f"{stage.shop_url}/notices/simulated_bank", content=b"{}")
        lost = stranger.get(f"{stage.shop_url}/admin")
    assert (forged.status_code, lost.status_code) == (400, 404)


def test_an_installed_package_brings_its_examples(tmp_path, monkeypatch):
    assert examples() == EXAMPLES
    (tmp_path / "examples").mkdir()
    monkeypatch.setattr("checkoutflow.cli.files.__file__", str(tmp_path / "files.py"))
    assert examples() == tmp_path / "examples"


def test_the_twenty_line_program_sells(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = io.StringIO()
    with redirect_stdout(out):
        ran = runpy.run_path(str(EXAMPLES / "sell.py"))
    assert out.getvalue() == "297,00\xa0kr. [Bestil med betalingspligt]\nfulfilled 29700 29700\n"
    assert isinstance(ran["sale"], Checkout)
