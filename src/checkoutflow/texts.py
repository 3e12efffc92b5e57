"""Texts in the customer's language: gettext catalogues, and texts that a shop writes itself.

The English text is the message id, so English needs no catalogue. A text that is passed to
`translate` or `mark` in quotes is found by ``make locale`` and put into the catalogues.
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from decimal import localcontext
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING, Annotated, Final, Literal, get_args

from pydantic import Discriminator, Field, Tag

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

Language = Literal["da", "sv", "nb", "nn", "fi", "is", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

# Printed on one line, and short enough to stand beside an amount.
_Words = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Text = Annotated[
    Annotated[_Words, Tag("text")]
    | Annotated[Mapping[Language, _Words], Field(min_length=1), Tag("by_language")],
    # Chosen by type, so that an error speaks of the one that was meant.
    Discriminator(lambda text: "text" if isinstance(text, str) else "by_language"),
    Field(description="One text for all languages, or one per language code."),
]

# Who speaks none of our languages first gets the one that is taught beside theirs: Danish with
# Faroese and Greenlandic; the country's own with Northern Sámi, most of whose speakers live in
# Norway. All others get English.
_SPOKEN: Final[Mapping[str, Language]] = {
    **{language: language for language in LANGUAGES},
    "no": "nb",
    "fo": "da",
    "kl": "da",
    "se": "nb",
    "se_se": "sv",
    "se_fi": "fi",
}
# Norwegian is written in two ways, and who writes the one reads the other.
_OTHER_NORWEGIAN: Final[Mapping[Language, Language]] = {"nb": "nn", "nn": "nb"}


def language_of(locale: str) -> Language:
    """The language in which to speak to someone with this locale; English where we have none.

    >>> language_of("da_DK"), language_of("no_NO"), language_of("fo_FO"), language_of("de_DE")
    ('da', 'nb', 'da', 'en')
    """
    locale = locale.replace("-", "_").lower()
    return _SPOKEN.get(locale) or _SPOKEN.get(locale.partition("_")[0], "en")


@cache
def locale_of(locale: str) -> str:
    """The locale whose formats to use: as given where it is known, else that of the language.

    >>> locale_of("da-DK"), locale_of("fi_FI"), locale_of("no_NO"), locale_of("xx")
    ('da_DK', 'fi_FI', 'nb', 'en')
    """
    from babel.core import Locale, UnknownLocaleError  # noqa: PLC0415 -- heavy

    try:
        return str(Locale.parse(locale.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        return language_of(locale)


# Digits of the largest percentage that is ever written out: the annual rate of a fee of a hundred
# on a credit of one, for a day.
_WIDEST: Final = 1_000


def percent_text(percent: Decimal, locale: str, *, decimals: int = 0) -> str:
    """A percentage as people of this locale write it, with all its decimals.

    Args:
        percent: Per cent.
        locale: ``da_DK`` or the like, as `locale_of` gives it.
        decimals: How many are written even where they are zero.
    """
    from babel.core import Locale  # noqa: PLC0415 -- heavy
    from babel.numbers import format_percent  # noqa: PLC0415 -- heavy

    pattern = Locale.parse(locale).percent_formats[None].pattern
    if decimals:
        pattern = pattern.replace("0", f"0.{'0' * decimals}")
    with localcontext(prec=_WIDEST):
        exact = percent.normalize().scaleb(-2)
        return format_percent(exact, pattern, locale=locale, decimal_quantization=False)


def date_text(day: date, locale: str) -> str:
    """A day as people of this locale write it, with the month in words.

    Args:
        day: The day.
        locale: ``da_DK`` or the like, as `locale_of` gives it.
    """
    from babel.dates import format_date  # noqa: PLC0415 -- heavy

    return format_date(day, "long", locale=locale)


def said(text: Text, locale: str) -> str:
    """What a shop's own text is in this locale's language, else in English, else in any.

    >>> said({"nb": "Hentes i butikken", "en": "Pick up in the shop"}, "nn_NO")
    'Hentes i butikken'
    """
    if isinstance(text, str):
        return text
    language = language_of(locale)
    for choice in (language, _OTHER_NORWEGIAN.get(language, language), "en"):
        if choice in text:
            return text[choice]
    return next(iter(text.values()))


def mark(message: str) -> str:
    """Give the English text back as it is, and let ``make locale`` find it.

    For texts that wait in a table or a variable until they are translated.
    """
    return message


def translate(message: str, locale: str) -> str:
    """A message of ours in this locale's language; in English where there is no translation.

    Args:
        message: The English text, which is the message id.
        locale: ``da_DK``, ``nb`` or the like.
    """
    return _catalogue(language_of(locale)).gettext(message)


@cache
def _catalogue(language: Language) -> gettext.NullTranslations:
    path = files("checkoutflow") / "locale" / language / "LC_MESSAGES" / "checkoutflow.mo"
    try:
        return gettext.GNUTranslations(BytesIO(path.read_bytes()))
    except OSError:  # no such file, as for English, or a damaged one: nobody loses a sale over it
        return gettext.NullTranslations()
