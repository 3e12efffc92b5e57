"""What customers read: the catalogues are whole, and nobody is spoken to in a wrong language."""

from __future__ import annotations

import re
import unicodedata
from io import BytesIO
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po
from pydantic import TypeAdapter

from checkoutflow import texts
from checkoutflow.checkout import view
from checkoutflow.checkout.invoice import InvoiceState
from checkoutflow.checkout.machine import Phase
from checkoutflow.choice import options
from checkoutflow.choice import words as choice_words
from checkoutflow.errors import InvalidInput
from checkoutflow.model import Frozen
from checkoutflow.payment.credit import example
from checkoutflow.privacy import codes
from checkoutflow.privacy.consent import TEXTS, Consent
from checkoutflow.privacy.fields import FIELDS, Purpose
from checkoutflow.texts import LANGUAGES, Text, language_of, mark, said, translate

ROOT = Path(__file__).parents[1]
LOCALE = ROOT / "src" / "checkoutflow" / "locale"
TRANSLATED = [language for language in LANGUAGES if language != "en"]
MEND = "run `make locale`, then fill in what is empty in the .po files"


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, ignore_obsolete=False)


def texts_of(catalog: Catalog) -> dict[str, str]:
    """Each message id with its translation, without the header."""
    return {str(message.id): str(message.string) for message in catalog if message.id}


TEMPLATE = read(LOCALE / "checkoutflow.pot")
PO = {lang: read(LOCALE / lang / "LC_MESSAGES" / "checkoutflow.po") for lang in TRANSLATED}
MESSAGES = {language: texts_of(catalog) for language, catalog in PO.items()}

each_language = pytest.mark.parametrize("language", TRANSLATED)


# --- Which language ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("da_DK", "da"),
        ("sv_SE", "sv"),
        ("sv_FI", "sv"),
        ("nb_NO", "nb"),
        ("nn_NO", "nn"),
        ("fi_FI", "fi"),
        ("is_IS", "is"),
        ("en_GB", "en"),
        ("en_DK", "en"),
        ("nn", "nn"),
        ("NB-no", "nb"),
        ("no", "nb"),
        ("no_NO", "nb"),
        ("fo_FO", "da"),
        ("kl_GL", "da"),
        ("da_GL", "da"),
        ("se", "nb"),
        ("se_NO", "nb"),
        ("se_SE", "sv"),
        ("se-FI", "fi"),
        ("de_DE", "en"),
        ("de_DK", "en"),
        ("dan_DK", "en"),
        ("", "en"),
    ],
)
def test_who_is_spoken_to_in_which_language(locale, language):
    assert language_of(locale) == language


# --- A shop's own texts -----------------------------------------------------------------------

CARD = {"da": "Kort", "nb": "Bankkort", "en": "Card"}


@pytest.mark.parametrize(
    ("text", "locale", "words"),
    [
        ("MobilePay", "fi_FI", "MobilePay"),
        (CARD, "da_DK", "Kort"),
        (CARD, "fo_FO", "Kort"),
        (CARD, "nn_NO", "Bankkort"),
        ({"nn": "Gåvekort", "en": "Gift card"}, "nb_NO", "Gåvekort"),
        ({"nn": "Gåvekort", "nb": "Gavekort"}, "nb_NO", "Gavekort"),
        (CARD, "is_IS", "Card"),
        ({"sv": "Kort", "fi": "Kortti"}, "is_IS", "Kort"),
    ],
)
def test_a_shop_says_it_in_the_nearest_language_it_has(text, locale, words):
    assert said(text, locale) == words


class Named(Frozen):
    name: Text


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("", "name.text"),
        ({}, "name.by_language"),
        (None, "name.by_language"),
        ({"da": ""}, "name.by_language.da"),
        ({"da": 1}, "name.by_language.da"),
        ({"dk": "Kort"}, "name.by_language.dk.[key]"),
        ({"no": "Kort"}, "name.by_language.no.[key]"),
        ({"da_DK": "Kort"}, "name.by_language.da_DK.[key]"),
    ],
)
def test_a_name_that_could_not_be_said_is_refused(name, field):
    with pytest.raises(InvalidInput) as refused:
        Named.read({"name": name})
    assert refused.value.field == field


def test_the_json_schema_of_a_name_lists_the_languages():
    one, many = TypeAdapter(Text).json_schema()["oneOf"]
    assert (one["type"], one["minLength"], one["maxLength"]) == ("string", 1, 200)
    assert many["propertyNames"]["enum"] == list(LANGUAGES)


# --- When a catalogue is missing ---------------------------------------------------------------


