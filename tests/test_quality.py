"""A shop washes its customer base for trial: one command and a report, nothing lying about."""

from __future__ import annotations

import csv
import io
import json
import re
import stat
from argparse import Namespace
from datetime import date
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkoutflow.cli import quality
from checkoutflow.cli.paper import Paper
from checkoutflow.errors import InvalidInput, UsageError
from checkoutflow.quality import wash as washing
from checkoutflow.quality.columns import ROLES, recognise
from checkoutflow.quality.home import home_of
from checkoutflow.quality.measures import percent
from checkoutflow.quality.merge import merged
from checkoutflow.quality.reading import CsvFile, Table, private
from checkoutflow.quality.report import document
from checkoutflow.quality.rows import Examiner, country_code, read_day
from checkoutflow.quality.wash import wash
from checkoutflow.testing.people import COLUMNS, population

pytest.importorskip("rapidfuzz")
pytest.importorskip("splink")
pytest.importorskip("tqdm")

TODAY = date(2026, 6, 1)


@pytest.fixture
def file(tmp_path):
    """Write a file as a shop has it."""

    def write(text, encoding="utf-8", name="customers.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
        return path

    return write


# Files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_file_is_read_however_it_is_written(file, encoding, separator):
    text = f'navn{separator}by\r\n"Bjørg, Þór"{separator} Åse \r\nx\r\n'
    read = CsvFile.look(file(text.replace("Þ", "Ð"), encoding))
    assert read.header == ("navn", "by")
    assert list(read.rows()) == [["Bjørg, Ðór", "Åse"], ["x", ""]]
    assert read.encoding == ("cp1252" if encoding == "cp1252" else "utf-8-sig")


@pytest.mark.parametrize("start", ["", "sep=;\r\n", "\r\n \r\n", "\r\nSEP=,\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_what_spreadsheets_put_before_the_header_is_passed_over(file, start, encoding):
    text = f"{start}navn|by\r\nBjørg|Oslo\r\n"
    if encoding == "utf-16-be":
        text = f"\ufeff{text}"
    read = CsvFile.look(file(text, encoding))
    assert (read.header, read.first) == (("navn", "by"), 2 + start.count("\n"))
    assert list(read.rows()) == [["Bjørg", "Oslo"]]
    assert read.encoding == ("utf-8-sig" if encoding == "utf-8" else "utf-16")


@pytest.mark.parametrize("content", [b"\xff\xfea", b"\xff\xfea\x00\x00\xd8", b"\xfe\xff\xdc\x00a"])
def test_what_is_marked_as_utf_16_and_is_not_is_refused(file, content):
    with pytest.raises(UsageError, match="begins as UTF-16"):
        CsvFile.look(file(content))


def test_bytes_that_only_latin_1_has_are_read(file):
    assert CsvFile.look(file(b"navn\nB\xf8rge\x81\n")).encoding == "latin-1"


def test_a_letter_cut_off_at_the_end_is_not_utf_8(file):
    assert CsvFile.look(file("navn\nBø".encode()[:-1])).encoding == "cp1252"


def test_a_row_may_have_too_many_cells_and_lines(file):
    read = CsvFile.look(file('a,b\n"1\n2",3,4\n'))
    assert list(read.rows()) == [["1\n2", "3", "4"]]
    assert read.lines == 3


def test_reading_tells_how_far_it_is(file):
    ticks: list[int] = []
    list(CsvFile.look(file("a\n" + "1\n" * 2500)).rows(ticks.append))
    assert ticks == [2, 1002, 2002]


@pytest.mark.parametrize("text", ["", "\n", " , \n1,2\n"])
def test_a_file_without_a_header_is_refused(file, text):
    with pytest.raises(UsageError, match="has no header"):
        CsvFile.look(file(text))


def test_a_cell_that_cannot_be_read_is_refused_by_its_line(file):
    with pytest.raises(UsageError, match="line 2: field larger than field limit"):
        list(CsvFile.look(file("a\n" + "x" * 200_000)).rows())


@pytest.mark.parametrize("cell", ["=1+1", "+45", "-1", "@x", "\tx", "\rx"])
def test_no_cell_runs_as_a_formula(cell):
    stream = io.StringIO()
    Table(stream, ["a", "b"]).row(cell, 3)
    assert list(csv.reader(io.StringIO(stream.getvalue(), newline=""))) == [
        ["a", "b"], [f"'{cell}", "3"],
    ]  # fmt: skip


def test_a_file_that_was_open_to_all_is_closed_to_others(tmp_path):
    path = tmp_path / "pairs.csv"
    path.touch(0o644)
    with private(path) as stream:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        stream.write("x")


# Columns ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "Customer ID, First name, Last name, E-mail, Phone, Street, Zip code, City, Country",
        "Kundenummer, Fornavn, Efternavn, E-mail, Telefon, Vejnavn, Postnr., By, Land",
        "Kundnummer, Förnamn, Efternamn, E-post, Mobilnummer, Gatuadress, Postnummer, Ort, Land",
        "Kundenr, Fornavn, Etternavn, E-postadresse, Tlf., Gateadresse, Postnr, Poststed, Land",
        "Asiakasnro, Etunimi, Sukunimi, Sähköposti, Puhelin, Katuosoite, Postinumero, Kunta, Maa",
        "Kennitala, Eiginnafn, Kenninafn, Netfang, Sími, Heimili, Póstnúmer, Staður, Land",
    ],
)
def test_columns_are_recognised_in_six_languages(header):
    first = "national_id" if "Kennitala" in header else "id"
    roles = [first, "given_name", "surname", "email", "phone", "street", "postal_code", "city",
             "country"]  # fmt: skip
    assert recognise(header.split(", ")) == {role: place for place, role in enumerate(roles)}


def test_a_mobile_is_rather_the_phone_than_a_phone_is():
    assert recognise(["Telefon", "Mobil", "Navn"])["phone"] == 1


def test_what_the_shop_says_goes_first():
    header = ["mail", "Kontakt", "navn"]
    assert recognise(header, {"email": "Kontakt"}) == {"name": 2, "email": 1}
    assert recognise(header, {"city": "mail"}) == {"name": 2, "city": 0}


@pytest.mark.parametrize(
    ("header", "given", "complaint"),
    [
        (["Freydal Kolbenes", "x"], {}, "no column is recognised"),
        (["kundenr", "land"], {}, "no column is recognised"),
        (["navn"], {"shoe": "navn"}, "a column can be one of id, name"),
        (["Freydal Kolbenes"], {"name": "navn"}, "no column of the name given for name"),
    ],
)
def test_what_cannot_be_recognised_is_said_without_names_of_columns(header, given, complaint):
    with pytest.raises(UsageError, match=complaint) as caught:
        recognise(header, given)
    assert "Freydal" not in str(caught.value)


# Rows ---------------------------------------------------------------------------------------------


def examined(row=2, market="NO", **cells):
    places = {role: place for place, role in enumerate(cells)}
    return Examiner(places, market, TODAY).examine(row, list(cells.values()))


def test_parts_of_names_and_addresses_are_put_together():
    row = examined(given_name="Bjørg", surname="Dal", street="Strandgata", house_number="4 B")
    assert dict(row.values) == {"name": "Bjørg Dal", "street": "Strandgata 4 B"}
    assert (row.form.given, row.form.surname, row.form.house) == ("bjoerg", "dal", "4")


@pytest.mark.parametrize(
    ("name", "given", "surname"),
    [
        ("Bjørg Dal", "bjoerg", "dal"),
        ("DAL, BJØRG", "bjoerg", "dal"),
        ("Anna Bjørg Dal", "anna bjoerg", "dal"),
        ("Bjørg", "", "bjoerg"),
    ],
)
def test_the_last_word_of_a_name_is_the_last_name(name, given, surname):
    form = examined(name=name).form
    assert (form.given, form.surname) == (given, surname)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"email": "nobody"}, {"email": "has no @"}),
        ({"postal_code": "12"}, {"postal_code": "is not a postal code of NO"}),
        ({"postal_code": "12345", "country": "Danmark"},
         {"postal_code": "is not a postal code of DK"}),
        ({"postal_code": "12345", "country": "Sverige"}, {}),
        ({"birth_date": "2027-01-01"}, {"birth_date": "is not a day of birth"}),
        ({"birth_date": "01.01.1880"}, {"birth_date": "is not a day of birth"}),
        ({"birth_date": "soon"}, {"birth_date": "is not a day of birth"}),
        ({"birth_date": "31.12.1980", "email": "a@example.com"}, {}),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_value_is_said_without_it(cells, problem):
    row = examined(**cells)
    assert dict(row.problems) == problem


