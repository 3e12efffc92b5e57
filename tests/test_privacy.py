"""Personal data is declared, sealed, read for a purpose only, and never printed."""

from __future__ import annotations

import copy
import hashlib
import hmac
import os
import pickle
import secrets
import stat
import subprocess
import sys
import traceback
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checkoutflow.errors import PurposeRefused, UsageError, VaultError
from checkoutflow.model import Frozen
from checkoutflow.privacy import (
    FIELDS,
    Basis,
    Details,
    Keys,
    Purpose,
    Secret,
    Vault,
    VaultRow,
    declared,
    digest,
    expiry,
)
from checkoutflow.privacy.vault import key_id, new_subject, open_subject, rewrap, seal, unseal
from checkoutflow.stores import keyfile
from checkoutflow.stores.keyfile import load_or_create_keys

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TOLD = {
    "name": "Canary Førstenavn",
    "email": "canary@example.com",
    "phone": "+46701740605",
    "street": "Canaryvegen 1",
    "postal_code": "11455",
    "city": "Canaryköping",
    "country": "SE",
    "login": "canary-login",
    "gift_card_code": "CANARY-GIFT",
}
SHOP_KEY = bytes(range(32))


def dice(first: int = 0):
    """Random bytes that are the same in each run, and never the same twice in one."""
    turns = count(first)

    def random(size: int) -> bytes:
        return hashlib.shake_256(next(turns).to_bytes(8, "big")).digest(size)

    return random


@pytest.fixture
def keys():
    return Keys.of(SHOP_KEY)


@pytest.fixture
def vault(keys):
    return Vault(keys)


@pytest.fixture
def kept(vault):
    """A person's key and the rows of everything a customer can tell."""
    return vault.write(None, "person-1", TOLD, at=NOW, random=dice())


# The register


def test_every_field_has_a_purpose_a_ground_and_an_end():
    for name, field in FIELDS.items():
        assert field.name == name
        assert field.purposes
        assert all(isinstance(basis, Basis) for basis in field.purposes.values())
        assert 0 < field.keep_days <= 3 * 365


def test_every_purpose_is_used():
    assert {purpose for field in FIELDS.values() for purpose in field.purposes} == set(Purpose)


def test_what_is_worth_money_by_itself_is_secret_and_short_lived():
    secret = {name: field for name, field in FIELDS.items() if field.secret}
    assert {name: list(field.purposes) for name, field in secret.items()} == {
        "national_id": [Purpose.IDENTIFY_FOR_CREDIT],
        "gift_card_code": [Purpose.TAKE_PAYMENT],
        "store_credit_code": [Purpose.TAKE_PAYMENT],
    }
    assert {field.keep_days for field in secret.values()} == {30}


def test_an_address_serves_no_payment():
    for name in ("street", "postal_code", "city", "country"):
        assert Purpose.TAKE_PAYMENT not in FIELDS[name].purposes


@pytest.mark.parametrize("field", FIELDS)
def test_until_the_customer_buys_a_field_lives_for_thirty_days(field):
    assert expiry(field, NOW) == NOW + 30 * DAY


def test_what_is_not_declared_has_no_life_at_all(vault):
    for attempt in (
        lambda: declared("shoe_size"),
        lambda: expiry("shoe_size", NOW),
        lambda: vault.write(None, "person-1", {"shoe_size": "44"}, at=NOW, random=dice()),
    ):
        with pytest.raises(UsageError, match="not declared; declared are name, organisation"):
            attempt()


# Sealing


@given(value=st.text(), nonce=st.binary(min_size=12, max_size=12))
def test_what_is_sealed_is_unsealed(value, nonce):
    keys = Keys.of(SHOP_KEY)
    data_key = open_subject(keys, new_subject(keys, "person-1", dice()))
    sealed = seal(data_key, "person-1", "name", value, nonce)
    assert unseal(data_key, "person-1", "name", sealed) == value
    assert len(sealed) == 1 + 12 + len(value.encode("utf-8", "surrogatepass")) + 16


def test_a_lone_surrogate_survives(vault):
    told = {"name": "\ud83d"}
    person, rows = vault.write(None, "person-1", told, at=NOW, random=dice())
    assert vault.read(person, rows, Purpose.DELIVER, NOW) == told