@pytest.mark.parametrize("content", [None, b"not a catalogue"])
def test_without_a_catalogue_the_sale_goes_on_in_english(content, tmp_path, monkeypatch):
    if content is not None:
        damaged = tmp_path / "locale" / "da" / "LC_MESSAGES" / "checkoutflow.mo"
        damaged.parent.mkdir(parents=True)
        damaged.write_bytes(content)
    assert translate("Name", "da_DK") == "Navn"
    texts._catalogue.cache_clear()
    with monkeypatch.context() as without:
        without.setattr(texts, "files", lambda _package: tmp_path)
        assert translate("Name", "da_DK") == "Name"
    texts._catalogue.cache_clear()
    assert translate("Name", "da_DK") == "Navn"


def test_what_nobody_translated_is_said_in_english():
    assert translate(mark("This text is in no catalogue"), "fi_FI") == (
        "This text is in no catalogue"
    )


# --- The catalogues belong together ------------------------------------------------------------


def test_the_template_is_what_extraction_finds():
    found = Catalog()
    for file, _line, message, comments, _context in extract_from_dir(
        ROOT / "src",
        keywords={"mark": None, "translate": None},
        comment_tags=("Translators:",),
        strip_comment_tags=True,
    ):
        found.add(message, None, [(f"src/{file}", 0)], auto_comments=comments)

    def as_written(catalog: Catalog) -> list[object]:
        return [
            # A file wraps a long comment, so its words are compared and not its lines.
            (
                message.id,
                {file for file, _line in message.locations},
                " ".join(message.auto_comments),
            )
            for message in catalog
            if message.id
        ]

    assert as_written(TEMPLATE) == as_written(found), MEND


def test_there_is_one_folder_for_each_language():
    assert sorted(path.name for path in LOCALE.iterdir()) == sorted(
        [*TRANSLATED, "checkoutflow.pot"]
    )


@each_language
def test_every_text_is_translated(language):
    assert list(MESSAGES[language]) == list(texts_of(TEMPLATE)), MEND
    assert [english for english, text in MESSAGES[language].items() if not text] == [], MEND


@each_language
def test_no_translation_is_a_guess_or_a_left_over(language):
    assert [message.id for message in PO[language] if message.fuzzy] == []
    assert list(PO[language].obsolete) == []


@each_language
def test_the_compiled_catalogue_is_that_of_the_text_file(language):
    compiled = BytesIO()
    write_mo(compiled, PO[language])
    compiled.seek(0)
    with (LOCALE / language / "LC_MESSAGES" / "checkoutflow.mo").open("rb") as file:
        assert texts_of(read_mo(file)) == texts_of(read_mo(compiled)), MEND


@each_language
def test_the_header_names_no_person_no_machine_and_no_day_that_moves(language):
    headers = dict(PO[language].mime_headers)
    assert re.fullmatch(r"Babel [\d.]+\n", headers.pop("Generated-By"))
    assert headers == {
        "Project-Id-Version": "checkoutflow texts",
        "Report-Msgid-Bugs-To": "checkoutflow",
        "POT-Creation-Date": "2026-11-21 00:00+0000",
        "PO-Revision-Date": "2026-11-21 00:00+0000",
        "Last-Translator": "checkoutflow",
        "Language": language,
        "Language-Team": "checkoutflow",
        "Plural-Forms": str(get_plural(language)),
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
    }


# --- Everything a customer is shown ------------------------------------------------------------

NOTICES = [text for text in view._NOTICES.values() if text]


def test_every_phase_field_and_purpose_has_its_words():
    assert view.STATUS.keys() == set(Phase)
    assert view.LABELS.keys() == FIELDS.keys()
    assert view.WHY.keys() == set(Purpose)
    assert view._INVOICE.keys() == set(InvoiceState)


def found_in(file: str) -> set[str]:
    """Give the texts that the template has from a file of the package."""
    return {
        str(message.id)
        for message in TEMPLATE
        if f"src/checkoutflow/{file}" in (place for place, _line in message.locations)
    }


def test_every_text_of_the_view_is_in_the_template():
    shown = {*view.STATUS.values(), *view.LABELS.values(), *view.WHY.values(), *NOTICES}
    shown |= {*view._INVOICE.values(), view._OVERDUE}
    assert found_in("checkout/view.py") == shown


def test_every_reason_and_every_change_by_law_has_its_words():
    reasons, changes = choice_words._REASONS, choice_words._CHANGES
    assert reasons.keys() == set(get_args(choice_words.ReasonCode))
    assert changes.keys() == set(get_args(choice_words.Change))
    assert found_in("choice/words.py") == {*reasons.values(), *changes.values()}


def test_every_label_of_a_fee_or_a_discount_is_in_the_template():
    assert found_in("choice/options.py") == set(options._LABELS.values())


def test_every_warning_about_credit_is_in_the_template():
    assert found_in("payment/credit/example.py") >= set(example.WARNINGS.values())


def test_every_box_to_tick_has_its_words():
    assert TEXTS.keys() == set(Consent)
    assert found_in("privacy/consent.py") == {text for _version, text in TEXTS.values()}


@each_language
def test_a_code_comes_first_in_a_message_that_is_short(language):
    text = MESSAGES[language][codes._BODY]
    assert text.startswith("{code} ")
    assert len(text) <= 110