def test_an_invalid_value_is_not_compared():
    assert examined(email="nobody", name="Dal").form.email == ""


def test_a_row_says_nothing_of_its_person_when_printed():
    row = examined(name="Bjørg Dal", email="bjorg@example.com")
    assert "jørg" not in repr(row)
    assert "bjo" not in repr(row)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-02", date(2026, 1, 2)),
        ("2026-01-02T10:00:00+01:00", date(2026, 1, 2)),
        ("20260102", date(2026, 1, 2)),
        ("2.1.2026", date(2026, 1, 2)),
        ("02/01-2026 kl. 10", date(2026, 1, 2)),
        ("31.2.2026", None),
        ("202601023", None),
        ("", None),
    ],
)
def test_days_are_read_as_people_write_them(text, day):
    assert read_day(text) == day


@given(st.text())
def test_any_text_can_be_looked_at(text):
    examined(name=text, email=text, phone=text, street=text, birth_date=text, updated=text)
    assert country_code("Ísland") == "IS"


def test_what_was_changed_in_the_future_was_not():
    assert examined(name="Dal", updated="2026-06-02").updated is None
    assert examined(name="Dal", updated="2026-06-01").updated == TODAY


# Measures -----------------------------------------------------------------------------------------


@given(st.integers(0, 10**7), st.integers(1, 10**7))
def test_only_all_is_all_and_only_none_is_none(part, whole):
    share = percent(min(part, whole), whole)
    assert (share == 100) == (part >= whole)
    assert (share == 0) == (part == 0)


