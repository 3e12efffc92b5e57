"""Open registers: what they say is read with care, and a sale never waits for them."""

from __future__ import annotations

import asyncio
import json
import logging
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, ClassVar

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_path import SchemaPath
from openapi_core import OpenAPI
from tests.specs import FOLDER, Spec, _close

from checkoutflow.errors import InvalidInput
from checkoutflow.flow.registers import PAUSE, AsyncRegisters, Registers
from checkoutflow.privacy.secret import Details, Secret
from checkoutflow.providers.contract import Transport
from checkoutflow.registries.base import basic, judged, written
from checkoutflow.registries.contract import (
    AddressCheck,
    AddressRegister,
    Answer,
    CompanyRegister,
    PostalCodes,
    Situation,
    Source,
    Why,
    Word,
)
from checkoutflow.registries.denmark import CvrConfig, Dawa, DawaConfig
from checkoutflow.registries.finland import PostiCodes, Ytj
from checkoutflow.registries.sweden import TEST, BolagsverketConfig
from checkoutflow.testing import Clock
from checkoutflow.testing import registers as standins
from checkoutflow.testing.adapters import exchange
from checkoutflow.testing.registers import AUTHORITIES, BANKRUPT, BRANCH, ENDED, NOBODYS, handle
from checkoutflow.testing.serve import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BASE = "https://registers.example"
NO, SE, DK, FI, KARTVERKET, DAWA, BRING = standins.adapters(BASE)
COMPANIES: dict[str, CompanyRegister] = {"NO": NO, "SE": SE, "DK": DK, "FI": FI}
ADDRESSES = {
    "NO": Details(street="Havnegata 48", postal_code="8900", city="Brønnøysund", country="NO"),
    "DK": Details(
        street="Langelinie Allé 17", postal_code="2100", city="København Ø", country="DK"
    ),
}
# Every look-up, by name: what it asks, and an operation that asks it anew.
LOOKUPS = {
    "NO company": lambda: fresh("NO").company(AUTHORITIES["NO"]),
    "SE company": lambda: fresh("SE").company(AUTHORITIES["SE"]),
    "DK company": lambda: fresh("DK").company(AUTHORITIES["DK"]),
    "FI company": lambda: fresh("FI").company(AUTHORITIES["FI"]),
    "NO address": lambda: KARTVERKET.check(ADDRESSES["NO"]),
    "NO suggest": lambda: KARTVERKET.suggest("Havnegata"),
    "DK address": lambda: DAWA.check(ADDRESSES["DK"]),
    "DK suggest": lambda: DAWA.suggest("Langelinie"),
    "NO city": lambda: BRING.city_of("NO", "0150"),
}


def exchanged(operation, answer=handle):
    """A look-up against the stand-ins, or another answer."""
    return exchange(operation, answer)


def recorded(operation):
    """What a look-up sends to the stand-ins."""
    sent = []

    def answer(request):
        sent.append(request)
        return handle(request)

    exchanged(operation, answer)
    return sent


def fresh(country):
    """A register's adapter as after a start: without a token."""
    return dict(zip(COMPANIES, standins.adapters(BASE), strict=False))[country]