@given(data=st.data())
def test_any_flipped_bit_is_refused(data):
    vault = Vault(Keys.of(SHOP_KEY))
    person, rows = vault.write(None, "person-1", TOLD, at=NOW, random=dice())
    at = data.draw(st.integers(0, len(rows)))
    whole = rows[at].ciphertext if at < len(rows) else person.wrapped_key
    byte, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    broken = bytearray(whole)
    broken[byte] ^= 1 << bit
    if at < len(rows):
        rows[at] = replace(rows[at], ciphertext=bytes(broken))
        purpose = Purpose(next(iter(rows[at].purposes)))
    else:
        person = replace(person, wrapped_key=bytes(broken))
        purpose = Purpose.DELIVER
    with pytest.raises(VaultError, match="restore"):
        vault.read(person, rows, purpose, NOW)


@given(size=st.integers(0, 28))
def test_a_cut_row_is_refused(size):
    vault = Vault(Keys.of(SHOP_KEY))
    person, [row] = vault.write(None, "person-1", {"city": "Nuuk"}, at=NOW, random=dice())
    cut = replace(row, ciphertext=row.ciphertext[:size])
    with pytest.raises(VaultError, match="the field city is not in a format this version reads"):
        vault.read(person, [cut], Purpose.DELIVER, NOW)


def test_a_row_moved_to_another_field_is_refused(vault, kept):
    person, rows = kept
    [street] = [row for row in rows if row.field == "street"]
    with pytest.raises(VaultError, match="the field city cannot be opened: the row was changed"):
        vault.read(person, [replace(street, field="city")], Purpose.DELIVER, NOW)


def test_a_row_moved_to_another_person_is_refused(vault, kept):
    person, [row, *_] = kept
    other, _ = vault.write(None, "person-2", {}, at=NOW, random=dice(100))
    for key, moved in (
        (other, replace(row, subject_id="person-2")),
        (other, row),
        (person, replace(row, subject_id="person-2")),
    ):
        with pytest.raises(VaultError, match="the field name cannot be opened"):
            vault.read(key, [moved], Purpose.DELIVER, NOW)


def test_a_persons_key_moved_to_another_person_is_refused(vault, kept):
    person, rows = kept
    with pytest.raises(VaultError, match="the person's key cannot be opened"):
        vault.read(replace(person, subject_id="person-2"), rows, Purpose.DELIVER, NOW)


@pytest.mark.parametrize(
    ("person", "field"), [("person-2", "name"), ("person-1", "city"), ("person-1n", "ame")]
)
def test_even_under_the_same_key_a_value_stays_where_it_is(keys, person, field):
    data_key = open_subject(keys, new_subject(keys, "person-1", dice()))
    sealed = seal(data_key, "person-1", "name", "Nuuk", bytes(12))
    with pytest.raises(VaultError, match=f"the field {field} cannot be opened"):
        unseal(data_key, person, field, sealed)


def test_nothing_is_sealed_twice_alike(vault):
    random = dice()
    _, first = vault.write(None, "person-1", {"city": "Nuuk"}, at=NOW, random=random)
    _, second = vault.write(None, "person-1", {"city": "Nuuk"}, at=NOW, random=random)
    assert first[0].ciphertext != second[0].ciphertext


# The shop's keys


def test_without_the_shops_key_nothing_opens(kept):
    person, rows = kept
    with pytest.raises(VaultError, match=f"under the vault key {person.key_id}, which is not"):
        Vault(Keys.of(bytes(32))).read(person, rows, Purpose.DELIVER, NOW)


def test_a_key_under_anothers_id_opens_nothing(kept):
    person, rows = kept
    other = Keys({person.key_id: bytes(32)})
    with pytest.raises(VaultError, match="the person's key cannot be opened"):
        Vault(other).read(person, rows, Purpose.DELIVER, NOW)


