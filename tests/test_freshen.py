"""A shop lets moves, deaths and opt-outs into its base: one command, a fresh file and a log."""

from __future__ import annotations

import csv
import io
import json
import stat
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkoutflow.cli import main
from checkoutflow.cli.bar import Bar
from checkoutflow.errors import UsageError
from checkoutflow.quality.columns import recognise_feed
from checkoutflow.quality.feed_files import read_feed
from checkoutflow.quality.feeds import Kind, News
from checkoutflow.quality.freshen import freshen
from checkoutflow.quality.reading import bare, safe

TODAY = date(2026, 6, 1)
KEY = "a key of our own, for tests only, of 32 characters"
BASE = """\
Kundenr;Fornavn;Efternavn;E-mail;Telefon;Adresse;Husnr;Postnr;By;Fødselsdato;Note
C1;Bjørg;Dal;bjorg@example.com;'+4532123456;Strandgade;27 B;1401;København;2.1.1980;kept  as it is
C2;Åse;Holm;aase@example.com;0045 32123457;Vestergade;12;8000;Aarhus C;;=1+1
C3;Bo;Dal;bo@example.com;;Nygade;3;5000;Odense;;
"""
MOVES = """\
on,name,birth_date,street,postal_code,new_street,new_postal_code,new_city
2026-05-01,"Dal, Bjørg",1980-01-02,,1401,Bakkevej 7,2100,København Ø
"""
OPT_OUTS = """\
Hændelse;Dato;E-mail;Telefon;Navn;Adresse;Postnr
frameldt;3.5.2026;BO@example.com;;;;
frameldt;4.5.2026;;32 12 34 57;;;
afdød;5.5.2026;;;Åse Holm;Vestergade 12;8000
"""


@pytest.fixture
def file(tmp_path):
    def write(name, text, encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """Run the command: its exit code, what it printed and said was wrong."""
    monkeypatch.setenv("LIST_KEY", KEY)

    def run(base, *feeds, market="DK", today=TODAY, out="fresh.csv", **options):
        words = ["freshen", base, "--market", market, "--today", today, "--out", tmp_path / out]
        if feeds:
            words += ["--feed", *feeds]
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}", *([] if value is True else [value])]
        status = main([str(word) for word in words])
        return status, *capsys.readouterr()

    return run


def rows_of(path, separator=";"):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=separator))


# What comes of it ---------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_moves_deaths_and_opt_outs_reach_their_rows(file, run, tmp_path, encoding):
    base = file("base.csv", BASE, encoding)
    status, said, _ = run(base, f"moved={file('moves.csv', MOVES)}", file("opt.csv", OPT_OUTS))
    assert status == 0
    bjorg, aase, bo = rows_of(tmp_path / "fresh.csv")
    before = list(csv.DictReader(io.StringIO(BASE), delimiter=";"))
    assert bjorg == before[0] | {
        "Adresse": "Bakkevej 7", "Husnr": "", "Postnr": "2100", "By": "København Ø",
        "updated": "2026-05-01", "died": "", "opted_out": "",
    }  # fmt: skip
    assert aase == before[1] | {"updated": "", "died": "2026-05-05", "opted_out": "2026-05-04"}
    assert bo == before[2] | {"updated": "", "died": "", "opted_out": "2026-05-03"}
    assert rows_of(tmp_path / "fresh.changes.csv", ",") == [
        {"row": "2", "id": "C1", "change": "moved", "on": "2026-05-01", "source": "moves.csv:2"},
        {"row": "3", "id": "C2", "change": "opted_out", "on": "2026-05-04", "source": "opt.csv:3"},
        {"row": "3", "id": "C2", "change": "died", "on": "2026-05-05", "source": "opt.csv:4"},
        {"row": "4", "id": "C3", "change": "opted_out", "on": "2026-05-03", "source": "opt.csv:2"},
    ]
    assert "rows changed  3 of 3" in said
    assert base.read_bytes() == BASE.encode(encoding)
    has_mark = (tmp_path / "fresh.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert has_mark == (encoding != "utf-8")


def test_only_its_owner_can_read_it_and_nobody_is_printed(file, run, tmp_path):
    _, said, wrong = run(file("base.csv", BASE), file("opt.csv", OPT_OUTS))
    for name in ("fresh.csv", "fresh.changes.csv"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    for personal in ("Dal", "Åse", "@", "Vestergade", "3212"):
        assert personal not in said + wrong + (tmp_path / "fresh.changes.csv").read_text("utf-8")
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "base.csv", "fresh.changes.csv", "fresh.csv", "opt.csv",
    ]  # fmt: skip


def test_the_same_feeds_again_change_nothing(file, run, tmp_path):
    feeds = (f"moved={file('moves.csv', MOVES)}", file("opt.csv", OPT_OUTS))
    run(file("base.csv", BASE), *feeds)
    status, said, _ = run(tmp_path / "fresh.csv", *feeds, out="again.csv", today="2026-07-01")
    assert (status, "rows changed  0 of 3" in said) == (0, True)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "fresh.csv").read_bytes()
    assert (tmp_path / "again.changes.csv").read_text().split() == ["row,id,change,on,source"]