def told(operation, body, status=200):
    """A look-up against one prepared answer; a token is given out as always."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(request):
        if request.url.path == "/oauth2/token":
            return handle(request)
        return httpx.Response(status, content=content)

    return exchanged(operation, answer)


def body_for(operation):
    """What the stand-in answers a look-up with at the end."""
    seen = []

    def answer(request):
        seen.append(handle(request))
        return seen[-1]

    exchanged(operation, answer)
    return json.loads(seen[-1].content)


def changed(body, *path, to):
    """The same body with another value in one place."""
    copy = json.loads(json.dumps(body))
    inner = copy
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return copy


# --- what is found --------------------------------------------------------------------------------


def test_each_adapter_says_by_its_methods_what_it_can_be_asked():
    kinds = (CompanyRegister, AddressRegister, PostalCodes)
    found = [[isinstance(it, kind) for kind in kinds] for it in standins.adapters(BASE)]
    assert found == [[True, False, False]] * 4 + [[False, True, False]] * 2 + [[False, False, True]]


@pytest.mark.parametrize(
    ("country", "name", "form", "is_active", "blocks", "address"),
    [
        (
            "NO",
            "REGISTERENHETEN I BRØNNØYSUND",
            "ORGL",
            True,
            None,
            ("Havnegata 48", "8900", "Brønnøysund"),
        ),
        ("SE", "Bolagsverket", "AB", True, False, (None, "85181", "Sundsvall")),
        (
            "DK",
            "ERHVERVSSTYRELSEN",
            "A/S",
            True,
            True,
            ("Langelinie Allé 17", "2100", "København Ø"),
        ),
        (
            "FI",
            "Patentti- ja rekisterihallitus",
            "OY",
            None,
            None,
            ("Sörnäisten rantatie 13 C", "00530", "Helsinki"),
        ),
    ],
)
def test_a_company_is_found(country, name, form, is_active, blocks, address):
    answer = exchanged(COMPANIES[country].company(AUTHORITIES[country]))
    assert (answer.word, answer.why, answer.is_final) == (Word.FOUND, None, True)
    assert answer.source.name
    assert answer.source.licence
    company = answer.value
    assert (company.country, company.number) == (country, AUTHORITIES[country])
    assert (company.name, company.form, company.is_active) == (name, form, is_active)
    assert company.blocks_marketing is blocks
    found = company.address
    assert tuple(found.get(part) for part in ("street", "postal_code", "city")) == address
    assert found["country"] == country
    assert company.number not in repr(answer)
    assert name not in repr(company)


@pytest.mark.parametrize("country", COMPANIES)
def test_a_company_in_trouble_is_found_and_not_active(country):
    bankrupt = exchanged(COMPANIES[country].company(BANKRUPT[country])).value
    assert (bankrupt.is_active, bankrupt.situations) == (False, {Situation.BANKRUPT})
    ended = exchanged(COMPANIES[country].company(ENDED[country])).value
    assert (ended.is_active, ended.situations) == (False, {Situation.ENDED})


@pytest.mark.parametrize("country", COMPANIES)
def test_a_number_that_nobody_has_is_not_found(country):
    answer = exchanged(COMPANIES[country].company(NOBODYS[country]))
    assert (answer.word, answer.value, answer.is_final) == (Word.NOT_FOUND, None, True)


@pytest.mark.parametrize(
    ("country", "number"),
    [
        ("NO", "974 760 673"),
        ("NO", "NO974760673MVA"),
        ("SE", "202100-5489"),
        ("DK", "DK 10 15 08 17"),
        ("FI", "FI02446831"),
        ("FI", "0244683-1"),
    ],
)
def test_a_number_may_be_written_in_several_ways(country, number):
    answer = exchanged(COMPANIES[country].company(number))
    assert answer.value.number == AUTHORITIES[country]


@pytest.mark.parametrize(
    ("country", "number"),
    [("NO", "97476067"), ("SE", "abc"), ("DK", "101508170"), ("FI", ""), ("NO", "1" * 5000)],
)
def test_a_number_of_another_shape_is_not_sent(country, number):
    answer = exchanged(COMPANIES[country].company(number), pytest.fail)
    assert (answer.word, answer.why) == (Word.UNAVAILABLE, Why.BAD_INPUT)


def test_a_place_of_business_is_found_below_the_companies():
    company = exchanged(NO.company(BRANCH)).value
    assert (company.name, company.is_active) == ("BRANCH OF TEST AS", True)
    assert company.address["street"] == "Havnegata 48"


def test_what_was_taken_out_of_the_register_by_law_is_not_found():
    assert exchanged(NO.company(standins.REMOVED)).word is Word.NOT_FOUND


def test_post_may_go_elsewhere():
    company = exchanged(NO.company(AUTHORITIES["NO"])).value
    assert company.postal_address["street"] == "Postboks 900"


def test_older_names_are_left_out_and_other_names_are_told():
    company = exchanged(FI.company(AUTHORITIES["FI"])).value
    assert company.other_names == ("Patentti- ja rekisterihallitus (auxiliary)",)


# --- each register's own words --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "is_active", "situations"),
    [
        ("NORMAL", True, set()),
        ("Aktiv", True, set()),
        ("Under konkurs", False, {Situation.BANKRUPT}),
        ("UNDERREKONSTRUKTION", False, {Situation.REORGANISATION}),
        ("Under frivillig likvidation", False, {Situation.WINDING_UP}),
        ("Under tvangsopløsning", False, {Situation.WINDING_UP}),
        ("Under noget andet", False, {Situation.OTHER}),
        ("Tvangsopløst", False, {Situation.ENDED}),
        ("Opløst efter fusion", False, {Situation.ENDED}),
        ("Ophørt", False, {Situation.ENDED}),
        ("Slettet", False, {Situation.ENDED}),
        ("Fremtid", None, set()),
        (None, None, set()),
    ],
)
def test_how_a_danish_company_is(word, is_active, situations):
    path = ("hits", "hits", 0, "_source", "Vrvirksomhed", "virksomhedMetadata", "sammensatStatus")
    body = changed(body_for(LOOKUPS["DK company"]()), *path, to=word)
    company = told(LOOKUPS["DK company"](), body).value
    assert (company.is_active, company.situations) == (is_active, situations)


@pytest.mark.parametrize(
    ("changes", "street"),
    [
        ({"husnummerTil": 19, "bogstavFra": "A"}, "Langelinie Allé 17A-19"),
        ({"etage": "2", "sidedoer": "tv"}, "Langelinie Allé 17, 2. tv"),
        ({"conavn": "Test"}, "c/o Test, Langelinie Allé 17"),
        ({"vejnavn": None, "husnummerFra": None, "postboks": 12}, "Postboks 12"),
    ],
)
def test_how_a_danish_address_is_written(changes, street):
    body = body_for(LOOKUPS["DK company"]())
    now = body["hits"]["hits"][0]["_source"]["Vrvirksomhed"]["virksomhedMetadata"]
    now["nyesteBeliggenhedsadresse"] |= changes
    assert told(LOOKUPS["DK company"](), body).value.address["street"] == street


def test_an_address_in_a_country_that_we_do_not_know_is_left_out():
    body = body_for(LOOKUPS["NO company"]())
    body["forretningsadresse"]["landkode"] = "US"
    company = told(LOOKUPS["NO company"](), body).value
    assert (company.name, company.address) == ("REGISTERENHETEN I BRØNNØYSUND", {})


@pytest.mark.parametrize("flag", [True, False, None, "true", 1])
def test_protection_from_advertising_is_told_or_not_known(flag):
    path = ("hits", "hits", 0, "_source", "Vrvirksomhed", "reklamebeskyttet")
    body = changed(body_for(LOOKUPS["DK company"]()), *path, to=flag)
    wanted = flag if isinstance(flag, bool) else None
    assert told(LOOKUPS["DK company"](), body).value.blocks_marketing is wanted


def test_a_danish_index_that_gave_up_half_way_did_not_say():
    body = {**body_for(LOOKUPS["DK company"]()), "timed_out": True}
    answer = told(LOOKUPS["DK company"](), body)
    assert (answer.word, answer.why) == (Word.UNAVAILABLE, Why.DOWN)


def test_the_danish_index_is_asked_for_what_is_needed_only():
    (request,) = recorded(DK.company(AUTHORITIES["DK"]))
    body = json.loads(request.content)
    assert body["_source"] == [
        f"Vrvirksomhed.{name}" for name in ("cvrNummer", "reklamebeskyttet", "virksomhedMetadata")
    ]
    assert (request.method, body["size"]) == ("POST", 1)


@pytest.mark.parametrize(
    ("changes", "is_active", "situations"),
    [
        ({"tradeRegisterStatus": "1"}, True, set()),
        ({"tradeRegisterStatus": "4"}, False, {Situation.ENDED}),
        ({"tradeRegisterStatus": "1", "endDate": "2024-01-31"}, False, {Situation.ENDED}),
        ({"companySituations": [{"type": "SANE"}]}, False, {Situation.REORGANISATION}),
        ({"companySituations": [{"type": "SELTILA"}]}, False, {Situation.WINDING_UP}),
        ({"companySituations": [{"type": "NEW"}]}, False, {Situation.OTHER}),
        ({"companySituations": [{"type": "KONK", "endDate": "2024-01-31"}]}, None, set()),
    ],
)
def test_how_a_finnish_company_is(changes, is_active, situations):
    body = body_for(LOOKUPS["FI company"]())
    body["companies"][0] |= changes
    company = told(LOOKUPS["FI company"](), body).value
    assert (company.is_active, company.situations) == (is_active, situations)


def test_a_finnish_company_with_a_box_for_its_post():
    body = body_for(LOOKUPS["FI company"]())
    post = {
        "type": 2,
        "postOfficeBox": "1140",
        "postCode": "00101",
        "co": "Test",
        "postOffices": [],
    }
    body["companies"][0] |= {"addresses": [post], "companyForms": []}
    company = told(LOOKUPS["FI company"](), body).value
    assert company.postal_address == company.address
    assert company.address == {
        "street": "c/o Test, PL 1140",
        "postal_code": "00101",
        "country": "FI",
    }
    assert company.form == ""


def described():
    """PRH's description, put right where it is not what OpenAPI wants or what it says itself."""
    if not FOLDER.is_dir():
        pytest.skip(f"no specifications: {FOLDER} is not there")
    file = FOLDER / "registries" / "prh-ytj-v3-openapi.yaml"
    whole = deepcopy(SchemaPath.from_file_path(str(file)).read_value())
    whole["info"]["version"] = "2.0"  # a number, there
    schemas = whole["components"]["schemas"]
    del schemas["Company"]["properties"]["lastModified"]["format"]  # it has no zone of time
    _close(schemas)
    return Spec(OpenAPI.from_dict(whole))


