"""Values that nobody has, planted in every field, and how they are looked for.

A `Search` knows the planted values in each spelling and coding in which they could lie somewhere. A
`Trail` is everything that a scene leaves behind where somebody could read it.
"""

from __future__ import annotations

import base64
import html
import io
import json
import logging
import re
import sqlite3
import traceback
import unicodedata
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout, suppress
from contextvars import ContextVar
from functools import cache
from hashlib import md5, sha1, sha256, sha512
from itertools import product
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

import phonenumbers
from pydantic import BaseModel

from checkoutflow.flow.telemetry import MEASURES
from checkoutflow.privacy.fields import FIELDS
from checkoutflow.stores.schema import METADATA
from checkoutflow.testing.driver import SteppingFlow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from checkoutflow.flow.telemetry import Sight


# What is planted ----------------------------------------------------------------------------------

# Birds, who are nobody. Numbers of people are those that registers publish for tests; those of
# telephones and organisations begin as none does there.
VALUES: Final = {
    "name": "Kanariefugl Nøtteskrike",
    "organisation": "Papegøjehuset Drift",
    "email": "solsort.rede@fuglereir.example",
    "street": "Bogfinkevænget 7 B",
    "city": "Gråspurveby",
    "login": "kunde-Rødkælk-3318",
    "gift_card_code": "MUSVIT-GAVE-7193",
    "store_credit_code": "SKOVSKADE-KONTO-5527",
    "review_notes": "Hornuglen svarede ikke",
}
OF_A_MARKET: Final = {
    "DK": {
        "phone": "15 77 19 03",
        "postal_code": "9817",
        "national_id": "211062-5629",
        "organisation_number": "97719039",
    },
    "SE": {
        "phone": "0279-77 19 03",
        "postal_code": "987 61",
        "national_id": "890102-3286",
        "organisation_number": "477719-0333",
    },
    "NO": {
        "phone": "17 77 19 03",
        "postal_code": "9817",
        "national_id": "15108695088",
        "organisation_number": "177190330",
    },
    "FI": {
        "phone": "+358 99 771 9034",
        "postal_code": "98761",
        "national_id": "020504B904H",
        "organisation_number": "9771903-7",
    },
    "IS": {
        "phone": "177 1903",
        "postal_code": "901",
        "national_id": "120174-3399",
        "organisation_number": "710199-0279",
    },
}
# What every sale has, too short to be told from what else there is.
UNSEARCHED: Final = {("country", market) for market in OF_A_MARKET} | {
    ("postal_code", market) for market in ("DK", "NO", "IS")
}
CLIENT: Final = "198.51.100.237"
CARD_NUMBER: Final = "4242 4242 4242 4242"
BORN: Final = "1989-01-02"


def planted(market: str, *fields: str) -> dict[str, str]:
    """What a customer in a market types: some fields, or all that a page asks a consumer for."""
    values = {**VALUES, **OF_A_MARKET[market], "country": market}
    asked = fields or tuple(
        name
        for name, field in FIELDS.items()
        if name
        not in {
            "login",
            "gift_card_code",
            "store_credit_code",
            "organisation_number",
            "review_notes",
        }
        and not field.is_for_a_choice
    )
    return {name: values[name] for name in asked}


# Looking for it -----------------------------------------------------------------------------------


def spellings(value: str, market: str = "") -> set[str]:
    """A value as somebody, or some library, may write it, and its words."""
    bare = "".join(filter(str.isalnum, value))
    words = {word for word in re.split(r"[\s@.,;:/-]+", value) if len(word) > 5} - {"example"}
    found = {value, bare, *words}
    if re.fullmatch("[0-9 +-]{7,}", value) and market:
        number = phonenumbers.parse(value, market)
        kinds = phonenumbers.PhoneNumberFormat
        for kind in (kinds.E164, kinds.INTERNATIONAL, kinds.NATIONAL, kinds.RFC3966):
            found.add(phonenumbers.format_number(number, kind))
        found.add(str(number.national_number))
    for text in [*found]:
        plain = unicodedata.normalize("NFKD", text)
        found |= {text.lower(), text.upper(), text.casefold(), plain, plain.casefold()}
        found.add(plain.encode("ascii", "ignore").decode())
    return found