@each_language
def test_a_notice_is_in_the_customers_language(language):
    for english in NOTICES:
        assert translate(english, language) == MESSAGES[language][english] != english


# --- How it is written -------------------------------------------------------------------------

# Letters beyond a to z; others in a text are a slip of the keyboard or of the language.
LETTERS = {"da": "æøåé", "sv": "åäöé", "nb": "æøåé", "nn": "æøåéò", "fi": "äö", "is": "áéíóúýðþæö"}
AS_IN_ENGLISH = {
    ("da", "E-mail"),
    ("sv", "Text"),
    ("sv", "Order"),
    ("sv", "Order {id}"),
    *((language, "Score") for language in ("da", "nb", "nn")),
    *((language, "Signal") for language in ("da", "sv", "nb", "nn")),
}


def places(text: str) -> list[str]:
    """Give the ``{name}`` places in a text: what is in the braces, in alphabetical order."""
    return sorted(re.findall(r"\{(.*?)\}", text))


def around(text: str) -> str:
    """Give the words around the places in a text. Braces that do not match are a `ValueError`."""
    return "".join(words for words, *_ in Formatter().parse(text))


@each_language
def test_translations_have_the_form_of_the_english_texts(language):
    for english, text in MESSAGES[language].items():
        assert (text == english) is ((language, english) in AS_IN_ENGLISH)
        assert places(text) == places(english)
        assert text[0].isupper() is english[0].isupper()
        assert [text.endswith(end) for end in ".?"] == [english.endswith(end) for end in ".?"]
        assert text == " ".join(text.split())
        assert text == unicodedata.normalize("NFC", text)
        assert re.fullmatch(rf"[a-z{LETTERS[language]} .,:;!?()-]+", around(text).lower())


# The two ways of writing Norwegian have these in common and nothing else.
SAME_IN_BOTH = {
    "Address",
    "Card",
    "Network",
    "Ordered",
    "Let through",
    "Turned down",
    "Sent back",
    "Shown",
    "Company",
    "E-mail",
    "Organisation number",
    "Phone",
    "Street and number",
    "Postal code",
    "Country",
    "Customer account",
    "National identity number",
    "to send your invoice",
    "Paid",
    "Paid in part",
    "Credited",
    "Fee, {name}",
    "Discount, {name}",
    "The customer is younger than {age}.",
    "It has no price in {currency}.",
    "Cash price: {price}",
    "Representative example",
    "Last instalment: {last}",
    "Fixed borrowing rate: {nominal} a year",
    "Set-up fee: {setup_fee}",
    "Annual percentage rate of charge (APR): {apr}",
    "Your code for {shop}",
    "the shop",
    "Reference",
    "What you bought",
    "Detail",
    "Value",
    "What for",
    "Item",
    "Amount",
    "Way to pay",
    "State",
    "Number",
    "Text",
    "Answer",
    "When",
    "Reason",
    "Yes",
    "Yes, for {premium}",
    "No, thank you",
    "No",
    "Approve",
    "Approve as the first of two",
    "Approve as the second of two",
    "Ask the customer",
    "Asked and noted",
    "Back to the queue",
    "Counted {time}.",
    "Declined",
    "Delivery",
    "Given back",
    "Given back in part",
    "In all",
    "Nobody",
    "Order",
    "Order {id}",
    "Pages",
    "Please log in first.",
    "Questions to the customer",
    "Reserved",
    "Reserved until",
    "Rule",
    "Score",
    "Signal",
    "The customer",
    "The customer ordered",
    "Times are in {zone}.",
    "To get in touch",
    "To log in with an electronic identity",
    "Write the note",
    "You",
    "You approved this order.",
    "You are {reviewer}.",
    "charged back before",
    "hit rate",
    "learned score",
    "longer",
    "rejected before",
    "rule",
    "the card was charged back before",
    "total above {limit}",
    "unknown",
    "until {time}",
    "worth",
    "{hours} h {minutes} min",
    "{reviewer} said yes, the first of two",
}


def test_nynorsk_is_not_bokmaal():
    same = {english for english, text in MESSAGES["nb"].items() if MESSAGES["nn"][english] == text}
    assert same == SAME_IN_BOTH


@pytest.mark.parametrize(
    ("language", "words_of_the_other"),
    [
        ("nn", "ikke noe hvordan vet mer fra hører penger bestillingen betalingen kvitteringen"),
        ("nb", "ikkje noko korleis veit meir frå høyrer pengar bestillinga betalinga kvitteringa"),
        ("da", "noe penger dessverre bekreftet kjøpet gjennom vennligst"),
    ],
)
def test_no_word_of_a_neighbour_has_slipped_in(language, words_of_the_other):
    used = set(re.findall(r"\w+", " ".join(MESSAGES[language].values()).lower()))
    assert used.isdisjoint(words_of_the_other.split())