STREETS = ["Bakkevej 7", "Søvej 1", "Strandgade 27 B"]


@settings(max_examples=50)
@given(
    told=st.lists(
        st.tuples(st.integers(1, 31), st.sampled_from(STREETS), st.sampled_from([None, *STREETS])),
        max_size=6,
    ),
    parts=st.integers(1, 3),
)
def test_however_the_news_come_in_files_a_second_time_changes_nothing(
    tmp_path_factory, told, parts
):
    """Moves from one address to another, one after the other, with opt-outs between."""
    folder = tmp_path_factory.mktemp("news")
    head = "kind,on,name,street,postal_code,new_street,new_postal_code\n"
    lines = [
        f"{'moved' if to else 'opted_out'},2026-05-{day:02},Bjørg Dal,{at},1401,{to or ''},1401\n"
        for day, at, to in told
    ]
    base = folder / "base.csv"
    base.write_text(BASE, encoding="utf-8")
    for part in range(parts):
        (folder / f"{part}.csv").write_text(head + "".join(lines[part::parts]), encoding="utf-8")

    def fresh(before, name):
        news = News()
        for part in range(parts):
            read_feed(folder / f"{part}.csv", news.add, market="DK", today=TODAY)
        out, log = folder / name, folder / f"{name}.log"
        freshen(before, news, market="DK", today=TODAY, out=out, log=log)
        return out

    once = fresh(base, "once.csv")
    assert fresh(once, "twice.csv").read_bytes() == once.read_bytes()
    whole = News()
    (folder / "all.csv").write_text(head + "".join(lines), encoding="utf-8")
    read_feed(folder / "all.csv", whole.add, market="DK", today=TODAY)
    freshen(
        base, whole, market="DK", today=TODAY, out=folder / "whole.csv", log=folder / "whole.log"
    )
    assert (folder / "whole.csv").read_bytes() == once.read_bytes()


def test_a_fresh_base_is_written_over_the_one_of_last_month(file, run, tmp_path):
    base, feed = file("base.csv", BASE), file("opt.csv", OPT_OUTS)
    assert [run(base, feed)[0] for _ in range(2)] == [0, 0]
    assert len(rows_of(tmp_path / "fresh.csv")) == 3


def test_rows_that_are_too_long_too_short_or_empty_stay(file, run, tmp_path):
    base = file("base.csv", "E-mail,By\nbo@example.com,Odense,more\n\nx\n")
    run(base, file("opt.csv", OPT_OUTS))
    text = (tmp_path / "fresh.csv").read_text("utf-8").splitlines()
    assert text == [
        "E-mail,By,updated,died,opted_out",
        "bo@example.com,Odense,,,2026-05-03,more",
        ",,,,",
        "x,,,,",
    ]


def test_what_a_feed_brings_does_not_run_in_a_spreadsheet(file, run, tmp_path):
    moves = MOVES.replace("Bakkevej 7", "=HYPERLINK(7)")
    run(file("base.csv", BASE), f"moved={file('moves.csv', moves)}")
    assert rows_of(tmp_path / "fresh.csv")[0]["Adresse"] == "'=HYPERLINK(7)"


@pytest.mark.parametrize("cell", ["+45 32", "=1", "-", "@a", "0150", "t", ""])
def test_an_apostrophe_of_a_spreadsheet_is_no_part_of_a_value(cell):
    assert bare(safe(cell)) == bare(cell) == cell
    assert bare(f"'{cell}") == ("'t" if cell == "t" else cell)