def test_what_is_asked_of_ytj_and_what_it_says_is_as_prh_describes():
    ytj = described()
    adapter = Ytj()
    for numbers in (AUTHORITIES, BANKRUPT, ENDED, NOBODYS):
        (request,) = recorded(adapter.company(numbers["FI"]))
        assert ytj.operation(request) == "GetCompanies"
        ytj.validate(request, handle(request))


# --- Sweden: tokens, and answers in parts ---------------------------------------------------------


def swedish(**fields):
    body = body_for(LOOKUPS["SE company"]())
    body["organisationer"][0] |= fields
    return body


def fel(word):
    return {"dataproducent": "SCB", "fel": {"typ": word, "felBeskrivning": "not told"}}


def told_in_sweden(body, number=AUTHORITIES["SE"]):
    return told(fresh("SE").company(number), body)


@pytest.mark.parametrize("word", ["OTILLGANGLIG_UPPGIFTSKALLA", "TIMEOUT", "A_NEW_WORD"])
def test_a_field_whose_source_is_down_makes_the_answer_partial(word):
    answer = told_in_sweden(swedish(reklamsparr=fel(word)))
    assert (answer.word, answer.why, answer.is_final) == (Word.PARTIAL, Why.DOWN, False)
    assert (answer.value.blocks_marketing, answer.value.is_active) == (None, True)


def test_whether_a_company_is_active_is_not_known_where_that_source_is_down():
    answer = told_in_sweden(swedish(avregistreradOrganisation=fel("TIMEOUT")))
    assert (answer.word, answer.value.is_active) == (Word.PARTIAL, None)


def test_a_field_that_a_source_does_not_have_is_no_failure():
    answer = told_in_sweden(swedish(reklamsparr=fel("ORGANISATION_FINNS_EJ")))
    assert (answer.word, answer.value.blocks_marketing) == (Word.FOUND, None)


@pytest.mark.parametrize(
    ("organisations", "word", "why"),
    [
        ([], Word.NOT_FOUND, None),
        ([{"organisationsidentitet": fel("ORGANISATION_FINNS_EJ")}], Word.NOT_FOUND, None),
        ([{"organisationsidentitet": fel("OGILTIG_BEGARAN")}], Word.UNAVAILABLE, Why.BAD_INPUT),
        ([{"organisationsidentitet": fel("TIMEOUT")}], Word.UNAVAILABLE, Why.DOWN),
        (
            [{"a": fel("ORGANISATION_FINNS_EJ"), "b": fel("TIMEOUT")}],
            Word.UNAVAILABLE,
            Why.DOWN,
        ),
        ([{"organisationsidentitet": None}], Word.UNAVAILABLE, Why.UNREADABLE),
        ([None, 7], Word.UNAVAILABLE, Why.UNREADABLE),
    ],
)
def test_why_nothing_is_found_in_sweden(organisations, word, why):
    answer = told_in_sweden({"organisationer": organisations})
    assert (answer.word, answer.why) == (word, why)


