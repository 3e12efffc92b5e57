"""The form in which two spellings of the same thing are equal, kept beside the form typed.

Equal forms say that two people may be the same, and never that they are. The form is for keyed
digests and for comparing; nobody is shown it, nothing is sent to it.

- E-mail addresses: lower case all through. No provider people use tells capitals apart, though it
  might. What follows a plus stays: whether it is a label or another mailbox only the provider
  knows, and folding it would join two accounts that their owner keeps apart.
- Names: the words in alphabetical order without particles (von, de, af), since people give them in
  any order.
- All text: the letters of any Nordic language are those of all (å and aa, ä, æ and ae, ö, ø and oe,
  ð and d, þ and th), and accents do not count.
- Streets: the kind of street counts as one word in all languages, however it is shortened
  (gade, gate, gata, gatan, gt., g.), as do blanks.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.customer.contact import AREAS, clean
from checkoutflow.customer.identity import identity_number, organisation_number
from checkoutflow.customer.street import read_street
from checkoutflow.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def matching_form(field: str, value: str, market: str) -> str:
    """Bring a value into the form in which it is compared.

    Args:
        field: Name of the field.
        value: As typed, or as `checkoutflow.customer.clean` gives it.
        market: ISO 3166 code of the country or territory it is from.

    Returns:
        The form; empty if the value cannot be such a thing, so that it matches nothing.

    Raises:
        UsageError: If such fields are not compared, or the market is not one of the areas known.

    >>> matching_form("name", "Åse von Þór", "IS") == matching_form("name", "THOR, Aase", "NO")
    True
    >>> matching_form("street", "Store Kongens Gade 5 B", "DK")
    'storekongensg 5b'
    """
    if field not in _FORMS:
        raise UsageError(f"what is compared is {', '.join(_FORMS)}", field="field")
    if market not in AREAS:
        raise UsageError(f"a market is one of {', '.join(AREAS)}", field="market")
    try:
        cleaned = clean({field: unicodedata.normalize("NFKC", value)}, market=market)[field]
    except InvalidInput:
        return ""
    return _FORMS[field](cleaned, market)


_LETTERS: Final = str.maketrans(
    {"å": "aa", "ä": "ae", "æ": "ae", "ö": "oe", "ø": "oe", "ð": "d", "đ": "d", "þ": "th"}
    | {"ŋ": "n", "ŧ": "t", "ł": "l", "'": "", "\N{RIGHT SINGLE QUOTATION MARK}": "", "`": ""}
)


def folded(text: str) -> str:
    """Write text in plain small letters, whatever language's letters it has.

    >>> folded("Ångström's Þórðarson ǿ")
    'aangstroems thordarson oe'
    """
    plain = unicodedata.normalize("NFC", text.casefold()).translate(_LETTERS)
    bare = "".join(
        sign for sign in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(sign)
    )
    return bare.translate(_LETTERS)  # what was under an accent


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", folded(text))


_PARTICLES: Final = frozenset(["af", "av", "von", "van", "der", "den", "de", "zu"])


def _name(text: str, _market: str) -> str:
    words = _words(text)
    return " ".join(sorted(set(words) - _PARTICLES or set(words)))


# Forms of companies, which are left out as often as not. Slashes are gone from them.
_COMPANY_FORM: Final = re.compile(
    "as|asa|ans|da|enk|nuf|aps|ivs|is|ps|ks|ab|hb|kb|oy|oyj|abp|ky|ay|tmi|ehf|hf|ohf|sf|slf|pf|spf"
)


def _organisation(text: str, _market: str) -> str:
    words = _words(re.sub(r"(?<=\w)/(?=\w)", "", text))
    named = [word for word in words if not _COMPANY_FORM.fullmatch(word)]
    return " ".join(named or words)


def _city(text: str, _market: str) -> str:
    return " ".join(_words(text))


def _email(address: str, _market: str) -> str:
    local, _, domain = address.lower().rpartition("@")
    if not domain.isascii():
        with suppress(UnicodeError):  # the codec is of 2003 and does not know every letter
            domain = domain.encode("idna").decode("ascii")  # as it may be typed as well
    return unicodedata.normalize("NFKC", f"{local}@{domain}")


# How the name of a street ends, and what stands for it.
_STREET_KINDS: Final = tuple(
    (re.compile(rf"(?:{endings})$"), short)
    for endings, short in (
        (r"gade|gaten|gatan|gata|gate|götu|gt\.?|g\.", "g"),
        (r"vägen|veien|vegen|väg|vej|vei|veg|vegur|vegi|vn\.|v\.", "v"),
        (r"katu|k\.", "k"),
        (r"tie|t\.", "t"),
        (r"alléen|alleen|allén|allé|alle|all\.", "a"),
        (r"platsen|plats|plads|plass|pl\.", "p"),
        (r"stígur|stíg|stigen|stig|sti", "s"),
    )
)
_SHORTENED: Final = {
    "gl": "gamle",
    "skt": "sankt",
    "sct": "sankt",
    "sdr": "soendre",
    "ndr": "nordre",
}


def _street(line: str, market: str) -> str:
    address = read_street(line, market)
    street = address.street.casefold()
    for kind, short in _STREET_KINDS:
        street, found = kind.subn(short, street)
        if found:
            break
    name = "".join(_SHORTENED.get(word, word) for word in _words(street))
    house = f"{address.number}{folded(address.letter)}"
    unit = [f"floor {address.floor}" if address.floor else "", address.door]
    return " ".join(filter(None, [name, house, *unit]))


def _national_id(number: str, market: str) -> str:
    try:
        read = identity_number(number, market, allows_temporary=True, allows_test_persons=True)
    except InvalidInput:
        return organisation_number(number, market).normalised
    if read.country == "SE":  # Swedes write their own with and without the century
        return re.sub("[-+]", "", read.normalised)[-10:]
    return read.normalised


def _as_it_is(value: str, _market: str) -> str:
    return value


_FORMS: Final[Mapping[str, Callable[[str, str], str]]] = MappingProxyType(
    {
        "name": _name,
        "organisation": _organisation,
        "email": _email,
        "phone": _as_it_is,
        "street": _street,
        "postal_code": _as_it_is,
        "city": _city,
        "country": _as_it_is,
        "national_id": _national_id,
        "organisation_number": _as_it_is,
    }
)