def test_an_older_key_goes_on_opening_and_a_newer_one_wraps(kept):
    person, rows = kept
    both = Keys.of(bytes(32), SHOP_KEY)
    vault = Vault(both)
    assert vault.read(person, rows, Purpose.SEND_RECEIPT, NOW) == {"email": TOLD["email"]}
    newcomer, _ = vault.write(None, "person-2", {}, at=NOW, random=dice())
    assert newcomer.key_id == both.current == key_id(bytes(32)) != person.key_id


def test_a_persons_key_is_wrapped_anew_and_what_it_sealed_stays_as_it_is(kept):
    person, rows = kept
    newer = bytes(32)
    moved = rewrap(Keys.of(newer, SHOP_KEY), person, bytes(12))
    assert (moved.subject_id, moved.key_id) == ("person-1", key_id(newer))
    read = Vault(Keys.of(newer)).read(moved, rows, Purpose.SEND_RECEIPT, NOW)
    assert read == {"email": TOLD["email"]}
    with pytest.raises(VaultError, match=f"under the vault key {person.key_id}, which is not"):
        rewrap(Keys.of(newer), person, bytes(12))
    with pytest.raises(VaultError, match="the person's key cannot be opened"):
        rewrap(Keys.of(newer, SHOP_KEY), replace(person, subject_id="person-2"), bytes(12))


@pytest.mark.parametrize("sizes", [(0,), (16,), (33,), (32, 31)])
def test_a_shop_key_has_32_bytes(sizes):
    with pytest.raises(UsageError, match="a vault key is 32 random bytes"):
        Keys.of(*(bytes(size) for size in sizes))


# Writing and reading


def test_a_known_person_keeps_their_key(vault, kept):
    person, _ = kept
    again, rows = vault.write(person, "person-1", {"city": "Nuuk"}, at=NOW, random=dice())
    assert again is person
    assert vault.read(person, rows, Purpose.DELIVER, NOW) == {"city": "Nuuk"}


def test_nothing_is_written_under_anothers_key(vault, kept):
    person, _ = kept
    with pytest.raises(UsageError, match="that is the key of person-1, not of person-2"):
        vault.write(person, "person-2", {"city": "Nuuk"}, at=NOW, random=dice())


@pytest.mark.parametrize(
    ("purpose", "fields"),
    [
        (Purpose.DELIVER, "name email phone street postal_code city country"),
        (Purpose.TAKE_PAYMENT, "name email phone gift_card_code"),
        (Purpose.INVOICE, "name email street postal_code city country"),
        (Purpose.SEND_RECEIPT, "email"),
        (Purpose.PREVENT_FRAUD, "name email phone street postal_code city country login"),
        (Purpose.KEEP_BOOKS, "name street postal_code city country"),
        (Purpose.INSURE, "name email street postal_code city country"),
        (Purpose.REMEMBER, "name email phone street postal_code city country login"),
        (Purpose.MARKET, "email phone"),
        (Purpose.ANSWER_RIGHTS, "name email phone street postal_code city country login"),
    ],
)
def test_a_purpose_opens_its_own_fields(vault, kept, purpose, fields):
    person, rows = kept
    assert vault.read(person, rows, purpose, NOW) == {name: TOLD[name] for name in fields.split()}


def test_fields_can_be_asked_for_by_name(vault, kept):
    person, rows = kept
    asked = iter(("city", "organisation", "city"))
    assert vault.read(person, rows, Purpose.DELIVER, NOW, asked) == {"city": TOLD["city"]}
    assert vault.read(person, rows, Purpose.DELIVER, NOW, ()) == {}


def test_a_field_asked_for_without_a_purpose_is_refused(vault, kept):
    person, rows = kept
    message = "send_receipt is no declared purpose of phone, street"
    with pytest.raises(PurposeRefused, match=message) as caught:
        vault.read(person, rows, Purpose.SEND_RECEIPT, NOW, ["street", "email", "phone"])
    assert caught.value.field == "phone"
    with pytest.raises(UsageError, match="not declared"):
        vault.read(person, rows, Purpose.SEND_RECEIPT, NOW, ["shoe_size"])