@pytest.mark.parametrize("outer", ["pagaende", "pagande"])
@pytest.mark.parametrize(
    ("code", "situation"),
    [
        ("KK", Situation.BANKRUPT),
        ("LI", Situation.WINDING_UP),
        ("FR", Situation.REORGANISATION),
        ("AC", Situation.OTHER),
    ],
)
def test_a_procedure_is_read_in_both_spellings(outer, code, situation):
    name = f"{outer}AvvecklingsEllerOmstruktureringsforfarande"
    answer = told_in_sweden(swedish(**{name: {"fel": None, f"{name}Lista": [{"kod": code}]}}))
    assert (answer.value.is_active, answer.value.situations) == (False, {situation})


def test_of_the_firms_of_one_person_an_active_one_is_told():
    body = body_for(fresh("SE").company(ENDED["SE"]))
    body["organisationer"] += body_for(fresh("SE").company(AUTHORITIES["SE"]))["organisationer"]
    person = "191212121212"  # an official test number
    for firm in body["organisationer"]:
        firm["organisationsidentitet"]["identitetsbeteckning"] = person
    company = told_in_sweden(body, person).value
    assert (company.name, company.is_active) == ("Bolagsverket", True)
    assert company.other_names == ("Ended Test AB",)
    assert person not in repr(company)


@pytest.mark.parametrize(
    ("asked", "told_number", "word"),
    [
        ("191212121212", "1212121212", Word.FOUND),
        ("1212121212", "191212121212", Word.FOUND),
        ("191212121212", "201212121212", Word.UNAVAILABLE),
        ("191212121212", "2", Word.UNAVAILABLE),
    ],
)
def test_a_person_of_another_century_is_another_person(asked, told_number, word):
    identity = {"identitetsbeteckning": told_number}
    assert told_in_sweden(swedish(organisationsidentitet=identity), asked).word is word


def test_the_registered_name_comes_before_special_ones():
    names = [
        {"namn": "Special", "organisationsnamntyp": {"kod": "SARSKILT_FORETAGSNAMN"}},
        {"namn": "Registered", "organisationsnamntyp": {"kod": "FORETAGSNAMN"}},
    ]
    company = told_in_sweden(swedish(organisationsnamn={"organisationsnamnLista": names})).value
    assert (company.name, company.other_names) == ("Registered", ("Special",))


@pytest.mark.parametrize(
    ("land", "street"),
    [("Sverige", "c/o Test, Gatan 1"), (None, "c/o Test, Gatan 1"), ("USA", None)],
)
def test_a_swedish_address_with_co(land, street):
    address = {
        "coAdress": "C/O Test",
        "utdelningsadress": "Gatan 1",
        "postnummer": "85181",
        "postort": "SUNDSVALL",
        "land": land,
    }
    company = told_in_sweden(swedish(postadressOrganisation={"postadress": address})).value
    assert company.address.get("street") == street


def test_a_token_is_fetched_once_and_again_when_it_is_no_longer_taken():
    adapter, sent = fresh("SE"), []

    def answer(request):
        sent.append(request.url.path.rpartition("/")[2])
        is_late = len(sent) == 4  # the second question comes with an old token
        return httpx.Response(401) if is_late else handle(request)

    for _ in range(2):
        assert exchanged(adapter.company(AUTHORITIES["SE"]), answer).word is Word.FOUND
    assert exchanged(adapter.company(AUTHORITIES["SE"]), answer).word is Word.FOUND
    assert [name[0] for name in sent] == [*"tooo", *"to"]


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (401, {}, Why.CONFIGURATION),
        (400, {"error": "invalid_client"}, Why.CONFIGURATION),
        (200, {"access_token": "a b"}, Why.UNREADABLE),
        (503, {}, Why.DOWN),
    ],
)
def test_without_a_token_nothing_is_asked(status, body, why):
    sent = []

    def answer(request):
        sent.append(request.url.path)
        return httpx.Response(status, json=body)

    got = exchanged(fresh("SE").company(AUTHORITIES["SE"]), answer)
    assert (got.word, got.why, sent) == (Word.UNAVAILABLE, why, ["/oauth2/token"])


def test_a_token_that_is_refused_at_once_is_not_fetched_again():
    answer = lambda request: (  # noqa: E731 -- one line
        handle(request) if "token" in request.url.path else httpx.Response(401)
    )
    got = exchanged(fresh("SE").company(AUTHORITIES["SE"]), answer)
    assert (got.word, got.why) == (Word.UNAVAILABLE, Why.CONFIGURATION)


def test_the_swedish_test_environment_is_one_setting():
    keys = {"client_id": "client-1", "client_secret": "secret-1"}
    config = BolagsverketConfig.read({**TEST, **keys})
    assert "accept2" in config.base_url
    assert "accept2" in config.token_url
    assert "secret-1" not in repr(config)


# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("country", ADDRESSES)
def test_an_address_is_right_corrected_doubted_or_not_there(country):
    register = KARTVERKET if country == "NO" else DAWA
    right = ADDRESSES[country]
    check = lambda **changes: exchanged(register.check({**right, **changes}))  # noqa: E731

    assert check().value == AddressCheck(is_valid=True)
    assert check(street=f"{right['street'][:-4]}{right['street'][-3:]}").value.is_valid is False
    assert check(street="Nowhere 1", city="Test").word is Word.NOT_FOUND
    (suggested,) = exchanged(register.suggest(right["street"][:12])).value[:1]
    assert suggested["postal_code"] == right["postal_code"]
    assert exchanged(register.suggest("Nowhere")).word is Word.NOT_FOUND


def test_a_danish_typing_error_is_corrected_and_a_closed_address_is_not():
    right = ADDRESSES["DK"]
    wrong = {**right, "street": "Langeline Allé 17"}
    found = exchanged(DAWA.check(wrong)).value
    assert found == AddressCheck(is_valid=False, correction=right)
    closed = exchanged(DAWA.check({**right, "street": "Langelinie Allé 1"})).value
    assert closed == AddressCheck(is_valid=False)
    doubtful = exchanged(DAWA.check({**right, "street": "Langelinie Kaj 100"})).value
    assert doubtful == AddressCheck(is_valid=False)