def test_an_opt_out_on_no_day_is_one_of_today_and_keeps_it(file, run, tmp_path):
    feed = file("opt.csv", "email\nbo@example.com\n")
    run(file("base.csv", BASE), f"opted_out={feed}")
    assert rows_of(tmp_path / "fresh.csv")[2]["opted_out"] == str(TODAY)
    run(tmp_path / "fresh.csv", f"opted_out={feed}", today="2026-07-01", out="again.csv")
    assert rows_of(tmp_path / "again.csv")[2]["opted_out"] == str(TODAY)


def test_a_move_across_a_border_changes_the_country(file, run, tmp_path):
    base = file(
        "base.csv", "name,street,zip,country\nBo Dal,Nygade 3,5000,Danmark\nX,Y 1,1000,US\n"
    )
    moves = (
        "on,name,street,zip,country,new_street,new_house_number,new_zip,new_country\n"
        "2026-05-01,Bo Dal,Nygade 3,5000,DK,Gatan,1,114 55,Sverige\n"
        "2026-05-01,X,Y 1,1000,US,Gatan 2,,1000,\n"
    )
    run(base, f"moved={file('moves.csv', moves)}")
    bo, x = rows_of(tmp_path / "fresh.csv", ",")
    assert (bo["street"], bo["zip"], bo["country"]) == ("Gatan 1", "11455", "SE")
    assert (x["street"], x["country"]) == ("Gatan 2", "US")


# What cannot be used ------------------------------------------------------------------------------


def test_each_row_that_says_too_little_is_named_by_row_and_column(file, run, tmp_path):
    feed = file(
        "feed.csv",
        "Kind,Effective date,Name,E-mail,Telefon,Street,Zip,New street,New zip,New city\n"
        "moved,2026-05-01,Bo Dal,,,Nygade 3,5000,Søvej 1,99999,\n"  # 2: no such postal code
        "moved,2026-05-01,Bo Dal,,,Nygade 3,5000,,8000,\n"
        "moved,,Bo Dal,,,Nygade 3,5000,Søvej 1,8000,\n"
        "moved,2026-13-01,Bo Dal,,,Nygade 3,5000,Søvej 1,8000,\n"
        "vanished,2026-05-01,Bo Dal,,,Nygade 3,5000,,,\n"
        "died,2026-05-01,,bo@example.com,,,,,,\n"  # 7: a mailbox is nobody's death
        "opted_out,2026-05-01,Bo Dal,,,,,,,\n"
        "opted_out,2026-05-01,,bo(at)example.com,,,,,,\n"
        "opted_out,2026-05-01,,bo@example.com,no phone,,,,,\n"  # 10: one of the two is enough
        ",,,,,,,,,\n"
        "opted_out,2026-06-02,,aase@example.com,,,,,,\n"
        "opted_out,2026-03-02,,aase@example.com,,,,,,\n",
    )
    status, said, _ = run(file("base.csv", BASE), feed, json=True, since="2026-04-01")
    told = json.loads(said)
    assert status == 1
    [about] = told["feeds"]
    counts = [about[name] for name in ("rows", "taken", "refused", "to_come", "too_old")]
    assert counts == [11, 1, 8, 1, 1]
    found = [(each["row"], each["column"], each["text"]) for each in about["problems"]]
    assert found == [
        (2, "New zip", "is not a postal code of DK"),
        (3, "New street", "is empty"),
        (4, "Effective date", "a move has a day"),
        (5, "Effective date", "is not a day"),
        (6, "Kind", "is not moved, died or opted_out"),
        (7, "who", "does not say well enough whom it is about"),
        (8, "who", "does not say well enough whom it is about"),
        (9, "who", "does not say well enough whom it is about"),
    ]
    assert told["changes"] == {"opted_out": 1}
    assert [row["opted_out"] for row in rows_of(tmp_path / "fresh.csv")] == ["", "", "2026-05-01"]


def test_the_console_shows_the_first_problems_and_how_many_there_are(file, run):
    rows = "opted_out,bo@example.com\n" + "opted_out,nobody\n" * 1200
    status, said, _ = run(file("base.csv", BASE), file("feed.csv", f"kind,email\n{rows}"))
    assert (status, said.count(", who:"), "and more" in said) == (1, 10, True)
    assert "nobody" not in said