def test_what_is_written_for_one_purpose_serves_no_other_and_its_person(vault):
    told, until = {"name": TOLD["name"], "street": TOLD["street"]}, NOW + 2000 * DAY
    person, rows = vault.write(
        None, "books-1", told, at=NOW, random=dice(), only=Purpose.KEEP_BOOKS, until=until
    )
    last = until - DAY
    for purpose in Purpose:
        is_allowed = purpose in {Purpose.KEEP_BOOKS, Purpose.ANSWER_RIGHTS}
        assert vault.read(person, rows, purpose, last) == (told if is_allowed else {})
    assert vault.read(person, rows, Purpose.KEEP_BOOKS, until) == {}


def test_a_field_is_not_written_for_a_purpose_that_it_does_not_have(vault):
    told = {"name": TOLD["name"], "phone": TOLD["phone"], "email": TOLD["email"]}
    message = "keep_books is no declared purpose of email, phone"
    with pytest.raises(PurposeRefused, match=message) as caught:
        vault.write(None, "books-1", told, at=NOW, random=dice(), only=Purpose.KEEP_BOOKS)
    assert caught.value.field == "email"


def test_what_the_customer_was_told_holds(vault, kept):
    """A purpose that came later does not reach back to what was written before."""
    person, rows = kept
    [phone] = [row for row in rows if row.field == "phone"]
    told_less = replace(phone, purposes=("deliver",))
    assert vault.read(person, [told_less], Purpose.TAKE_PAYMENT, NOW) == {}
    assert vault.read(person, [told_less], Purpose.DELIVER, NOW) == {"phone": TOLD["phone"]}


def test_a_row_cannot_claim_a_purpose_that_the_register_does_not_give(vault, kept):
    person, rows = kept
    [street] = [row for row in rows if row.field == "street"]
    claims_more = replace(street, purposes=("deliver", "take_payment", "market"))
    assert vault.read(person, [claims_more], Purpose.TAKE_PAYMENT, NOW) == {}


def test_a_field_of_a_newer_version_is_left_alone(vault, kept):
    person, rows = kept
    newer = VaultRow("person-1", "shoe_size", b"\x02", ("deliver",), NOW + DAY)
    read = vault.read(person, [*rows, newer], Purpose.SEND_RECEIPT, NOW)
    assert read == {"email": TOLD["email"]}


def test_a_field_is_not_read_from_the_moment_it_expires(vault, kept):
    person, rows = kept
    last = NOW + 30 * DAY - timedelta(microseconds=1)
    assert "email" in vault.read(person, rows, Purpose.SEND_RECEIPT, last)
    assert vault.read(person, rows, Purpose.SEND_RECEIPT, NOW + 30 * DAY) == {}


# Digests


def test_a_digest_depends_on_text_kind_and_key(keys):
    texts = {
        digest(keys, "email", "name@example.com"),
        digest(keys, "email", "post@example.com"),
        digest(keys, "command", "name@example.com"),
        digest(Keys.of(bytes(32)), "email", "name@example.com"),
        hashlib.sha256(b"name@example.com").hexdigest(),
    }
    assert len(texts) == 5
    assert {len(text) for text in texts} == {64}


def test_a_digest_is_the_same_in_every_process(keys):
    # RFC 5869 by hand, for one block; a change would part every stored digest from its text.
    extracted = hmac.digest(bytes(32), SHOP_KEY, "sha256")
    key = hmac.digest(extracted, b"checkoutflow vault digest email\x01", "sha256")
    expected = hmac.digest(key, b"name@example.com", "sha256").hex()
    assert digest(keys, "email", "name@example.com") == expected


def test_a_digest_of_any_text_can_be_made(keys):
    assert digest(keys, "email", "\ud83d") != digest(keys, "email", "?")


# Nothing personal is ever printed


def test_rows_keys_and_details_print_no_value(vault, kept, keys):
    person, rows = kept
    read = vault.read(person, rows, Purpose.DELIVER, NOW)
    printed = " ".join(
        [repr(x) + str(x) + f"{x}" for x in (person, rows, read, keys, vault)]
        + [repr({"nested": [read]})]
    )
    for value in (*TOLD.values(), "anary", SHOP_KEY.hex(), repr(SHOP_KEY)[2:-1], "\\x"):
        if value != "SE":  # too short to tell from the rest of a print
            assert value not in printed
    assert "name=********" in repr(read)