def test_a_norwegian_flat_is_not_asked_about():
    flat = {**ADDRESSES["NO"], "street": "Havnegata 48 H0201"}
    assert exchanged(KARTVERKET.check(flat)).value == AddressCheck(is_valid=True)


@pytest.mark.parametrize(
    ("asked", "is_valid", "correction"),
    [
        ({}, True, None),
        ({"street": "havnegata 48"}, True, None),
        ({"city": "Oslo"}, False, "right"),
        ({"street": "Havnegata 4"}, False, None),
    ],
)
def test_a_list_of_addresses_is_judged(asked, is_valid, correction):
    right = ADDRESSES["NO"]
    others = [right, Details({**right, "street": "Havnegata 52"})]
    check = AddressCheck(is_valid, right if correction else None)
    assert judged({**right, **asked}, others) == check


def test_the_only_one_is_a_correction():
    right = ADDRESSES["NO"]
    assert judged({**right, "postal_code": "8901"}, [right]).correction == right


def test_an_address_on_one_line_has_nothing_else_in_it():
    address = {**ADDRESSES["DK"], "name": "Test Person", "country": "DK"}
    assert written(address) == "Langelinie Allé 17, 2100 København Ø"
    assert written({"city": "Nuuk"}) == "Nuuk"


def test_addresses_that_are_not_whole_are_left_out():
    whole = body_for(LOOKUPS["NO suggest"]())["adresser"][0]
    body = {"adresser": [None, {**whole, "postnummer": None}, whole, whole]}
    assert told(LOOKUPS["NO suggest"](), body).value == (ADDRESSES["NO"],)
    answer = told(LOOKUPS["NO suggest"](), {"adresser": [None]})
    assert (answer.word, answer.why) == (Word.UNAVAILABLE, Why.UNREADABLE)


# --- postal codes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "code", "names"),
    [
        ("NO", "0150", ("Oslo",)),
        ("SJ", "9170", ("Longyearbyen",)),
        ("SE", "11455", ("Stockholm",)),
        ("DK", "2100", ("København Ø",)),
        ("FO", "100", ("Tórshavn",)),
        ("GL", "3900", ("Nuuk",)),
        ("IS", "101", ("Reykjavík",)),
        ("FI", "00100", ("Helsinki",)),
        ("AX", "22100", ("Mariehamn",)),
        ("NO", "9999", None),
    ],
)
def test_the_place_of_a_postal_code(country, code, names):
    answer = exchanged(BRING.city_of(country, code))
    assert answer.value == names
    assert answer.word is (Word.FOUND if names else Word.NOT_FOUND)


@pytest.mark.parametrize(
    ("country", "code"), [("DE", "10115"), ("NO", ".."), ("NO", ""), ("NO", "٣")]
)
def test_what_cannot_be_a_postal_code_is_not_sent(country, code):
    assert exchanged(BRING.city_of(country, code), pytest.fail).why is Why.BAD_INPUT


def test_a_place_of_another_postal_code_is_not_believed():
    body = {"postal_codes": [{"postal_code": "0151", "city": "OSLO"}]}
    assert told(BRING.city_of("NO", "0150"), body).why is Why.UNREADABLE
    assert told(BRING.city_of("NO", "0150"), {"postal_codes": []}).word is Word.NOT_FOUND


def test_finnish_postal_codes_come_out_of_postis_file(tmp_path):
    file = tmp_path / "PCF_20260105.dat"
    file.write_bytes(standins.posti_file() + b"\r\n")
    codes = PostiCodes.load(file)
    assert isinstance(codes, PostalCodes)
    found = exchanged(codes.city_of("FI", "00100"), pytest.fail)
    assert (found.word, found.value) == (Word.FOUND, ("Helsinki", "Helsingfors"))
    assert found.fetched_at == datetime(2026, 1, 5, tzinfo=UTC)
    assert exchanged(codes.city_of("AX", "22100"), pytest.fail).value[0] == "Mariehamn"
    for country, code in (("FI", "99999"), ("SE", "00100")):
        assert exchanged(codes.city_of(country, code), pytest.fail).word is Word.NOT_FOUND


def test_a_file_says_itself_how_old_it_is(asking, tmp_path):
    file = tmp_path / "PCF_20260105.dat"
    file.write_bytes(standins.posti_file())
    ask = asking(registers=[PostiCodes.load(file)])
    assert ask("city_of", "FI", "00100").fetched_at == datetime(2026, 1, 5, tzinfo=UTC)
    assert ask.sent == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "has no records"),
        (b"\r\n", "has no records"),
        (standins.posti_file()[:100], "line 1 is not a record"),
        (standins.posti_file() + b"KATUN" + b" " * 215, "line 3 is not a record"),
        (standins.posti_file().replace(b"20260105", b"20261305"), "line 1 is not a record"),
    ],
)
def test_another_file_is_refused(tmp_path, content, problem):
    file = tmp_path / "other.dat"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match=problem):
        PostiCodes.load(file)


# --- the table of errors --------------------------------------------------------------------------