def test_a_base_is_measured(file):
    path = file(
        "navn;epost;tlf;endret\n"
        "Bjørg Dal;bjorg@example.com;11 38 24 75;2026-05-01\n"
        "Bo Berg;bo(at)example.com;11 38 24 75;2020-05-01\n"
        "Ada Fjell;;;\n"
        "Bjørg Dal;BJORG@example.com;;2026-05-02\n"
    )
    data = document(wash(path, market="NO", today=TODAY))
    assert data["rows"] == 4
    assert data["columns"] == {
        "name": "navn", "email": "epost", "phone": "tlf", "updated": "endret",
    }  # fmt: skip
    assert data["fields"]["email"] == {
        "validity": 66.7, "completeness": 75.0, "uniqueness": 0.0, "freshness": 66.7,
        "filled": 3, "valid": 2, "shared": 2, "problems": {"has no @": 1},
    }  # fmt: skip
    assert data["fields"]["name"]["uniqueness"] is None
    assert data["total"] == {
        "validity": 88.9, "completeness": 75.0, "uniqueness": 75.0, "freshness": 50.0,
    }  # fmt: skip
    assert data["last_changed"]["under a year"] == 2
    assert data["last_changed"]["5 to 10 years"] == 1
    assert data["last_changed"]["unknown"] == 1
    assert data["duplicates"]["surplus_rows"] == 1


def test_what_is_not_known_is_not_measured(file):
    data = document(wash(file("navn\nDal\n"), market="NO", today=TODAY))
    assert data["total"]["freshness"] is None
    assert data["last_changed"] is None


# Merging ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "winner", "reason"),
    [
        (["a@example.com"], 2, "the only one"),
        (["", "a@example.com"], 3, "the only one"),
        (["a@example.com", "A@example.com"], 2, "all agree"),
        (["nobody", "a@example.com"], 3, "valid"),
        (["a@example.com 2024-01-01", "b@example.com 2025-01-01"], 3, "newest"),
        (["a@example.com 2024-01-01", "b@example.com"], 2, "newest"),
        (["a@example.com", "b@example.com", "b@example.com"], 3, "most rows agree"),
        (["a@example.com", "longer@example.com"], 3, "most complete"),
        (["a@example.com", "b@example.com"], 2, "first"),
    ],
)
def test_which_value_wins_and_why(values, winner, reason):
    rows = []
    for row, value in enumerate(values, start=2):
        email, _, updated = value.partition(" ")
        rows.append(examined(row, email=email, updated=updated))
    [choice] = merged(rows)
    assert (choice.field, choice.row, choice.reason) == ("email", winner, reason)
    assert choice.is_contested == (reason not in {"the only one", "all agree"})


