"""``checkoutflow options``: a shop changes a fee and sees what is left of it in each country."""

from __future__ import annotations

import io
import json
import re
from argparse import Namespace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from checkoutflow import Cart, Shop
from checkoutflow.choice.options import options as options_of
from checkoutflow.choice.rules import Rules
from checkoutflow.choice.situation import Situation
from checkoutflow.choice.variants import arms_of
from checkoutflow.cli import main, options
from checkoutflow.cli.paper import WIDTH, Paper, width

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "steering.toml"
CARTS = ROOT / "examples" / "carts"
PAGE = ROOT / "docs" / "how-to" / "steer-customers.md"
TODAY = "2026-11-21"
COUNTRIES = ["DK", "SE", "NO", "FI", "IS"]

SHOP = """
name = "Fjord"
markets = ["DK", "SE", "NO", "FI", "IS"]

[[methods]]
id = "invoice"
kind = "own_invoice_14"
identifies = true
cost = { billing = ["3.10 NOK"] }

[[methods]]
id = "card"
provider = "bank"

[[methods]]
id = "amex"
provider = "bank"
cost = { percent = "2.75" }

[[deliveries]]
id = "parcel"
name = { sv = "Paket", en = "Parcel" }
prices = ["50.00 DKK", "50.00 SEK", "50.00 NOK", "5.00 EUR", "500 ISK"]

[[deliveries]]
id = "letter"
name = "Letter"
prices = ["0.00 SEK"]

[[steering]]
id = "service_fee"
methods = ["invoice", "card", "amex"]
fee = { fixed = ["29.00 DKK", "29.00 SEK", "29.00 NOK", "29.00 EUR", "29 ISK"] }
"""