@pytest.mark.parametrize("lookup", LOOKUPS)
@pytest.mark.parametrize(
    ("status", "why"),
    [
        (400, Why.BAD_INPUT),
        (401, Why.CONFIGURATION),
        (403, Why.CONFIGURATION),
        (302, Why.CONFIGURATION),
        (429, Why.BUSY),
        (500, Why.DOWN),
        (503, Why.DOWN),
        (418, Why.DOWN),
        (200, Why.UNREADABLE),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"error": "x"}'])
def test_whatever_goes_wrong_is_not_available(lookup, status, why, body):
    answer = told(LOOKUPS[lookup](), body, status)
    assert (answer.word, answer.why, answer.value) == (Word.UNAVAILABLE, why, None)


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("lookup", LOOKUPS)
def test_what_is_looked_up_by_its_own_address_is_not_there_and_a_search_has_moved(lookup, status):
    answer = told(LOOKUPS[lookup](), b"", status)
    if lookup in {"NO company", "NO city"}:
        assert (answer.word, answer.why) == (Word.NOT_FOUND, None)
    else:
        assert (answer.word, answer.why) == (Word.UNAVAILABLE, Why.CONFIGURATION)


@pytest.mark.parametrize("country", COMPANIES)
def test_an_answer_about_another_company_is_not_believed(country):
    body = body_for(LOOKUPS[f"{country} company"]())
    answer = told(fresh(country).company(ENDED[country]), body)
    assert (answer.word, answer.why) == (Word.UNAVAILABLE, Why.UNREADABLE)


@pytest.mark.parametrize("lookup", LOOKUPS)
def test_only_the_address_from_the_settings_is_asked(lookup):
    sent = recorded(LOOKUPS[lookup]())
    assert sent
    assert {request.url.host for request in sent} == {"registers.example"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
EXPECTED = """
    companies hits _source Vrvirksomhed organisationer organisationsidentitet fel typ adresser
    kategori resultater aktueladresse postal_codes navn names addresses data status A B C
    """.split()
NEARLY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(EXPECTED),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(EXPECTED), inner, max_size=4)
    ),
)


@pytest.mark.parametrize("lookup", LOOKUPS)
@given(body=st.binary() | (JSON | NEARLY).map(lambda it: json.dumps(it).encode()), data=st.data())
def test_any_body_is_read_and_none_is_taken_for_something_found(lookup, body, data):
    status = data.draw(st.sampled_from([200, 200, 200, 201, 302, 400, 401, 404, 410, 429, 500]))
    answer = told(LOOKUPS[lookup](), body, status)
    is_doubt = lookup == "DK address" and answer.value == AddressCheck(is_valid=False)
    assert answer.value is None or is_doubt
    assert answer.word in {Word.NOT_FOUND, Word.UNAVAILABLE} or is_doubt


def places(body, path=()):
    """Every place in a body."""
    yield path
    if isinstance(body, dict | list):
        steps = body.items() if isinstance(body, dict) else enumerate(body)
        for step, inner in steps:
            yield from places(inner, (*path, step))


@pytest.mark.parametrize("lookup", LOOKUPS)
@given(data=st.data())
def test_a_good_body_with_anything_in_one_place_is_read(lookup, data):
    body = body_for(LOOKUPS[lookup]())
    path = data.draw(st.sampled_from([path for path in places(body) if path]))
    answer = told(LOOKUPS[lookup](), changed(body, *path, to=data.draw(JSON | NEARLY)))
    assert (answer.value is None) == (answer.word not in {Word.FOUND, Word.PARTIAL})
    if lookup.endswith("company") and answer.value is not None:
        assert answer.value.number == AUTHORITIES[lookup[:2]]


# --- the stand-ins --------------------------------------------------------------------------------

TOKEN = {"authorization": f"Bearer {standins._TOKEN}"}
SHOWN = {"authorization": basic(Secret(standins.USER), Secret(standins.PASSWORD))}


@pytest.mark.parametrize(
    ("status", "method", "path", "headers", "body"),
    [
        (404, "GET", "/elsewhere", {}, None),
        (404, "GET", "/enhetsregisteret/api/roller/974760673", {}, None),
        (406, "GET", "/enhetsregisteret/api/enheter/974760673", {}, None),
        (400, "GET", "/adresser/v1/sok", {}, None),
        (401, "POST", "/oauth2/token", {}, None),
        (401, "POST", "/oauth2/token", SHOWN, None),
        (401, "POST", "/vardefulla-datamangder/v1/organisationer", SHOWN, {}),
        (404, "GET", "/vardefulla-datamangder/v1/isalive", TOKEN, None),
        (400, "POST", "/vardefulla-datamangder/v1/organisationer", TOKEN, {}),
        (401, "POST", "/cvr-permanent/virksomhed/_search", {}, {}),
        (400, "POST", "/cvr-permanent/virksomhed/_search", SHOWN, {}),
        (400, "GET", "/datavask/adresser", {}, None),
        (400, "GET", "/autocomplete", {}, None),
        (404, "GET", "/opendata-ytj-api/v3/all_companies", {}, None),
        (401, "GET", "/address/api/NO/postal-codes/0150", {}, None),
    ],
)
def test_a_stand_in_refuses_what_its_register_would(status, method, path, headers, body):
    request = httpx.Request(method, f"{BASE}{path}", headers=headers, json=body)
    assert handle(request).status_code == status


# --- settings -------------------------------------------------------------------------------------


def test_plain_http_with_a_password_has_to_be_accepted():
    keys = {"user": "user-name", "password": "pass-word"}
    with pytest.raises(InvalidInput, match="accepts_plain_http") as error:
        CvrConfig.read(keys)
    assert error.value.field == "base_url"
    assert "pass-word" not in str(error.value)
    accepted = CvrConfig.read({**keys, "accepts_plain_http": True})
    assert accepted.base_url == "http://distribution.virk.dk"
    proxy = CvrConfig.read({**keys, "base_url": "https://cvr.shop.example"})
    assert proxy.accepts_plain_http is False
    for address in ("ftp://cvr.example", "http://user@cvr.example", "cvr.example"):
        with pytest.raises(InvalidInput):
            CvrConfig.read({**keys, "base_url": address, "accepts_plain_http": True})


