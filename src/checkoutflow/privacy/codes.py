"""One-time codes: derived from the shop's keys, so that none is ever stored.

A code proves that somebody reads the phone or the mailbox that it was sent to. It is worked out
from a reference that was random when the challenge was made and from the number of the sending, so
that a new sending has a code of its own and nothing about it can be read from the store. Limits are
those of ``CODE_TRIES`` and its neighbours; who keeps count of them holds them across processes.

How likely a guess is: a try is right with one chance in a million for each key that the shop holds
(codes sent under an older key count until they expire), five tries with one in 200 000.

Source: RFC 4226 (codes from an HMAC; six digits or more; throttle), NIST SP 800-63B (at most ten
minutes, one time); both read 2026-11.
"""

from __future__ import annotations

import hmac
import unicodedata
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from checkoutflow.privacy.secret import Secret, octets
from checkoutflow.texts import mark, translate

if TYPE_CHECKING:
    from checkoutflow.privacy.vault import Keys

CODE_DIGITS: Final = 6
CODE_TRIES: Final = 5  # of one challenge, over all its sendings
CODE_LIFE: Final = timedelta(minutes=10)
RESENDS: Final = 3
RESEND_AFTER: Final = timedelta(seconds=30)

_LONGEST: Final = 40  # characters as typed; nobody types six digits longer
_NO_CODE: Final = "-" * CODE_DIGITS  # as long as a code, and never one
_SEPARATORS: Final = frozenset(
    {"Zs", "Pd", "Cf", "Cc"}
)  # spaces, dashes, what pasting brings along


def code_of(keys: Keys, challenge: str, sending: int) -> Secret:
    """The code of one sending: six digits.

    The whole HMAC (256 bits) is divided by a million and the rest is the code, so that of two codes
    none is likelier than the other by more than one part in 2**236.

    Args:
        keys: The shop's keys; the current one makes the code.
        challenge: A random reference, of this challenge alone.
        sending: 0 for the first sending, one more for each resend.
    """
    return Secret(_codes(keys, challenge, sending)[0])


def is_code(keys: Keys, challenge: str, sending: int, typed: str) -> bool:
    """Whether what was typed is the code of this sending, under any of the shop's keys.

    Spaces and dashes in it do not count, and digits may be of any script. Whatever is typed costs
    the same: every key is tried, and each comparison is of six characters in constant time.

    Args:
        keys: The shop's keys, older ones too: a code outlives the change of a key.
        challenge: As for `code_of`.
        sending: The last one; codes of earlier sendings are not taken.
        typed: As it came from the customer.
    """
    given = _digits(typed).encode()
    codes = _codes(keys, challenge, sending)
    return sum(hmac.compare_digest(code.encode(), given) for code in codes) > 0  # never cut short


@dataclass(frozen=True, slots=True)
class CodeText:
    """What is sent to the customer; printing it shows neither code nor text.

    Attributes:
        subject: Of an e-mail; without the code, as subjects are shown on locked screens.
        body: Of an e-mail, or all of an SMS. The code comes first, where a phone looks for it.
    """

    subject: str = field(repr=False)
    body: str = field(repr=False)


def code_text(code: Secret, shop: str, locale: str) -> CodeText:
    """What to send to the customer, in their language.

    Args:
        code: From `code_of`.
        shop: The shop's name, as customers know it.
        locale: ``da_DK``, ``nb`` or the like.
    """
    name = " ".join(shop.split())  # one line, whatever stands in the settings
    body = translate(_BODY, locale).format(
        code=code.reveal(), shop=name, minutes=CODE_LIFE // timedelta(minutes=1)
    )
    return CodeText(translate(_SUBJECT, locale).format(shop=name), body)


# Translators: {shop} is the name of a shop. The subject of an e-mail with a one-time code.
_SUBJECT: Final = mark("Your code for {shop}")
# Translators: {code} is six digits and stays first, {shop} the name of a shop. An SMS: keep it
# short, at most 110 characters with the placeholders.
_BODY: Final = mark(
    "{code} is your code for {shop}, valid for {minutes} minutes. Do not share it with anybody."
)


def _codes(keys: Keys, challenge: str, sending: int) -> list[str]:
    """The code of this sending under each of the shop's keys, the current one first."""
    about = octets(f"{sending}:{challenge}")  # the number has no colon: no two pairs read the same
    numbers = (
        int.from_bytes(hmac.digest(key, about, "sha256")) % 10**CODE_DIGITS
        for key in keys.digest_keys("code")
    )
    return [f"{number:0{CODE_DIGITS}}" for number in numbers]


def _digits(typed: str) -> str:
    """The six digits that were typed, or what is as long and never a code."""
    signs = [
        sign for sign in typed[: _LONGEST + 1] if unicodedata.category(sign) not in _SEPARATORS
    ]
    values = [unicodedata.decimal(sign, None) for sign in signs]
    if len(typed) > _LONGEST or len(values) != CODE_DIGITS or None in values:
        return _NO_CODE
    return "".join(map(str, values))