def codings(text: str) -> Iterator[bytes]:
    """A text as bytes, in every coding in which it could stand in a file or a log."""
    utf8 = text.encode()
    yield from (utf8, text.encode("utf-16-le"), text.encode("utf-16-be"))
    with suppress(UnicodeEncodeError):
        yield text.encode("latin-1")
    yield from (text.encode("unicode_escape"), repr(utf8)[2:-1].encode(), utf8.hex().encode())
    yield json.dumps(text)[1:-1].encode()
    yield from (html.escape(text).encode(), text.encode("ascii", "xmlcharrefreplace"))
    yield from (quote(text, safe="").encode(), quote(text).encode(), quote_plus(text).encode())
    for shift, encode in product(range(3), (base64.b64encode, base64.urlsafe_b64encode)):
        # As it stands in the middle of something: the signs that it alone decides.
        coded = encode(bytes(shift) + utf8)
        yield coded[(0, 2, 3)[shift] : (shift + len(utf8)) * 8 // 6]


def hashes(text: str) -> Iterator[bytes]:
    """What anybody can make of every telephone number there is, and compare."""
    for made in (md5, sha1, sha256, sha512):
        yield from (made(text.encode()).digest(), made(text.encode()).hexdigest().encode())


class Search:
    """Finds planted values in bytes, however they are written.

    Args:
        markets: Everything that is planted in these.
        more: Other values, by what they are.
    """

    def __init__(self, *markets: str, **more: str) -> None:
        needles: dict[bytes, str] = {}
        self._short: dict[bytes, str] = {}
        values = [
            (field, value, market)
            for market in markets
            for field, value in {**VALUES, **OF_A_MARKET[market]}.items()
            if (field, market) not in UNSEARCHED
        ]
        for what, value, market in [*values, *((what, more[what], "") for what in more)]:
            for text in spellings(value, market if what == "phone" else ""):
                if len(text) < _SHORT and text.replace(" ", "").isdigit():
                    self._short[text.encode()] = what
                    continue
                for coded in (*codings(text), *hashes(text)):
                    needles[coded.lower()] = what
        self._long: dict[bytes, str] = {}  # without what holds another one
        for needle in sorted(needles, key=len):
            if not any(shorter in needle for shorter in self._long):
                self._long[needle] = needles[needle]

    def found_in(self, heap: bytes) -> set[str]:
        """The names of what is there."""
        heap = heap.lower()
        found = {what for needle, what in self._long.items() if needle in heap}
        for digits, what in self._short.items():  # by itself, not as a part of another number
            if re.search(rb"(?<![0-9a-z])" + re.escape(digits) + rb"(?![0-9a-z])", heap):
                found.add(what)
        return found

    def needles_in(self, heap: bytes) -> set[bytes]:
        """As what they are there."""
        return {needle for needle in (*self._long, *self._short) if needle in heap.lower()}


_SHORT: Final = 7  # signs: postal codes and one-time codes
search_for = cache(Search)


# What is left behind ------------------------------------------------------------------------------


class Trail(logging.Handler):
    """Everything that a scene leaves where somebody could read it.

    Attributes:
        left: Bytes by where they lie.
        sent: Bodies of requests to providers: there a value may be.
        tables: The tables that had rows.
        codes: The one-time codes that were sent.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.left: dict[str, dict[bytes, None]] = {}
        self.sent: list[bytes] = []
        self.tables: set[str] = set()
        self.codes: list[str] = []

    def leave(self, where: str, left: str | bytes) -> None:
        """Keep it, without what is there already: texts say most things many times."""
        if isinstance(left, str):
            parts = _BETWEEN.split(left.encode("utf-8", "surrogatepass"))
        else:
            parts = [re.sub(rb"\0{64,}", bytes(64), left)]
        self.left.setdefault(where, {}).update(dict.fromkeys(parts))

    def emit(self, record: logging.LogRecord) -> None:
        said = {name: value for name, value in vars(record).items() if name not in _NOT_SAID}
        self.leave("log", f"{record.name} {record.getMessage()} {said!r}")
        if record.exc_info:
            self.leave("log", "".join(traceback.format_exception(record.exc_info[1])))

    def answered(self, value: object) -> None:
        """An answer, as somebody may print or keep it."""
        # A moment's microseconds are any six digits.
        self.leave("answers", _MOMENTS.sub("", f"{value!r} {value}"))
        if isinstance(value, BaseModel):
            self.leave("answers", value.model_dump_json())

    def raised(self, error: BaseException) -> None:
        """An error, as somebody may print or report it, with what it came from."""
        self.leave("errors", "".join(traceback.format_exception(error)))
        self.leave("errors", f"{error!r} {error} {vars(error)}")

    def asked(self, request: httpx.Request) -> None:
        """A request: its address is in the logs of every machine on the way."""
        self.leave("addresses", f"{request.url}")
        self.sent.append(request.content)

    def keep_database(self, file: Path) -> None:
        """The database: its files byte by byte, and its tables row by row."""
        for part in file.parent.glob(f"{file.name}*"):
            if part.suffix != ".key":
                self.leave(f"file {part.suffix}", part.read_bytes())
        with closing(sqlite3.connect(file)) as database:
            kinds = "SELECT name FROM sqlite_master WHERE type = 'table'"
            assert {name for (name,) in database.execute(kinds)} == METADATA.tables.keys()
            for name in METADATA.tables:
                for row in database.execute(f"SELECT * FROM {name}"):  # noqa: S608 -- our own name
                    self.leave(f"table {name}", repr(row))
                    self.tables.add(name)

    def finds(self, search: Search) -> set[str]:
        """What of the planted values lies where."""
        return {
            f"{what} in {where}"
            for where, texts in self.left.items()
            for what in search.found_in(b"\n".join(texts))
        }

    def shows(self, search: Search) -> list[bytes]:
        """What was left just around each of them."""
        return [
            around
            for texts in self.left.values()
            for text in texts
            if search.found_in(text)
            for around in (text[:300], b"".join(sorted(search.needles_in(text))))
        ]


_MOMENTS: Final = re.compile(r"datetime\.datetime\([^()]*\)")
_BETWEEN: Final = re.compile(rb"[,(){}\[\]\n]+")  # none of them is in a planted value
_NOT_SAID: Final = frozenset(
    {"msg", "exc_info", "msecs", "created", "relativeCreated", "thread", "process"}
)
TRAIL: Final = ContextVar[Trail]("trail")


@contextmanager
def followed() -> Iterator[Trail]:
    """Listen to everything, for as long as the block lasts."""
    trail, out = Trail(), io.StringIO()
    names = ("", "httpx", "httpcore", "sqlalchemy.engine", "sqlalchemy.pool", "asyncio")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    before = TRAIL.set(trail)
    loggers[0].addHandler(trail)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(out), redirect_stderr(out):
            yield trail
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        loggers[0].removeHandler(trail)
        TRAIL.reset(before)
        trail.leave("output", out.getvalue())


class Told:
    """Telemetry of which every word is on the trail."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail

    def begin(self, name: str, about: Any, *, is_client: bool = False) -> Told:
        self._trail.leave("telemetry", f"{name} {about!r}")
        return self

    def set(self, about: Any) -> None:
        self._trail.leave("telemetry", f"{about!r}")

    def end(self, error: str, *, is_fault: bool) -> None:
        self._trail.leave("telemetry", error)

    def tell(self, measure: str, value: float, about: Any) -> None:
        self._trail.leave("telemetry", f"{measure} {value} {about!r}")

    def watch(self, sight: Sight) -> None:
        for name in MEASURES:
            self._trail.leave("telemetry", repr(list(sight.see(name))))

    def leave(self, sight: Sight) -> None:
        pass


class Overheard(SteppingFlow):
    """A flow whose every answer and error, and all telemetry, is on the trail."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        trail = TRAIL.get(None)
        super().__init__(*arguments, telemetry=trail and Told(trail), **options)

    def _run(self, program: Any, *names: Any, **more: Any) -> Any:
        trail = TRAIL.get()
        try:
            answer = super()._run(program, *names, **more)
        except BaseException as error:
            trail.raised(error)
            raise
        trail.answered(answer)
        return answer