def test_a_service_like_dawa_has_no_address_of_its_own():
    with pytest.raises(InvalidInput, match="base_url"):
        DawaConfig.read({})


def test_a_slash_too_many_does_no_harm():
    register = Dawa(DawaConfig(base_url=f"{BASE}/"))
    assert exchanged(register.suggest("Langelinie")).word is Word.FOUND


# --- the drivers ----------------------------------------------------------------------------------


class Asking:
    """Both drivers behind one face: calls by name, and how many requests were sent."""

    def __init__(self, driver, answer=handle, registers=None, clock=None, **settings):
        self.clock = clock or Clock()
        self.sent: list[httpx.Request] = []

        def count(request):
            self.sent.append(request)
            return answer(request)

        registers = standins.adapters(BASE) if registers is None else registers
        is_async = driver is AsyncRegisters
        self.runner = asyncio.Runner() if is_async else None
        client = httpx.AsyncClient if is_async else httpx.Client
        http = client(transport=httpx.MockTransport(count))
        self.registers = driver(registers, clock=self.clock, http=http, **settings)

    def __call__(self, name, *arguments):
        answer = getattr(self.registers, name)(*arguments)
        return self.runner.run(answer) if self.runner else answer

    def close(self):
        closing = self.registers.close()
        if self.runner:
            self.runner.run(closing)
            self.runner.close()