def test_an_address_comes_from_one_row():
    old = examined(2, street="Strandgata 1", postal_code="0150", city="Oslo", updated="2020-01-01")
    new = examined(3, street="Bakken 7", postal_code="7010", city="", updated="2026-01-01")
    assert [(each.field, each.row) for each in merged([old, new])] == [
        ("street", 3), ("postal_code", 3),
    ]  # fmt: skip


# The whole wash -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A base of people who do not exist, with a canary."""
    people = population(250, seed=2, market="DK", today=TODAY)
    path = tmp_path_factory.mktemp("shop") / "customers.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, delimiter=";")
        writer.writeheader()
        writer.writerows(people.rows)
        row = {**people.rows[0], "name": "=Kanari Fuglebur", "street": "<b>Fugleveien</b> 1"}
        writer.writerows([row, row, row | {"name": "=Kanari Fuglebuur", "email": "kanari"}])
    return path


def read(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("small_rows", [0, 20_000], ids=["large", "small"])
def test_a_wash_writes_what_it_found_for_its_owner_alone(base, tmp_path, small_rows):
    out = tmp_path / "new" / "report"
    ticks = []
    found = wash(
        base, market="DK", today=TODAY, out=out, tick=lambda *tick: ticks.append(tick),
        small_rows=small_rows,
    )  # fmt: skip
    assert found.engine == ("rapidfuzz" if small_rows else "Splink on DuckDB")
    assert [stage for stage, done, of in ticks if done == of] == ["reading", "comparing", "merging"]
    files = {path.name for path in out.iterdir()}
    assert files == {"pairs.csv", "clusters.csv", "households.csv", "merges.csv"}
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}
    pairs, clusters, merges = (
        read(out / f"{name}.csv") for name in ("pairs", "clusters", "merges")
    )
    assert len(pairs) == sum(count for kind, count in found.pairs.items() if kind != "different")
    rows = {int(each["row"]): each["cluster"] for each in clusters}
    for pair in pairs:
        if pair["verdict"] == "same":
            assert rows[int(pair["row"])] == rows[int(pair["other_row"])]
    last = found.measures.rows + 1
    canary = [each for each in merges if each["cluster"] == rows[last - 1]]
    won = {each["field"]: (each["value"], each["reason"]) for each in canary}
    assert won["name"][0].startswith("'=Kanari")  # no formula
    assert won["email"][0].endswith((".com", ".org", ".net"))
    assert {each["id"] for each in clusters} >= {"C0000001"}
    assert len(read(out / "households.csv")) == sum(
        size * count for size, count in found.households.items()
    )