@pytest.mark.parametrize(
    ("feed", "complaint"),
    [
        ("kind,on,Bo\n", "feed.csv: no column is recognised"),
        ("Bo Dal;Nygade 3\n", "feed.csv: no column is recognised"),
        ("on,name,street,zip\n", "feed.csv: lacks a column kind"),
        ("", "feed.csv: has no header"),
        ("kind,email\nmoved,\ndied,a@example.com\n", "no row can be used; row 2, who: a move has"),
        ('kind,email\n"moved,a@example.com\x00\n', ""),
    ],
)
def test_a_feed_that_cannot_be_used_is_refused_and_nothing_is_written(
    file, run, tmp_path, feed, complaint
):
    status, _, wrong = run(file("base.csv", BASE), file("feed.csv", feed))
    assert (status, complaint in wrong) == (2, True), wrong
    assert not (tmp_path / "fresh.csv").exists()


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("name,street,zip,new_street,new_zip", "lacks a column on"),
        ("on,name,street,zip,new_street", "lacks the columns new_street and new_postal_code"),
    ],
)
def test_a_file_of_moves_says_when_and_where_to(file, run, header, complaint):
    _, _, wrong = run(file("base.csv", BASE), f"moved={file('feed.csv', header)}")
    assert complaint in wrong


def test_a_base_without_addresses_has_nowhere_to_put_a_move(file, run, tmp_path):
    base = file("base.csv", "cpr\n211062-5629\n")
    moves = "on,cpr,new_street,new_zip\n2026-05-01,2110625629,Søvej 1,8000\n"
    status, _, wrong = run(base, f"moved={file('moves.csv', moves)}")
    assert (status, "has no columns of street and postal code" in wrong) == (2, True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["base.csv", "moves.csv"]


def test_what_is_to_be_read_is_not_written_over(file, run):
    base, feed = file("base.csv", BASE), file("opt.csv", OPT_OUTS)
    for options in (
        {"out": "base.csv"},
        {"log": base},
        {"out": "x.csv", "log": base.parent / "x.csv"},
    ):
        status, _, wrong = run(base, feed, **options)
        assert (status, "are three files" in wrong) == (2, True)
    assert base.read_text("utf-8") == BASE


def test_without_a_feed_or_a_list_there_is_nothing_to_do(file, run):
    status, _, wrong = run(file("base.csv", BASE))
    assert (status, "there is nothing to do" in wrong) == (2, True)


def test_columns_may_be_said(file, run, tmp_path):
    base = file("base.csv", "a,b\nbo@example.com,2026-05-09\n")
    status, *_ = run(base, file("opt.csv", OPT_OUTS), map="email=a", updated="b")
    assert status == 0
    assert rows_of(tmp_path / "fresh.csv", ",")[0]["opted_out"] == "2026-05-03"


@pytest.mark.parametrize(
    "header",
    [
        "kind on name birth_date postal_code new_street new_postal_code new_city",
        "Hændelse Dato Navn Fødselsdato Postnr Ny.adresse Nyt.postnr Ny.by",
        "Händelse Datum Namn Födelsedatum Postnr Ny.adress Nytt.postnr Ny.ort",
        "Hendelse Dato Navn Fødselsdato Postnr Ny.adresse Nytt.postnr Nytt.poststed",
        "Tapahtuma Päivä Nimi Syntymäaika Postinro Uusi.osoite Uusi.postinro Uusi.kaupunki",
        "Atburður Dags Nafn Fæðingardagur Póstnúmer Nýtt.heimili Nýtt.póstnúmer Nýr.staður",
    ],
)
def test_feeds_are_recognised_in_six_languages(header):
    assert list(recognise_feed(header.split())) == [
        "kind", "on", "name", "birth_date", "postal_code",
        "new_street", "new_postal_code", "new_city",
    ]  # fmt: skip


def test_every_kind_may_be_said_for_a_whole_file(file):
    for kind in Kind:
        head = (
            "on,name,street,zip,new_street,new_zip\n2026-05-01,Bo Dal,Nygade 3,5000,Søvej 1,8000\n"
        )
        found = read_feed(file("f.csv", head), News().add, market="DK", today=TODAY, kind=kind)
        assert (found.taken, found.refused) == (1, 0)


# Lists --------------------------------------------------------------------------------------------


@pytest.fixture
def suppress(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LIST_KEY", KEY)

    def run(numbers, *, register="SE-NIX-TELEFON", as_of="2026-05-01", **options):
        words = ["suppress", numbers, "--register", register, "--as-of", as_of, "--market", "SE"]
        words += ["--key-from", options.get("key", "LIST_KEY"), "--out", tmp_path / "list.txt"]
        status = main([str(word) for word in words])
        return status, *capsys.readouterr()

    return run


PHONES = "070-174 06 05\n'+46701740606\nnonsense\n"


@pytest.mark.parametrize("head", ["", "Telefon\n", "Navn;Telefon\n"])
def test_who_stands_in_a_register_is_marked_in_the_base_until_they_do_not(
    file, run, suppress, tmp_path, head
):
    lines = PHONES.replace("\n", "\n;").join((";", "")) if ";" in head else PHONES
    text = head + (lines.rstrip(";") if ";" in head else lines)
    status, said, _ = suppress(file("nix.csv", text))
    assert (status, said.endswith("2 numbers of SE-NIX-TELEFON, as digests\n")) == (0, True)
    base = file("base.csv", "name;mobil\nA;0701740605\nB;070-1740607\n")
    options = {"list": tmp_path / "list.txt", "key_from": "LIST_KEY", "market": "SE"}
    status, said, _ = run(base, **options)
    assert (status, "blocked by a list  1" in said) == (0, True)
    fresh = tmp_path / "fresh.csv"
    assert [row["marketing_blocked"] for row in rows_of(fresh)] == ["phone", ""]
    assert "rows changed  0" in run(fresh, **options, out="again.csv")[1]
    suppress(file("nix.csv", "070-174 06 07\n"))
    run(fresh, **options, out="later.csv")
    assert [row["marketing_blocked"] for row in rows_of(tmp_path / "later.csv")] == ["", "phone"]
    log = rows_of(tmp_path / "later.changes.csv", ",")
    assert [row["change"] for row in log] == ["marketing_free", "marketing_blocked"]
    assert {(row["on"], row["source"]) for row in log} == {("2026-05-01", "SE-NIX-TELEFON")}


def test_a_list_that_is_too_old_or_without_its_key_is_refused(file, run, suppress, tmp_path):
    suppress(file("nix.csv", PHONES), as_of="2026-03-31")
    base = file("base.csv", BASE)
    options = {"list": tmp_path / "list.txt", "key_from": "LIST_KEY"}
    status, _, wrong = run(base, **options)
    assert (status, "could be used until 2026-05-31" in wrong) == (2, True)
    status, _, wrong = run(base, list=tmp_path / "list.txt")
    assert (status, "--key-from: name a variable" in wrong) == (2, True)


@pytest.mark.parametrize(
    ("text", "options", "complaint"),
    [
        ("Navn;By\nA;B\n", {}, "has no column that is recognised as phone"),
        ("Navn;E-mail\nA;B\n", {}, "has no column that is recognised as phone"),
        (PHONES, {"register": "DK-NIX"}, "a register is one of NO-RESERVASJON"),
        (PHONES, {"key": "NO_SUCH_KEY"}, "--key-from: name a variable"),
    ],
)
def test_a_register_that_cannot_be_kept_is_refused(file, suppress, text, options, complaint):
    status, _, wrong = suppress(file("nix.csv", text), **options)
    assert (status, complaint in wrong) == (2, True), wrong


# The bar ------------------------------------------------------------------------------------------


def test_a_bar_is_drawn_on_a_terminal_if_there_is_one_to_draw(file, run, monkeypatch):
    pytest.importorskip("tqdm")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    run(file("base.csv", BASE), file("opt.csv", OPT_OUTS))
    for stage in ("feeds", "freshening"):
        assert stage in terminal.getvalue()


def test_without_tqdm_there_is_none(monkeypatch):
    monkeypatch.setattr("checkoutflow.cli.bar.find_spec", lambda name: None)
    bar = Bar()
    bar("feeds", 1, 2)
    bar.close()


def test_a_row_that_cannot_be_read_is_named_and_leaves_no_file(file, tmp_path):
    base = file("base.csv", "email\n" + "x" * 200_000 + "\n")
    with pytest.raises(UsageError, match=r"base\.csv, line 2"):
        freshen(base, News(), market="DK", today=TODAY, out=tmp_path / "f", log=tmp_path / "l")
    assert [each.name for each in tmp_path.iterdir()] == ["base.csv"]