@pytest.mark.parametrize(
    "damage",
    [
        lambda person, rows: (person, [replace(rows[0], ciphertext=b"\x01" + bytes(50))]),
        lambda person, rows: (person, [replace(rows[0], ciphertext=b"")]),
        lambda person, rows: (replace(person, key_id="no-such-key"), rows),
        lambda person, rows: (replace(person, wrapped_key=b"\x01" + bytes(60)), rows),
    ],
    ids=["changed row", "empty row", "missing key", "changed key"],
)
def test_errors_carry_no_value_and_no_cause(vault, kept, damage):
    with pytest.raises(VaultError) as caught:
        vault.read(*damage(*kept), Purpose.DELIVER, NOW)
    text = "".join(traceback.format_exception(caught.value))
    assert "anary" not in text
    assert "\\x" not in text
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_details_are_a_plain_mapping_otherwise():
    assert Details(city="Nuuk") == {"city": "Nuuk"}
    assert repr(Details()) == "Details()"


def test_a_secret_prints_as_stars_whatever_its_length():
    for value in ("", "canary", "canary" * 100):
        secret = Secret(value)
        assert secret.reveal() == value
        assert {repr(secret), str(secret), f"{secret}", f"{secret!r}"} == {"********"}
        assert "canary" not in repr([secret]) + repr({"key": secret})


def test_secrets_are_equal_by_their_text():
    assert Secret("canary") == Secret("canary")
    assert Secret("canary") != Secret("kanari")
    assert Secret("kanarí\ud83d") == Secret("kanarí\ud83d")
    assert Secret("canary") != "canary"
    assert len({Secret("canary"), Secret("canary"), Secret("kanari")}) == 2


def test_a_secret_neither_changes_nor_leaks_into_a_pickle(keys):
    secret = Secret("canary")
    with pytest.raises(AttributeError, match="does not change"):
        secret.value = "kanari"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(keys)
    assert copy.copy(secret) is copy.deepcopy(secret) is secret


class Credentials(Frozen):
    user: str
    password: Secret


@pytest.mark.parametrize("password", ["canary", Secret("canary")])
def test_a_model_takes_a_text_and_never_shows_it(password):
    model = Credentials(user="shop", password=password)
    assert model.password == Secret("canary")
    assert Credentials.model_validate_json('{"user": "shop", "password": "canary"}') == model
    assert model.model_dump_json() == '{"user":"shop","password":"********"}'
    assert model.model_dump()["password"] is model.password
    assert "canary" not in repr(model) + str(model)
    assert model.model_copy(deep=True) == model
    schema = Credentials.model_json_schema()
    assert schema["properties"]["password"] == {
        "title": "Password",
        "type": "string",
        "writeOnly": True,
    }


def test_a_model_refuses_what_is_no_text_without_repeating_it():
    with pytest.raises(ValidationError) as caught:
        Credentials.model_validate({"user": "shop", "password": b"canary\xff"})
    assert "canary" not in str(caught.value)