def test_without_a_folder_nothing_is_written(base, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for small_rows in (0, 20_000):
        wash(base, market="DK", today=TODAY, small_rows=small_rows)
    assert list(tmp_path.iterdir()) == []
    assert [path.name for path in base.parent.iterdir()] == [base.name]


def test_a_folder_that_is_a_file_is_refused(base):
    with pytest.raises(InvalidInput, match="out: is not a folder"):
        wash(base, market="DK", today=TODAY, out=base)


def test_without_the_extra_it_says_what_to_install(base, monkeypatch):
    monkeypatch.setattr(washing, "find_spec", lambda name: None if name == "duckdb" else name)
    with pytest.raises(UsageError, match=r"needs duckdb: pip install 'checkoutflow\[quality\]'"):
        wash(base, market="DK", today=TODAY)


# The command and its page -------------------------------------------------------------------------


@pytest.fixture
def run(base):
    """Run the command: its exit code and what it printed."""

    def run(**changes):
        said = io.StringIO()
        words = {"customers": base, "market": "dk", "out": None, "map": [], "updated": None,
                 "today": TODAY, "json": False}  # fmt: skip
        return quality.run(Namespace(**words | changes), Paper(said, {})), said.getvalue()

    return run


def test_the_command_prints_figures_only(run, capsys):
    status, said = run()
    assert status == 0
    assert re.search(r"email +99\.\d +9\d\.\d +[78]\d\.\d +\d\d\.\d", said)
    assert re.search(r"people +\d+ have more than one row", said)
    assert "--out DIR" in said
    for personal in ("Kanari", "@", "Fugle", "+45"):
        assert personal not in said
    assert capsys.readouterr().err == ""  # no terminal, no bar


def test_the_command_draws_a_bar_on_a_terminal(run, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    run()
    for stage in ("reading", "comparing"):
        assert stage in terminal.getvalue()


@pytest.mark.parametrize(
    ("text", "home"),
    [
        ("navn;land\nDal;Norge\nBerg;NO\nLund;Sverige\n", "NO"),
        ("namn;telefon\nDal;+46 70 174 06 05\nBerg;0046701740606\nLund;0701740607\n", "SE"),
        ("nimi;sähköposti\nDal;a@example.fi\nBerg;b@example.com\n", "FI"),
        ("nafn;sími;netfang\nDal;'+3545885522;a@example.is\nBerg;+4721212121;\n", "IS"),
        ("name;phone;email\nDal;+45 32 12 34 56;a@example.dk\n", "DK"),
    ],
)
def test_a_base_tells_where_it_is_at_home(file, text, home):
    assert home_of(file(text)) == home


@pytest.mark.parametrize(
    "text",
    [
        "navn;epost\nDal;a@example.com\n",
        "navn;telefon\nDal;21212121\n",
        "navn;land\nDal;NO\nBerg;SE\n",  # neither has more than half
        "navn;land\nDal;Narnia\n",
    ],
)
def test_where_a_base_does_not_tell_it_the_shop_must(file, text):
    with pytest.raises(UsageError, match="--market XX"):
        home_of(file(text))


def test_the_command_needs_the_file_and_no_more(run):
    assert run(market=None)[1] == run()[1]


class Page(HTMLParser):
    """Tags and text of a page; every tag that is opened is closed."""

    def __init__(self, text):
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_is_a_page_of_its_own_without_anybodys_data(run, tmp_path):
    status, said = run(out=tmp_path, market="DK")
    assert status == 0
    assert "report.html" in said
    text = (tmp_path / "report.html").read_text("utf-8")
    page = Page(text)
    assert {"svg", "table", "h1"} <= page.tags
    assert not {"script", "img", "link", "iframe"} & page.tags
    assert not [name for name, value in page.attributes if name.startswith("on")]
    assert "http" not in text.replace('http-equiv="Content-Security-Policy"', "")
    assert ("lang", "en") in page.attributes
    data = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert str(data["duplicates"]["people"]) in text
    for personal in ("Kanari", "@example", "Fugle", "+45"):
        assert personal not in text
        assert personal not in json.dumps(data)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_a_base_with_nothing_to_say_has_a_page_too(run, file, tmp_path):
    run(customers=file("navn\n", name="<i>.csv"), out=tmp_path / "report")
    text = (tmp_path / "report" / "report.html").read_text("utf-8")
    Page(text)
    assert "&lt;i&gt;.csv, 0 rows" in text


def test_the_command_prints_one_document(run):
    status, said = run(json=True, updated="updated", map=["phone=phone", "email=email"])
    assert status == 0
    assert json.loads(said)["columns"]["updated"] == "updated"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"market": "DE"}, "--market: is one of DK, FO"),
        ({"map": ["email"]}, "--map: write it like email=COLUMN"),
        ({"map": ["email="]}, "--map: write it like email=COLUMN"),
        ({"updated": "changed"}, "no column of the name given for updated"),
    ],
)
def test_the_command_refuses_what_it_does_not_understand(run, changes, complaint):
    with pytest.raises(UsageError, match=complaint):
        run(**changes)


def test_every_role_has_one_name_in_each_table():
    assert len(ROLES) == len(set(ROLES)) == 18