@pytest.fixture(params=[Registers, AsyncRegisters])
def asking(request):
    made = []

    def make(answer=handle, **settings):
        made.append(Asking(request.param, answer, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_each_question_goes_to_the_register_of_the_country(asking):
    ask = asking()
    found = ask("company", "NO", AUTHORITIES["NO"])
    assert (found.source.name, found.fetched_at) == ("Enhetsregisteret", ask.clock())
    assert ask("company", "DK", AUTHORITIES["DK"]).source.name == "CVR"
    assert ask("check_address", "NO", ADDRESSES["NO"]).value.is_valid
    assert ask("suggest_addresses", "DK", "Langelinie").value == (ADDRESSES["DK"],)
    assert ask("city_of", "IS", "101").value == ("Reykjavík",)


@pytest.mark.parametrize(
    "question",
    [
        ("company", "IS", "1"),
        ("check_address", "SE", {}),
        ("suggest_addresses", "FI", "x"),
        ("city_of", "DE", "10115"),
    ],
)
def test_where_there_is_no_register_that_is_said(asking, question):
    ask = asking()
    answer = ask(*question)
    assert (answer.word, answer.why, ask.sent) == (Word.UNAVAILABLE, Why.NO_REGISTER, [])


def test_a_final_answer_is_kept_for_a_while(asking):
    ask = asking(keep_s=60)
    numbers = (AUTHORITIES["DK"], NOBODYS["DK"])
    first = [ask("company", "DK", number) for number in numbers]
    ask.clock.advance(seconds=59)
    assert [ask("company", "DK", f" {number}") for number in numbers] == first
    assert len(ask.sent) == 2
    ask.clock.advance(seconds=1)
    again = ask("company", "DK", AUTHORITIES["DK"])
    assert (len(ask.sent), again.fetched_at) == (3, ask.clock())


def test_so_many_answers_are_kept_and_the_oldest_goes(asking):
    ask = asking(most_kept=2)
    for code in ("0150", "9999", "1111", "9999", "0150"):
        ask("city_of", "NO", code)
    assert [request.url.path[-4:] for request in ask.sent] == ["0150", "9999", "1111", "0150"]


def test_what_is_kept_cannot_be_changed_from_outside(asking):
    ask = asking()
    for _ in range(3):
        address = ask("company", "NO", AUTHORITIES["NO"]).value.address
        assert "name" not in address
        address["name"] = "Test Person"


def test_an_address_is_never_kept(asking):
    ask = asking()
    for _ in range(2):
        ask("check_address", "NO", ADDRESSES["NO"])
        ask("suggest_addresses", "NO", "Havnegata")
    assert len(ask.sent) == 4


def test_what_is_partial_is_asked_again(asking):
    ask = asking()
    for _ in range(2):
        answer = ask("company", "SE", standins.SOURCE_DOWN)
        assert (answer.word, answer.fetched_at) == (Word.PARTIAL, ask.clock())
    assert len(ask.sent) == 3  # a token, and two questions


@pytest.mark.parametrize(
    ("status", "why", "is_left_alone"),
    [
        (429, Why.BUSY, True),
        (503, Why.DOWN, True),
        (401, Why.CONFIGURATION, False),
        (400, Why.BAD_INPUT, False),
    ],
)
def test_a_register_in_trouble_is_left_alone_and_nothing_of_it_is_kept(
    asking, status, why, is_left_alone
):
    wrong = [httpx.Response(status)]
    ask = asking(lambda request: wrong.pop() if wrong else handle(request))
    assert ask("company", "FI", AUTHORITIES["FI"]).why is why
    answer = ask("company", "FI", BANKRUPT["FI"])
    assert (answer.why, len(ask.sent)) == ((why, 1) if is_left_alone else (None, 2))
    assert ask("company", "NO", AUTHORITIES["NO"]).word is Word.FOUND  # another one is not
    ask.clock.advance(seconds=PAUSE.total_seconds())
    assert ask("company", "FI", AUTHORITIES["FI"]).word is Word.FOUND


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x")]
)
def test_no_answer_at_all_is_not_available(asking, error):
    def lost(request):
        raise error

    ask = asking(lost)
    answer = ask("city_of", "NO", "0150")
    assert (answer.word, answer.why) == (Word.UNAVAILABLE, Why.DOWN)
    assert (answer.source.name, answer.fetched_at) == ("Bring", ask.clock())


def test_a_redirect_is_not_followed(asking):
    ask = asking(lambda _: httpx.Response(302, headers={"location": "https://other.example/"}))
    assert ask("company", "FI", AUTHORITIES["FI"]).why is Why.CONFIGURATION
    assert len(ask.sent) == 1


@pytest.mark.parametrize(("size", "why"), [(2 << 20, Why.UNREADABLE), (5 << 20, Why.DOWN)])
def test_an_answer_that_is_too_large_is_none(asking, size, why):
    content = b'{"companies": []}'.ljust(size)
    ask = asking(lambda _: httpx.Response(200, content=content))
    assert ask("company", "FI", AUTHORITIES["FI"]).why is why


@dataclass
class Own:
    """A register of a shop's own, which does whatever the test says."""

    operation: Callable[[Own], Iterator[httpx.Request]]
    transport: Transport = field(default_factory=lambda: Transport(2.0, 2.0, 1))
    source: ClassVar[Source] = Source("Own", "none")
    countries: ClassVar[frozenset[str]] = frozenset({"IS"})

    def company(self, number):
        return self.operation(self)


def test_a_register_that_fails_is_not_available(asking):
    def broken(register):
        yield httpx.Request("GET", f"{BASE}/x")
        raise KeyError("kennitala")

    def at_once(register):
        raise KeyError("kennitala")

    for operation in (broken, at_once):
        answer = asking(registers=[Own(operation)])("company", "IS", "1")
        assert (answer.word, answer.why) == (Word.UNAVAILABLE, Why.UNREADABLE)


def test_a_register_that_asks_without_end_is_stopped(asking):
    def endless(register):
        while True:
            yield httpx.Request("GET", f"{BASE}/x")

    ask = asking(registers=[Own(endless)])
    assert ask("company", "IS", "1").why is Why.DOWN
    assert len(ask.sent) == 4


def test_all_requests_of_a_look_up_share_its_time(asking):
    clock, timeouts = Clock(), []

    def twice(register):
        for _ in range(2):
            yield httpx.Request("GET", f"{BASE}/x")
        return Answer(Word.NOT_FOUND, register.source)

    def slow(request):
        timeouts.append(request.extensions["timeout"]["read"])
        clock.advance(seconds=step)
        return httpx.Response(200)

    step = 1.5
    ask = asking(slow, registers=[Own(twice)], clock=clock)
    assert ask("company", "IS", "1").word is Word.NOT_FOUND
    assert timeouts == [2.0, 0.5]
    step = 2.5
    assert ask("company", "IS", "2").why is Why.DOWN
    assert len(timeouts) == 3


def test_our_own_crowd_is_busy():
    register = Own(lambda _: iter(()), Transport(0.1, 0.1, 1))

    def one(register):
        yield httpx.Request("GET", f"{BASE}/x")

    register.operation = one
    with Registers([register], clock=Clock(), http=httpx.Client()) as registers:
        turn = registers._http.turns
        registers.company("IS", "1")  # makes the turns; nobody answers there
        registers._lookups._paused.clear()
        turn["Own"].acquire()
        assert registers.company("IS", "1").why is Why.BUSY


def test_nothing_that_is_asked_is_logged(asking, caplog):
    caplog.set_level(logging.DEBUG)
    ask = asking()
    ask("check_address", "NO", ADDRESSES["NO"])
    ask("suggest_addresses", "DK", "Langelinie")
    ask("company", "NO", AUTHORITIES["NO"])
    assert "registers.example" in caplog.text
    for asked in ("Havnegata", "8900", "Langelinie", AUTHORITIES["NO"]):
        assert asked not in caplog.text
    httpx.Client(transport=httpx.MockTransport(handle)).get(f"{BASE}/seen")
    assert "/seen" in caplog.text  # what others ask is logged as ever


# --- over real sockets ----------------------------------------------------------------------------


def test_over_a_real_connection(caplog):
    caplog.set_level(logging.DEBUG)
    with serve(handle) as url, Registers(standins.adapters(url)) as registers:
        assert registers.company("FI", AUTHORITIES["FI"]).word is Word.FOUND
        assert registers.company("SE", AUTHORITIES["SE"]).word is Word.FOUND
        found = registers.check_address("NO", ADDRESSES["NO"])
        assert found.value == AddressCheck(is_valid=True)
        city = registers.city_of("GL", "3900")
        assert city.value == ("Nuuk",)
        assert city.fetched_at is not None
        assert datetime.now(UTC) - city.fetched_at < timedelta(minutes=1)
    assert "Havnegata" not in caplog.text
    assert AUTHORITIES["FI"] not in caplog.text


def test_over_a_real_connection_without_blocking():
    async def ask(url):
        async with AsyncRegisters(standins.adapters(url)) as registers:
            return await asyncio.gather(
                registers.company("DK", AUTHORITIES["DK"]),
                registers.check_address("DK", ADDRESSES["DK"]),
                registers.suggest_addresses("NO", "Havnegata 48"),
                registers.city_of("FI", "00100"),
            )

    with serve(handle) as url:
        answers = asyncio.run(ask(url))
    assert [answer.word for answer in answers] == [Word.FOUND] * 4


def test_a_register_that_hangs_costs_its_time_and_no_more():
    gone = Event()

    def hang(request):
        gone.wait(20)
        return httpx.Response(200)

    with serve(hang) as url:
        dawa = Dawa(DawaConfig(base_url=url, timeout_s=0.2))
        with Registers([dawa]) as registers:
            started = datetime.now(UTC)
            assert registers.suggest_addresses("DK", "x").why is Why.DOWN
            assert registers.suggest_addresses("DK", "x").why is Why.DOWN  # left alone
            assert datetime.now(UTC) - started < timedelta(seconds=5)
        gone.set()
