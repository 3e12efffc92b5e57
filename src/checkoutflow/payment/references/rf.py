"""The international creditor reference (RF), which SEPA payments carry.

Source: ISO 11649, with the check digits of ISO 7064 (modulus 97-10). Confidence: high.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.errors import InvalidInput
from checkoutflow.payment.references.finland import Viite, viite_of
from checkoutflow.payment.references.scheme import LONGEST, Part, ReferenceScheme, without_blanks

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD: Final = 4  # RF and two check digits
_MOST: Final = LONGEST - _HEAD


class Rf(ReferenceScheme):
    """An RF creditor reference: ``RF``, two check digits and 1 to 21 letters and digits.

    Attributes:
        national: ``viite`` if a whole Finnish reference number stands inside, its own check digit
            included, as Finnish banks have it; None if the shop's number stands there as it is.

    >>> Rf(market="FI", national="viite").generate(123456)
    'RF341234561'
    """

    kind: Literal["rf"] = "rf"
    national: Literal["viite"] | None = None

    def _built(self, base: str, *, field: str) -> str:
        if self.national == "viite":
            base = viite_of(base, field=field)
        elif not re.fullmatch(f"[0-9A-Z]{{1,{_MOST}}}", base):
            message = f"1 to {_MOST} digits and capital letters make a reference here"
            raise InvalidInput(message, field=field)
        return f"RF{_check_digits(base)}{base}"

    def _shaped(self, text: str) -> str:
        bare = without_blanks(text)
        if not re.fullmatch("[Rr][Ff][0-9]{2}[0-9A-Za-z]*", bare):
            message = "write RF, two check digits, and then letters and digits"
            raise self._refusal("format", message)
        bare = self._within(bare.upper(), _HEAD + 1, LONGEST)
        if self.national == "viite":
            return bare[:_HEAD] + Viite().validate(bare[_HEAD:])
        return bare

    def _parts(self, bare: str) -> Iterator[Part]:
        reference = bare[_HEAD:]
        yield Part("RF", "sign of an international creditor reference")
        yield Part(bare[2:_HEAD], "check digits", "modulus 97", _check_digits(reference))
        if self.national == "viite":
            yield Part(reference, "Finnish reference number", "its own check digit included")
        else:
            yield Part(reference, "the shop's reference")

    def _printed(self, bare: str) -> str:
        from stdnum import iso11649  # noqa: PLC0415 -- loaded by those who need it

        return iso11649.format(bare)


def _check_digits(reference: str) -> str:
    from stdnum.iso7064 import mod_97_10  # noqa: PLC0415 -- loaded by those who need it

    return mod_97_10.calc_check_digits(f"{reference}RF")