def test_importing_the_room_loads_no_cipher():
    script = (
        "import sys, checkoutflow.privacy, checkoutflow.customer as customer\n"
        "from checkoutflow.privacy import Keys, Vault\n"
        "Vault(Keys.of(bytes(32))); customer.clean({'city': 'Nuuk'}, market='GL')\n"
        "sys.exit(bool({'cryptography', 'phonenumbers'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


# The key file


def test_the_key_file_is_made_once_for_its_owner_only(tmp_path):
    path = tmp_path / "shop.key"
    made = load_or_create_keys(path, secrets.token_bytes)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_text("ascii")
    assert content.startswith("checkoutflow vault keys 1\n# Keep a copy away from the database.")
    assert made.current in content
    again = load_or_create_keys(str(path), secrets.token_bytes)
    assert digest(again, "email", "x") == digest(made, "email", "x")
    assert path.read_text("ascii") == content
    assert [file.name for file in tmp_path.iterdir()] == ["shop.key"]


def test_processes_that_start_together_get_the_same_key(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        starts = [
            pool.submit(load_or_create_keys, tmp_path / "shop.key", secrets.token_bytes)
            for _ in range(32)
        ]
    assert len({digest(start.result(), "email", "x") for start in starts}) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["shop.key"]


def line_of(secret: bytes) -> str:
    return f"{key_id(secret)} {b64encode(secret).decode()}\n"


def key_file(tmp_path, content: str | bytes, mode: int = 0o600):
    path = tmp_path / "shop.key"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def test_a_key_file_may_hold_older_keys_below_the_current_one(tmp_path, kept):
    person, rows = kept
    text = f"{keyfile.HEADER}\n# new\n{line_of(bytes(32))}\n# old\n{line_of(SHOP_KEY)}"
    keys = load_or_create_keys(key_file(tmp_path, text), dice())
    assert keys.current == key_id(bytes(32))
    assert Vault(keys).read(person, rows, Purpose.SEND_RECEIPT, NOW) == {"email": TOLD["email"]}


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o604, 0o601, 0o644, 0o777])
def test_a_key_file_that_others_may_use_is_refused(tmp_path, mode):
    path = key_file(tmp_path, f"{keyfile.HEADER}\n{line_of(SHOP_KEY)}", mode)
    with pytest.raises(VaultError, match=r"shop\.key: run chmod 600 on it"):
        load_or_create_keys(path, dice())


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        keyfile.HEADER,
        f"{keyfile.HEADER}\n# only a comment\n",
        line_of(SHOP_KEY),
        f"checkoutflow vault keys 2\n{line_of(SHOP_KEY)}",
        f"{keyfile.HEADER}\n{line_of(SHOP_KEY)[:-6]}",
        f"{keyfile.HEADER}\n{line_of(SHOP_KEY).strip()}!",
        f"{keyfile.HEADER}\n{line_of(SHOP_KEY[:16])}",
        f"{keyfile.HEADER}\n{line_of(bytes(33))}",
        f"{keyfile.HEADER}\n{key_id(bytes(32))} {b64encode(SHOP_KEY).decode()}\n",
        f"{keyfile.HEADER}\n{b64encode(SHOP_KEY).decode()}\n",
        f"{keyfile.HEADER}\n{line_of(SHOP_KEY).strip()} canary\n",
        f"{keyfile.HEADER}\n{key_id(SHOP_KEY)} canary!\n",
        f"{keyfile.HEADER}\n{line_of(SHOP_KEY)}nonsense line\n",
        b"\xff\xfe\x00c",
        bytes(100_000),
    ],
)
def test_a_damaged_key_file_is_refused_and_left_as_it_is(tmp_path, content):
    path = key_file(tmp_path, content)
    before = path.read_bytes()
    with pytest.raises(VaultError, match="is damaged or is not a key file; restore it") as caught:
        load_or_create_keys(path, dice())
    text = "".join(traceback.format_exception_only(caught.value))
    assert "canary" not in text
    assert b64encode(SHOP_KEY).decode()[:8] not in text
    assert path.read_bytes() == before


def test_a_key_file_that_cannot_be_read_or_made_says_why(tmp_path):
    for path, reason in (
        (tmp_path, "Is a directory"),
        (tmp_path / "no-such-folder" / "shop.key", "No such file or directory"),
    ):
        with pytest.raises(VaultError, match=f"cannot be read or made: {reason}"):
            load_or_create_keys(path, dice())


def test_a_name_that_leads_nowhere_is_not_written_through(tmp_path):
    path = tmp_path / "shop.key"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(VaultError, match="cannot be read or made"):
        load_or_create_keys(path, dice())
    assert [file.name for file in tmp_path.iterdir()] == ["shop.key"]


def test_a_start_that_breaks_off_leaves_no_key_behind(tmp_path, monkeypatch):
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(VaultError, match="No space left on device"):
        load_or_create_keys(tmp_path / "shop.key", dice())
    assert list(tmp_path.iterdir()) == []


def test_where_files_have_no_modes_they_are_not_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(keyfile, "_POSIX", False)
    path = tmp_path / "shop.key"
    made = load_or_create_keys(path, dice())
    path.chmod(0o644)
    assert load_or_create_keys(path, dice()).current == made.current
