"""Texts in the customer's language: gettext catalogues, and texts that a shop writes itself."""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Annotated, Final

from pydantic import Field

# Locale -> catalogue. English is the language of the message ids and needs no catalogue.
LANGUAGES: Final = ("da", "sv", "nb", "nn", "fi", "is", "en")

Text = Annotated[
    str | Mapping[str, str],
    Field(description="One text for all languages, or one per language code."),
]


def language_of(locale: str) -> str:
    """The language in which to speak to someone with this locale; English where we have none.

    >>> language_of("da_DK"), language_of("no_NO"), language_of("de_DE")
    ('da', 'nb', 'en')
    """
    language = locale.replace("-", "_").partition("_")[0].lower()
    language = {"no": "nb"}.get(language, language)
    return language if language in LANGUAGES else "en"


def said(text: Text, locale: str) -> str:
    """What a shop's own text is in this locale's language, else in English, else in any."""
    if isinstance(text, str):
        return text
    return text.get(language_of(locale)) or text.get("en") or next(iter(text.values()))


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    if language == "en":
        return gettext.NullTranslations()
    path = files("checkoutflow") / "locale" / language / "LC_MESSAGES" / "checkoutflow.mo"
    return gettext.GNUTranslations(BytesIO(path.read_bytes()))


def translate(message: str, locale: str, **values: object) -> str:
    """A message of ours in this locale's language, with its values filled in.

    Args:
        message: The English text, which is the message id.
        locale: ``da_DK``, ``nb`` or the like.
        values: What stands in the text's ``{name}`` places.
    """
    text = _catalogue(language_of(locale)).gettext(message)
    return text.format(**values) if values else text


def translate_plural(one: str, many: str, number: int, locale: str) -> str:
    """A message about a number of things; ``{number}`` in the text is the number."""
    catalogue = _catalogue(language_of(locale))
    return catalogue.ngettext(one, many, number).format(number=number)