@pytest.fixture
def run(capsys):
    """Run the command: its exit code, what it wrote, and what it complained of."""

    def run(*words):
        status = main(["options", *map(str, words)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def shown(run):
    """Run it on the day of these tests, and give what it printed."""

    def shown(*words):
        status, out, err = run("--date", TODAY, *words)
        assert (status, err) == (0, "")
        return out

    return shown


@pytest.fixture
def pages(shown):
    """The pages of its document."""

    def pages(*words):
        return json.loads(shown("--json", *words))["pages"]

    return pages


@pytest.fixture
def shop(tmp_path):
    """Write settings, and say in which file."""

    def shop(text=SHOP):
        file = tmp_path / "shop.toml"
        file.write_text(text, "utf-8")
        return file

    return shop


@pytest.fixture
def cart(tmp_path):
    """Write a cart, and say in which file."""

    def cart(price, **others):
        line = {"sku": "lamp", "name": "Lamp", "quantity": 1, "unit_price": price}
        settings = {key: others.pop(key) for key in ("prices_include_vat",) if key in others}
        file = tmp_path / f"cart {price}.json"
        file.write_text(json.dumps({"lines": [line | others], **settings}), "utf-8")
        return file

    return cart


@pytest.fixture
def thousands(cart):
    """A cart of a thousand for each country."""
    return [
        cart(f"1000{'' if code == 'ISK' else '.00'} {code}")
        for code in ("DKK", "SEK", "NOK", "EUR", "ISK")
    ]


def squeezed(text):
    return " ".join(text.split())


def by_id(things):
    return {thing["id"]: thing for thing in things}


# -- a fee, five countries, five laws --------------------------------------------------------------

# What is left of a fee of 29 and of 9 on a thousand and its delivery, and by which rule.
LEFT = """
    DK card      0.00 EU-62-4       0.00 EU-62-4
    DK amex     28.87 DK-121-2      9.00
    DK invoice   0.00 apr           9.00
    SE card      0.00 EU-62-4       0.00 EU-62-4
    SE amex      0.00 SE-5-1        0.00 SE-5-1
    SE invoice  29.00               9.00
    NO card      0.00 NO-62-4       0.00 NO-62-4
    NO amex     28.87 NO-FAL        9.00
    NO invoice   3.10 NO-REGNING    3.10 NO-REGNING
    FI card      0.00 EU-62-4       0.00 EU-62-4
    FI amex     27.63 FI-46         9.00
    FI invoice   0.00 FI-46         0.00 FI-46
    IS card      0.00 IS-62-5       0.00 IS-62-5
    IS amex      0.00 IS-62-5       0.00 IS-62-5
    IS invoice   0.00 apr           9.00
"""


def with_fee(fee):
    return SHOP.replace("29.00", f"{fee}.00").replace("29 ISK", f"{fee} ISK")


def left_of(pages):
    """The rows of the ledger: fees as shown, and the last rule that cut each."""
    for page in pages:
        rules = {item["about"]: item["rule"] for item in page["changed"] if item["asked"]}
        digits = 0 if page["currency"] == "ISK" else 2
        for option in page["payments"]:
            fee = f"{option['fee'] / 10**digits:.2f}"
            yield (page["market"], option["id"]), [fee, *filter(None, [rules.get(option["id"])])]


def test_a_shop_changes_a_fee_and_sees_what_is_left_of_it_in_every_country(pages, shop, thousands):
    dear, cheap = (
        dict(left_of(pages("--shop", shop(with_fee(fee)), "--cart", *thousands))) for fee in (29, 9)
    )
    ledger = [line.split() for line in LEFT.strip().splitlines()]
    assert len(ledger) == len(dear) == len(cheap)
    for market, method, *left in ledger:
        assert [*dear[market, method], *cheap[market, method]] == left


def test_the_customer_pays_what_is_left_and_the_shop_reads_what_was_asked(pages, shop, cart):
    (page,) = pages("--shop", shop(), "--cart", cart("1000.00 DKK"))
    amex = by_id(page["payments"])["amex"]
    assert page["delivery"] == "parcel"  # the only one
    assert amex["total"] == 1000_00 + 50_00 + amex["fee"]
    (change,) = [item for item in page["changed"] if item["about"] == "amex"]
    assert (change["change"], change["asked"], change["given"]) == ("fee_cut", 29_00, amex["fee"])
    assert change["source"].startswith("Danish payments act")
    assert (change["since"], change["origin"]) == ("2018-01-01", "library")
    assert change["text"].startswith("The fee was cut from")


def test_the_terminal_shows_the_fees_side_by_side_with_a_star_where_the_law_cut_one(
    shown, shop, thousands
):
    overview = shown("--shop", shop(), "--cart", *thousands).split("━━ DK,")[0]
    rows = {line.split()[0]: line.split()[1:] for line in overview.splitlines() if line.strip()}
    assert rows["DK"] == "DKK SE SEK NO NOK FI EUR IS ISK".split()
    assert rows["goods"] == "1000.00 1000.00 1000.00 1000.00 1000".split()
    assert rows["letter"] == "– 0.00 – – –".split()  # noqa: RUF001 -- a dash, as it is printed
    assert rows["card"] == "0.00* 0.00* 0.00* 0.00* 0*".split()
    assert rows["invoice"] == "0.00* +29.00 +3.10* 0.00* 0*".split()


# -- what the customer is shown --------------------------------------------------------------------


def test_a_page_is_in_the_customers_language_and_in_the_lawful_order(shown):
    out = shown("--market", "fi", "--delivery", "parcel")
    assert out.count("━━ FI, fi.json ━") == 1
    places = [
        squeezed(out).find(words)
        for words in (
            "goods 64,65 €",
            "○ Noutopiste 0,00 € 64,65 €",
            "“Ympäristölle kevyin”",
            "● Kotiinkuljetus 5,90 € 70,55 €",
            "Payment, with Kotiinkuljetus",
            "○ Verkkopankki (Paytrail) −0,71 € 69,84 €",  # noqa: RUF001 -- a minus
            "○ Kortti may be credit 70,55 € *",
            "○ Maksa myöhemmin, 14 päivää credit",
            "Klarna: 70,55 € by 2026-12-04; APR 0,0 %; consumer credit; needs consent",
            "for a part of it: Lahjakortti",
            "[ Tilaa ja maksa ]",
            "[ Tilaa ja maksa luotolla ]",
            "--explain says why",
        )
    ]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("words", [[], ["--explain"]])
def test_it_fits_on_a_screen_and_has_no_colours_in_a_pipe(shown, words):
    out = shown(*words)
    assert max(map(width, out.splitlines())) <= WIDTH
    assert "\x1b" not in out


def test_a_terminal_has_colours():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    asked = Namespace(
        shop=EXAMPLE,
        cart=[],
        market=["SE"],
        date=date.fromisoformat(TODAY),
        customer="consumer",
        age=None,
        postal_code=None,
        delivery="",
        checkout=None,
        arm=[],
        locale=None,
        explain=True,
        json=False,
    )
    assert options.run(asked, Paper(stream, {})) == 0
    assert "\x1b[36m● Ombud" in stream.getvalue()


def test_instalments_say_what_they_cost(pages, shown):
    (page,) = pages("--market", "NO")
    credit = by_id(page["payments"])["instalments"]["credit"]
    assert credit["creditor"] == "Klarna"
    assert credit["payments"] == 12
    assert credit["payment"] * 11 + credit["last_payment"] == credit["total_payable"]
    assert credit["total_payable"] - credit["cost"] == credit["credit"] == page["goods"]
    assert (credit["nominal_percent"], credit["due"]) == ("9.9", "2026-12-21")
    assert credit["needs_consent"] is ("active_consent" in credit["duties"])
    assert float(credit["apr"]) > 9.9
    assert "interest 9,9 %, APR 10,4 %" in squeezed(shown("--market", "NO"))


def test_the_button_is_the_short_one_where_the_shop_asks_for_it(pages, shop):
    (page,) = pages("--market", "SE", "--shop", shop('order_button = "short"\n' + SHOP))
    assert page["button"] == "Köp nu"
    assert page["button_on_credit"] == "Beställ med betalningsskyldighet, på kredit"


def test_the_shops_words_stand_beside_a_choice(pages, shop, shown):
    words = """
        label = { sv = "Serviceavgift", en = "Service fee" }
        recommend = "Takes a second"
        [[steering]]
        id = "cheap"
        methods = ["card"]
        discount = { percent = "1" }
        label = "November"
    """
    file = shop(SHOP + words)
    (page,) = pages("--market", "SE", "--shop", file)
    offered = by_id(page["payments"])
    assert offered["card"]["words"] == ["Takes a second", "November"]
    assert offered["amex"]["words"] == []  # neither a fee nor praise for credit is left
    assert offered["invoice"]["words"] == ["Serviceavgift"]
    out = shown("--market", "SE", "--shop", file)
    assert "“Serviceavgift”" in out


def test_the_document_is_what_the_choice_says(pages):
    shop = Shop.load(EXAMPLE)
    for page in pages():
        cart = Cart.read(json.loads(Path(page["cart"]).read_text("utf-8")))
        at = datetime(2026, 11, 21, 12, tzinfo=UTC)
        s = Situation(cart=cart, market=page["market"], at=at)
        found = options_of(Rules(shop, shop.law()), s)
        assert [item["id"] for item in page["payments"]] == [item.id for item in found.payments]
        assert [item["total"] for item in page["deliveries"]] == [
            item.total.minor for item in found.deliveries
        ]
        assert [item["id"] for item in page["vouchers"]] == ["gift_card"]
        assert [item["code"] for item in page["refused"]] == [item.code for item in found.refused]
        assert len(page["changed"]) == len(found.explanations)


# -- why -------------------------------------------------------------------------------------------


def test_explained_are_the_rule_its_source_and_its_first_day(shown):
    out = squeezed(shown("--market", "SE", "--explain"))
    assert (
        "amex The fee of SEK29.00 is not allowed and was removed. SE-5-1: no fee for any "
        "instrument; since 2018-05-01, Swedish payment services act 2010:751 ch. 5 s. 1"
    ) in out
    assert "vipps It is not offered in SE." in out
    assert "bike The shop's own rule bikes_stay_in_town hides it." in out
    assert re.search(r"hold here [^:]*\bdear_ways\b.* do not [^:]*\bnovember\b", out)
    assert "says why" not in out


def test_a_rule_stands_once_below_all_that_it_changed(shown):
    out = squeezed(shown("--market", "IS", "--explain"))
    assert out.count("IS-62-5: ") == 1
    assert re.search(r"card The fee of \S+ is not allowed and was removed. amex The fee", out)


def test_where_nothing_was_changed_nothing_is_explained(shown, shop):
    plain = SHOP.partition("[[steering]]")[0].replace('"FI", ', "")
    plain = plain.replace('[[methods]]\nid = "card"', '[[methods]]\nid = "debit_card"')
    out = shown("--shop", shop(plain), "--market", "DK", "--customer", "business", "--explain")
    assert "What the law changed" not in out
    assert "The shop's rules" not in out
    assert "letter It has no price in DKK." in squeezed(out)


def test_where_everything_is_as_the_shop_wants_it_there_is_nothing_to_explain(shown, shop):
    plain = """
        name = "Fjord"
        markets = ["SE"]
        methods = [{ id = "swish", provider = "swish" }]
        deliveries = [{ id = "letter", name = "Letter", prices = ["0.00 SEK"] }]
    """
    assert "--explain" not in shown("--shop", shop(plain))


def test_a_way_to_pay_that_no_rule_names_has_no_fee(shown, shop):
    text = SHOP.replace('id = "card"', 'id = "cash_on_delivery"').replace(
        '"card"', '"cash_on_delivery"'
    )
    out = squeezed(shown("--shop", shop(text), "--market", "SE", "--explain"))
    assert (
        "cash_on_delivery The fee of SEK29.00 is not allowed and was removed. "
        "no rule is known that allows it"
    ) in out


def test_a_row_of_the_shops_own_is_named_as_such(shown, pages, shop):
    own = """
        [[own_law.fee]]
        market = "SE"
        id = "SE-INV"
        instruments = ["invoice"]
        limit = "nothing"
        valid_from = 2026-01-01
        source = "letter of our lawyer"
        read_on = 2026-01-01
        confidence = "medium"
    """
    file = shop(SHOP + own)
    out = squeezed(shown("--shop", file, "--market", "SE", "--explain"))
    assert (
        "SE-INV: no fee for invoice; since 2026-01-01, letter of our lawyer; the shop's own rule"
        in out
    )
    (page,) = pages("--shop", file, "--market", "SE")
    assert "shop" in {item["origin"] for item in page["changed"]}


def test_presentation_as_the_market_has_it_can_be_looser(pages, shop):
    text = EXAMPLE.read_text("utf-8")
    strict, national = (
        by_id(
            pages("--market", "SE", "--shop", shop(text.replace('"strict"', f'"{word}"')))[0][
                "payments"
            ]
        )
        for word in ("strict", "national")
    )
    assert not strict["swish"]["is_preselected"]
    assert national["swish"]["is_preselected"]


# -- what a customer can be ------------------------------------------------------------------------


def offered(pages, *words, things="deliveries"):
    (page,) = pages(*words)
    return by_id(page[things])


def test_where_the_customer_lives_decides_who_delivers(pages, shown):
    assert "bike" not in offered(pages, "--market", "NO")
    assert "bike" not in offered(pages, "--market", "NO", "--postal-code", "5003")
    assert "bike" in offered(pages, "--market", "NO", "--postal-code", "N-0150")
    assert "lives in oslo" in shown("--market", "NO", "--postal-code", "0150")


@pytest.mark.parametrize(
    ("weight_g", "price", "is_biked"),
    [(10_000, 79_00, True), (10_001, 79_00, False), (20_000, 229_00, False)],
)
def test_weight_decides_what_a_delivery_costs(pages, cart, weight_g, price, is_biked):
    file = cart("600.00 NOK", weight_g=weight_g)
    found = offered(pages, "--cart", file, "--market", "NO", "--postal-code", "0150")
    assert found["parcel"]["price"] == price
    assert ("bike" in found) is is_biked
    assert found["pickup"]["price"] == 49_00


def test_worth_makes_a_delivery_free(pages, cart):
    found = offered(pages, "--cart", cart("700.00 NOK"))
    assert found["pickup"]["price"] == 0
    assert found["pickup"]["is_preselected"]


@pytest.mark.parametrize(
    ("day", "price"),
    [("2026-11-22", 79_00), ("2026-11-23", 49_00), ("2026-11-29", 49_00), ("2026-11-30", 79_00)],
)
def test_a_day_of_the_time_window(run, day, price):
    _, out, _ = run("--json", "--market", "NO", "--date", day)
    (page,) = json.loads(out)["pages"]
    assert by_id(page["deliveries"])["parcel"]["price"] == price


def test_the_chosen_delivery_counts_for_what_is_paid(pages, shop, shown):
    assert (
        offered(pages, "--shop", shop(), "--market", "SE", things="payments")["card"]["total"]
        == 797_40
    )
    words = ("--shop", shop(), "--market", "SE", "--delivery", "parcel")
    assert offered(pages, *words, things="payments")["card"]["total"] == 847_40
    assert "Payment, with Paket" in shown(*words)
    assert "Payment, without delivery" in shown("--shop", shop(), "--market", "SE")


def test_a_delivery_that_is_not_offered_is_not_chosen_and_says_why(pages, shown):
    (page,) = pages("--market", "SE", "--delivery", "bike")
    assert page["delivery"] is None
    out = shown("--market", "SE", "--delivery", "bike")
    assert "bike: The shop's own rule bikes_stay_in_town hides it." in out


def test_nothing_is_delivered_of_what_is_not_sent(pages, shown, cart):
    file = cart("100.00 SEK", digital=True)
    (page,) = pages("--cart", file)
    assert (page["delivery"], page["deliveries"]) == (None, [])
    out = shown("--cart", file)
    assert "Nothing is offered." in out
    assert "  Payment\n" in out


def test_a_business_sees_other_ways_to_pay_in_the_shops_own_order(pages, shown, cart):
    (page,) = pages("--market", "SE", "--customer", "business")
    assert [item["id"] for item in page["payments"]][:2] == ["own_invoice", "swish"]
    credit = by_id(page["payments"])["own_invoice"]["credit"]
    assert (credit["classification"], credit["due"]) == (None, "2026-12-30")
    assert page["button_on_credit"] is None
    out = squeezed(shown("--market", "SE", "--customer", "business"))
    assert "Test Shop: 797,40 kr by 2026-12-30; APR 0,0 %" in out
    net = cart("100.00 SEK", prices_include_vat=False)
    (page,) = pages("--cart", net, "--customer", "business")
    assert by_id(page["payments"])["card"]["total"] == 125_00


def test_who_is_too_young_is_not_offered_credit(pages, shown):
    (page,) = pages("--market", "SE", "--age", "17")
    refused = {item["id"]: item["code"] for item in page["refused"]}
    assert refused["invoice"] == refused["amex"] == "age"
    assert {item["tier"] for item in page["payments"]} == {"no_credit", "may_include_credit"}
    assert "17 years old" in shown("--market", "SE", "--age", "17")


def test_a_rule_of_law_that_refuses_is_named(pages, shop):
    (page,) = pages("--market", "FI", "--shop", shop(SHOP.replace("identifies = true", "")))
    (refusal,) = [item for item in page["refused"] if item["id"] == "invoice"]
    assert (refusal["code"], refusal["rule"]) == ("identification", "deferral")


@pytest.mark.parametrize(("locale", "name"), [("sv_FI", "Kort"), ("is", "Kort"), ("en-GB", "Card")])
def test_another_language(pages, locale, name):
    assert (
        offered(pages, "--market", "FI", "--locale", locale, things="payments")["card"]["name"]
        == name
    )


def test_a_checkout_has_its_arms_and_an_arm_can_be_asked_for(pages, shown):
    experiments = Shop.load(EXAMPLE).experiments
    for checkout in map(str, range(4)):
        (page,) = pages("--market", "SE", "--checkout", checkout)
        assert page["arms"] == arms_of(experiments, checkout, "SE")
    praised = offered(pages, "--market", "SE", "--arm", "words:with", things="payments")
    assert praised["swish"]["words"] == ["Snabbt och billigt"]
    assert offered(pages, "--market", "SE", things="payments")["swish"]["words"] == []
    assert "words:without" in shown("--market", "SE", "--arm", "words:without")


def test_an_experiment_stays_in_its_markets(pages, shop):
    text = EXAMPLE.read_text("utf-8").replace(
        "arms = { without = 1, with = 1 }", 'arms = { without = 1, with = 1 }\nmarkets = ["SE"]'
    )
    words = ("--shop", shop(text), "--arm", "words:with", "--market", "SE", "NO")
    assert [page["arms"] for page in pages(*words)] == [{"words": "with"}, {}]


# -- carts and markets -----------------------------------------------------------------------------


def test_without_a_word_the_example_is_shown_in_all_five_countries_as_of_now(run, monkeypatch):
    monkeypatch.setattr(options, "system_clock", lambda: datetime(2026, 11, 25, 1, tzinfo=UTC))
    status, out, _ = run("--json")
    document = json.loads(out)
    assert (status, document["date"]) == (0, "2026-11-25")
    assert sorted(page["market"] for page in document["pages"]) == sorted(COUNTRIES)
    assert "november" in document["pages"][0]["steering"]["held"]


def test_each_cart_is_shown_where_its_currency_is_paid_in(pages, cart, shown):
    light, heavy = cart("100.00 SEK"), cart("900.00 SEK")
    found = pages("--cart", light, heavy, CARTS / "dk.json")
    assert [(page["market"], page["goods"]) for page in found] == [
        ("DK", 457_95),
        ("SE", 100_00),
        ("SE", 900_00),
    ]
    (page,) = pages("--cart", light, "--cart", CARTS / "dk.json", "--market", "DK")
    assert page["market"] == "DK"
    assert "side" not in shown("--cart", light)  # one page has no overview


def test_more_markets_than_fit_side_by_side_stand_below_each_other(shown, shop):
    text = SHOP.replace('"IS"]', '"IS", "FO", "GL", "AX", "SJ"]')
    out = shown("--shop", shop(text))
    assert out.count("market by market") == 2
    assert max(map(width, out.splitlines())) <= WIDTH


# -- what was typed --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--market DE", "checkoutflow: DE is not a market of the shop: DK, SE, NO, FI, IS"),
        ("--date 2026-13-01", "checkoutflow options: argument --date: is a day such as"),
        ("--date 1850-01-01", "checkoutflow: no market DK on 1850-01-01"),
        (
            "--date 2010-01-01 --customer business --market SE",
            "checkoutflow: no words for the order button in",
        ),
        ("--delivery x", "checkoutflow: x is not a delivery of the shop: parcel, pickup, bike"),
        ("--market DK --cart examples/carts/se.json", "checkoutflow: DK pays in DKK, and so does"),
        ("--arm a:b", "checkoutflow: a:b is not an arm: words:without, words:with"),
        ("--arm words:with --checkout x", "checkoutflow options: argument --checkout: not allowed"),
        ("--age x", "checkoutflow options: argument --age: is a number of years"),
        ("--age 1000", "checkoutflow options: argument --age: is a number of years"),
        ("--customer pet", "checkoutflow options: argument --customer: invalid choice"),
        ("--postal-code 0150", "checkoutflow: a postal code is of one country: name it with"),
        ("--market NO --postal-code x", "checkoutflow: postal_code: is not a postal code of NO"),
        ("--shop none.toml", "checkoutflow: none.toml: cannot be read"),
        ("--cart none.json", "checkoutflow: none.json: cannot be read"),
        ("--cart", "checkoutflow options: argument --cart: expected at least one argument"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(run, words, complaint, monkeypatch):
    monkeypatch.chdir(ROOT)
    status, out, err = run(*words.split())
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(complaint)


def test_a_cart_that_nobody_can_buy(run, shop, cart):
    only_danish = SHOP.replace('["DK", "SE", "NO", "FI", "IS"]', '["DK"]')
    status, _, err = run("--shop", shop(only_danish), "--cart", cart("1.00 SEK"))
    assert (status, err) == (2, "checkoutflow: none of the shop's markets pays in SEK\n")
    status, _, err = run("--cart", cart("1.00 SEK", prices_include_vat=False))
    assert status == 2
    assert err.endswith("its prices are without VAT: add --customer business\n")


def test_a_shop_without_experiments_has_no_arms(run, shop):
    status, _, err = run("--shop", shop(), "--arm", "words:with")
    assert (status, err) == (2, "checkoutflow: words:with is not an arm: the shop has none\n")


# -- the example and the page ----------------------------------------------------------------------


def test_every_rule_of_the_example_holds_for_somebody(pages, cart):
    heavy = cart("9000.00 NOK", weight_g=25_000, goods_category="watches")
    everybody = (
        ["--market", "SE"],
        ["--cart", heavy],
        ["--market", "SE", "--arm", "words:with", "--customer", "business"],
        ["--market", "NO", "--date", "2026-11-24"],
    )
    held = {rule for words in everybody for rule in pages(*words)[0]["steering"]["held"]}
    assert held == {rule.id for rule in Shop.load(EXAMPLE).steering}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_what_the_page_says_to_write_stands_in_the_example():
    example = EXAMPLE.read_text("utf-8")
    snippets = [block for block in blocks("toml") if block.startswith("[[")]
    for snippet in snippets:
        for table in snippet.strip().split("\n\n"):
            assert table in example
    assert snippets


def test_what_the_page_shows_is_what_is_printed(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for block in blocks("toml"):
        if named := re.match(r"# ([\w-]+\.toml)\n", block):
            Path(named[1]).write_text(block, "utf-8")
    shown = re.findall(
        r"```console\n\$ checkoutflow options ([^\n]*)\n```\n[^`]*```text\n(.*?)```",
        PAGE.read_text("utf-8"),
        re.DOTALL,
    )
    assert shown
    for words, text in shown:
        _, out, _ = run(*words.split())
        printed = {squeezed(line) for line in out.splitlines()}
        assert {squeezed(line) for line in text.splitlines()} <= printed
