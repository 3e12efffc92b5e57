"""What is kept of a person, as a page that they can read: one file, no scripts, nothing fetched."""

from __future__ import annotations

from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from checkoutflow.checkout.view import LABELS, STATUS, WHY
from checkoutflow.checkout.view_insurance import COVER_STATUS
from checkoutflow.privacy.consent import COULD_SAY_NO, TEXTS, version_of
from checkoutflow.privacy.fields import FIELDS
from checkoutflow.review.traces import Fate, Kind
from checkoutflow.texts import date_text, language_of, locale_of, mark, said, translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from checkoutflow.flow.exports import Export, Kept
    from checkoutflow.stores.contract import ConsentRow, SightingRow

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b2430; --soft: #5a6675; --paper: #f6f7f9;
  --card: #fff; --line: #dfe4ea; --mark: #2457a6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf3; --soft: #a5b1bf; --paper: #12171d;
  --card: #1b222b; --line: #303a46; --mark: #86b3f7; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 58rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.3rem; margin: 0; }
h3 { font-size: 1rem; margin: 1.75rem 0 .4rem; }
p { margin: .25rem 0 .75rem; max-width: 44rem; }
.soft { color: var(--soft); }
code { font-size: .8125rem; overflow-wrap: anywhere; color: var(--soft); }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1.5rem; margin-top: 1.5rem; }
.scroll { overflow-x: auto; } .scroll + .scroll { margin-top: 1.25rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .5rem 1rem .5rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: break-word; }
tr > :last-child { padding-right: 0; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { font-size: .8125rem; color: var(--soft); }
tbody th { font-weight: 600; }
details { margin-top: 1.5rem; } summary { cursor: pointer; color: var(--mark); font-weight: 600; }
.note { border-left: .25rem solid var(--mark); padding-left: .75rem; margin-top: 1rem; }
@media (max-width: 40rem) {
  thead { position: absolute; clip-path: inset(50%); }
  tr, th, td { display: block; padding: 0; border: 0; }
  tr { border-bottom: 1px solid var(--line); padding: .6rem 0; }
  td::before { content: attr(data-head) ": "; color: var(--soft); font-size: .8125rem; }
}
@media print { body { background: #fff; } section { border: 0; padding: 0; }
  tr { break-inside: avoid; } }
"""

# Translators: the title of a page that a person gets who asks what a shop keeps about them.
_TITLE: Final = mark("What {shop} keeps about you")
_SHOP: Final = mark("the shop")
_ABOUT: Final = mark(
    "This is everything as of {date}, UTC. It is meant for you alone: keep this page as you would"
    " keep a letter with your address on it."
)
_PROFILE: Final = mark("What is remembered of you")
# Translators: a heading; a checkout that was begun on this day.
_SALE: Final = mark("Your checkout of {date}")
_REFERENCE: Final = mark("Reference")
_FIELDS: Final = mark("Your details")
_BOOKS: Final = mark("Kept for bookkeeping alone")
_WHAT_BOOKS: Final = mark(
    "The law wants the shop to keep these with its books. They are sealed apart from all else, and"
    " nobody reads them for anything else."
)
_FORMER: Final = mark("Where you were reached before")
_WHAT_FORMER: Final = mark("Kept for some days, so that you are told there that it was changed.")
_BOUGHT: Final = mark("What you bought")
_COVERS: Final = mark("Insurance and warranties")
_PAYMENTS: Final = mark("Payments")
_INVOICES: Final = mark("Invoices")
_CONSENTS: Final = mark("What you agreed to")
_READS: Final = mark("Who read your details")
_ERASED: Final = mark("Erased")
_HISTORY: Final = mark("Everything that happened, in order")
_CHOSE: Final = mark("What you chose last time: {choices}")
_RESTRICTED: Final = mark("Since {date} all this is only kept and not used, as you asked.")
_TO_ERASE: Final = mark(
    "You asked on {date} to be erased. That is done as soon as this purchase is over; until then"
    " these details serve the purchase alone."
)
_FOUND_BY: Final = mark(
    "With the help of a fingerprint that only the shop can make, you are found again by: {names}"
)
_HIDDEN: Final = mark("A hidden value gives access to money, and is shown to nobody.")
_RIGHTS: Final = mark("What you can ask for")
_WHAT_RIGHTS: Final = mark(
    "You can ask the shop to put this right, to erase it, to keep it without using it, or to stop"
    " sending you offers; and you can take back whatever you agreed to. What the law wants kept"
    " stays until its day. If you think that something is done wrong, you can complain to the data"
    " protection authority of your country."
)
_SEEN: Final = mark("What your orders are counted by")
_WHAT_SEEN: Final = mark(
    "So that fraud is noticed, the shop counts orders that look alike. It keeps a fingerprint of"
    " each of these, from which nobody can read what it was made of."
)
# What orders are counted by.
_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        Kind.EMAIL: LABELS["email"],
        Kind.PHONE: LABELS["phone"],
        # Translators: where somebody lives.
        Kind.ADDRESS: mark("Address"),
        # Translators: the address of the customer's connection to the internet.
        Kind.NETWORK: mark("Network"),
        # Translators: a payment card.
        Kind.CARD: mark("Card"),
        Kind.CONTACT_AT_ADDRESS: mark("Who ordered, and where it went"),
        Kind.GOODS_AT_ADDRESS: mark("The goods, and where they went"),
        Kind.GOODS_BY_CONTACT: mark("The goods, and who ordered them"),
    }
)
_FATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        Fate.ORDERED: mark("Ordered"),
        # Translators: of an order that waited for a person to look at it.
        Fate.APPROVED: mark("Let through"),
        # Translators: of an order that waited for a person to look at it.
        Fate.REJECTED: mark("Turned down"),
        Fate.RETURNED: mark("Sent back"),
        Fate.UNPAID: mark("Not paid"),
        Fate.CHARGED_BACK: mark("Charged back"),
    }
)
_HEAD_FATE: Final = mark("What became of it")
_HEAD_OFTEN: Final = mark("How often")
_HEAD_FIELD: Final = mark("Detail")
_HEAD_VALUE: Final = mark("Value")
_HEAD_USE: Final = mark("What for")
_HEAD_UNTIL: Final = mark("Kept until")
_HEAD_ITEM: Final = mark("Item")
_HEAD_QUANTITY: Final = mark("Quantity")
_HEAD_PRICE: Final = mark("Price each")
_HEAD_AMOUNT: Final = mark("Amount")
_HEAD_METHOD: Final = mark("Way to pay")
_HEAD_STATE: Final = mark("State")
_HEAD_NUMBER: Final = mark("Number")
_HEAD_DUE: Final = mark("Due")
_HEAD_TEXT: Final = mark("Text")
_HEAD_ANSWER: Final = mark("Answer")
_HEAD_WHEN: Final = mark("When")
_HEAD_WHO: Final = mark("Who")
_HEAD_WHAT: Final = mark("What")
_HEAD_REASON: Final = mark("Reason")
_HEAD_KEPT: Final = mark("Kept for bookkeeping")
_TOTAL: Final = mark("Total")
_YES: Final = mark("Yes")
_NO: Final = mark("No")
# Translators: in place of an answer: the box beside this text was shown to the customer.
_SHOWN: Final = mark("Shown")


def export_page(exports: Iterable[Export], at: datetime, *, shop: str = "", locale: str) -> str:
    """Write what is kept of a person as an HTML page, in their language.

    Args:
        exports: What is kept under each of the person's references.
        at: When it was read.
        shop: The shop's name, as customers know it.
        locale: The person's: ``da_DK``.
    """
    return _Page(locale, shop).text(exports, at)


class _Page:
    """One page, in one language. Whatever is not ours is escaped where it is put in."""

    def __init__(self, locale: str, shop: str) -> None:
        self._locale = locale_of(locale)
        self._shop = shop or self._say(_SHOP)

    def text(self, exports: Iterable[Export], at: datetime) -> str:
        title = escape(self._say(_TITLE).format(shop=self._shop))
        about = self._say(_ABOUT).format(date=self._moment(at))
        parts = [self._part(part) for export in exports for part in (export, *export.sales)]
        rights = f"<h2>{self._words(_RIGHTS)}</h2>\n<p>{self._words(_WHAT_RIGHTS)}</p>"
        sections = "\n".join(f"<section>\n{part}\n</section>" for part in (*parts, rights))
        return (
            f'<!DOCTYPE html>\n<html lang="{language_of(self._locale)}">\n<head>\n'
            '<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="robots" content="noindex">\n<meta name="referrer" content="no-referrer">\n'
            f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
            f'<h1>{title}</h1>\n<p class="soft">{escape(about)}</p>\n{sections}\n'
            "</main>\n</body>\n</html>\n"
        )

    # One reference -------------------------------------------------------------------------------

    def _part(self, part: Export) -> str:
        pieces = [
            self._heading(part),
            self._fields(part),
            self._kept(_BOOKS, part.books, _WHAT_BOOKS),
            *(self._kept(_FORMER, before, _WHAT_FORMER) for before in part.former),
            self._asides(part),
            self._sale(part),
            self._consents(part.consents),
            self._reads(part),
            self._erasures(part),
            self._seen(part.seen),
            self._history(part),
        ]
        return "\n".join(piece for piece in pieces if piece)

    def _heading(self, part: Export) -> str:
        reference = f"<code>{self._words(_REFERENCE)}: {escape(part.person)}</code>"
        if part.sale is None:
            return f"<h2>{self._words(_PROFILE)}</h2>\n{reference}"
        title = self._say(_SALE).format(date=date_text(part.sale.started_at.date(), self._locale))
        status = self._words(STATUS[part.sale.phase])
        return f'<h2>{escape(title)}</h2>\n<p class="soft">{status}</p>\n{reference}'

    def _fields(self, part: Export) -> str:
        """Each detail, and for each use the details that are used for it."""
        fields, names = part.fields, sorted(part.fields, key=_place)
        purposes = dict.fromkeys(each for name in names for each in fields[name].purposes)
        uses = [
            (self._use(each), self._labels(name for name in names if each in fields[name].purposes))
            for each in purposes
        ]
        kept = self._kept(_FIELDS, fields)
        return kept + self._table("", (_HEAD_USE, _HEAD_FIELD), uses)

    def _kept(self, title: str, fields: Mapping[str, Kept], about: str = "") -> str:
        rows = [
            (self._label(name), fields[name].value, self._day(fields[name].expires_at))
            for name in sorted(fields, key=_place)
        ]
        return self._table(title, (_HEAD_FIELD, _HEAD_VALUE, _HEAD_UNTIL), rows, about)

    def _asides(self, part: Export) -> str:
        notes = []
        if part.restricted_at is not None:
            notes.append(self._say(_RESTRICTED).format(date=self._day(part.restricted_at)))
        if part.sale is not None and part.sale.erasure is not None and not part.erasures:
            day = self._day(part.sale.erasure.asked_at)
            notes.append(self._say(_TO_ERASE).format(date=day))
        if part.choices:
            notes.append(self._say(_CHOSE).format(choices=", ".join(part.choices.values())))
        kinds = dict.fromkeys(kind.removeprefix("known ") for kind in part.found_by)
        if names := self._labels(kind for kind in kinds if kind in LABELS):
            notes.append(self._say(_FOUND_BY).format(names=names))
        if any(set(item.value) == {"*"} for item in part.fields.values()):
            notes.append(self._say(_HIDDEN))
        return "\n".join(f'<p class="note">{escape(note)}</p>' for note in notes)

    def _sale(self, part: Export) -> str:
        sale = part.sale
        if sale is None:
            return ""
        goods = [
            (
                said(line.name, self._locale),
                str(line.quantity),
                line.unit_price.format(self._locale),
            )
            for line in sale.cart.lines
        ]
        goods.append((self._say(_TOTAL), "", sale.total.format(self._locale)))
        covers = [
            (
                policy.terms.name,
                translate(COVER_STATUS[policy.state], self._locale).format(
                    day=date_text(policy.last_day, self._locale)
                ),
                policy.premium.format(self._locale),
            )
            for policy in sale.policies
            if policy.last_day is not None
        ]
        payments = [
            (item.method, item.amount.format(self._locale), item.state.value.replace("_", " "))
            for item in sale.payments
        ]
        invoices = [
            (
                str(item.number),
                item.amount.format(self._locale),
                date_text(item.due_on, self._locale),
            )
            for item in sale.invoices
        ]
        return (
            self._table(_BOUGHT, (_HEAD_ITEM, _HEAD_QUANTITY, _HEAD_PRICE), goods)
            + self._table(_COVERS, (_HEAD_ITEM, _HEAD_STATE, _HEAD_AMOUNT), covers)
            + self._table(_PAYMENTS, (_HEAD_METHOD, _HEAD_AMOUNT, _HEAD_STATE), payments)
            + self._table(_INVOICES, (_HEAD_NUMBER, _HEAD_AMOUNT, _HEAD_DUE), invoices)
        )

    def _consents(self, consents: Sequence[ConsentRow]) -> str:
        rows = [
            (self._agreed(row), self._say(_answer(row)), self._moment(row.at)) for row in consents
        ]
        return self._table(_CONSENTS, (_HEAD_TEXT, _HEAD_ANSWER, _HEAD_WHEN), rows)

    def _agreed(self, row: ConsentRow) -> str:
        """The text that they read, in the language in which they did; of an older one its name."""
        shown = {version_of(consent): text for consent, (_, text) in TEXTS.items()}
        if row.text not in shown:
            return f"{row.kind} ({row.text})"
        return translate(shown[row.text], row.locale).format(shop=self._shop)

    def _reads(self, part: Export) -> str:
        rows = [
            (
                self._moment(row.at),
                row.by,
                self._use(row.purpose),
                self._labels(row.fields),
            )
            for row in part.reads
        ]
        heads = (_HEAD_WHEN, _HEAD_WHO, _HEAD_USE, _HEAD_WHAT)
        return self._table(_READS, heads, rows)

    def _erasures(self, part: Export) -> str:
        rows = [
            (
                self._moment(row.at),
                row.reason,
                self._labels(row.kept),
                self._day(row.until) if row.until else "",
            )
            for row in part.erasures
        ]
        heads = (_HEAD_WHEN, _HEAD_REASON, _HEAD_KEPT, _HEAD_UNTIL)
        return self._table(_ERASED, heads, rows)

    def _seen(self, seen: Sequence[SightingRow]) -> str:
        """By what orders are counted, how many of which fate, and when the last is forgotten."""
        counted: dict[tuple[str, str], list[datetime]] = {}
        for row in seen:
            counted.setdefault((row.kind, row.fate), []).append(row.expires_at)
        rows = [
            (
                self._say(_KINDS[kind]) if kind in _KINDS else kind,
                self._say(_FATES[fate]) if fate in _FATES else fate,
                str(len(ends)),
                self._day(max(ends)),
            )
            for (kind, fate), ends in counted.items()
        ]
        heads = (_HEAD_FIELD, _HEAD_FATE, _HEAD_OFTEN, _HEAD_UNTIL)
        return self._table(_SEEN, heads, rows, _WHAT_SEEN)

    def _history(self, part: Export) -> str:
        rows = [(self._moment(entry.at), entry.command.replace("_", " ")) for entry in part.history]
        table = self._table("", (_HEAD_WHEN, _HEAD_WHAT), rows)
        summary = f"<summary>{self._words(_HISTORY)}</summary>"
        return f"<details>{summary}\n{table}</details>" if rows else ""

    # Words and tables ----------------------------------------------------------------------------

    def _table(
        self, title: str, heads: Sequence[str], rows: Iterable[tuple[str, ...]], about: str = ""
    ) -> str:
        """A table of texts, or nothing where it has no rows."""
        words = [self._words(name) for name in heads]
        body = "\n".join(
            f'<tr><th scope="row">{escape(first)}</th>'
            + "".join(
                f'<td data-head="{head}">{escape(cell)}</td>'
                for head, cell in zip(words[1:], cells, strict=True)
            )
            + "</tr>"
            for first, *cells in rows
        )
        if not body:
            return ""
        head = "".join(f'<th scope="col">{name}</th>' for name in words)
        above = f"<h3>{self._words(title)}</h3>\n" if title else ""
        above += f'<p class="soft">{self._words(about)}</p>\n' if about else ""
        return (
            f'{above}<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{body}\n</tbody>\n</table></div>\n"
        )

    def _say(self, message: str) -> str:
        return translate(message, self._locale)

    def _words(self, message: str) -> str:
        return escape(self._say(message))

    def _label(self, field: str) -> str:
        return self._say(LABELS[field]) if field in LABELS else field

    def _labels(self, fields: Iterable[str]) -> str:
        return ", ".join(self._label(name) for name in sorted(fields, key=_place))

    def _use(self, purpose: str) -> str:
        return self._say(WHY[purpose]) if purpose in WHY else purpose

    def _day(self, at: datetime) -> str:
        return date_text(at.date(), self._locale)

    def _moment(self, at: datetime) -> str:
        return f"{self._day(at)}, {at:%H:%M}"


def _answer(row: ConsentRow) -> str:
    if row.kind == COULD_SAY_NO:
        return _SHOWN
    return _YES if row.is_given else _NO


def _place(field: str) -> int:
    """Where a field stands in the register; one that is not there any more comes last."""
    return [*FIELDS, field].index(field)
