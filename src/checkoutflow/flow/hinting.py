"""Hints while the customer types: what is unlikely, what was likely meant, what registers know.

Nothing of it is stored or journalled, nothing is refused, and no sale waits: a register that does
not answer gives a hint that says so. Whoever may type may ask, so asking registers is counted, and
who asks too often gets no more out of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field

from checkoutflow.checkout.machine import Phase
from checkoutflow.checkout.needs import needed
from checkoutflow.customer import mainland, territory
from checkoutflow.customer.identity import Kind, organisation_number
from checkoutflow.customer.suggestions import suggest_city, suggest_email
from checkoutflow.customer.unlikely import warnings_for
from checkoutflow.errors import InvalidInput
from checkoutflow.flow.acting import Acting
from checkoutflow.flow.effects import Program, ask_store, now
from checkoutflow.model import Frozen
from checkoutflow.privacy.fields import FIELDS, Purpose
from checkoutflow.registries.contract import (
    AddressRegister,
    CompanyRegister,
    PostalCodes,
    Source,
    Why,
    Word,
)
from checkoutflow.stores.contract import Limit
from checkoutflow.texts import mark, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checkoutflow.checkout.state import Checkout
    from checkoutflow.customer.suggestions import Suggestion
    from checkoutflow.flow.registers import Lookup
    from checkoutflow.privacy.secret import Details
    from checkoutflow.registries.contract import AddressCheck, Answer, Company

HintKind = Literal["unlikely", "suggestion", "found", "unavailable"]

# How often registers may be asked: by one network address, in one checkout, and by the shop as a
# whole. The figures are ours: who fills in a form stays far below them.
_TEN_MINUTES: Final = 600
ASKED_BY_CLIENT: Final = (60, _TEN_MINUTES)
ASKED_IN_CHECKOUT: Final = (60, _TEN_MINUTES)
ASKED_OF_SHOP: Final = (600, 60)

# After so long no further register is asked; one that was asked before has its own time.
PATIENCE: Final = timedelta(seconds=2)

# Where the number of an organisation may be typed.
_NUMBERS: Final = ("organisation_number", "national_id")
_ADDRESS: Final = ("street", "postal_code", "city")


class Hint(Frozen):
    """Something to show beside a field. The sale goes on whatever the customer makes of it.

    Attributes:
        field: The field it is about.
        kind: ``unlikely`` asks to look again, ``suggestion`` has something else to put there,
            ``found`` is what a register knows, ``unavailable`` says that one did not answer.
        code: What exactly it is; stable, to branch on.
        text: For the customer to read, in their language. Never printed, as it may show a value.
        proposals: What to fill in if the customer says yes, by field; of several they choose one.
            Only fields that the sale has a use for; never printed.
        source: The register that says so, and on what terms: to be shown beside it.
    """

    field: str
    kind: HintKind
    code: str
    text: str = Field(repr=False)
    proposals: tuple[Mapping[str, str], ...] = Field(default=(), repr=False)
    source: Source | None = None


# What there is to say after a register was asked.
_SAID: Final[Mapping[str, tuple[HintKind, str]]] = MappingProxyType(
    {
        # Translators: {value} is the name of a company, as a register has it.
        "company_found": ("found", mark("This is the number of {value}.")),
        "company_not_found": (
            "unlikely",
            mark("The register has no company with this number. Is it right?"),
        ),
        "company_not_active": (
            "unlikely",
            mark("The register says that this company is not active. Is it the right one?"),
        ),
        "postal_code_found": (
            "found",
            # Translators: {value} is a town.
            mark("The postal code belongs to {value}."),
        ),
        "postal_code_not_in_use": (
            "unlikely",
            mark("No place seems to have this postal code. Is it right?"),
        ),
        "address_found": ("found", mark("The register knows this address.")),
        "address_misspelt": (
            "suggestion",
            # Translators: {value} is here an address on one line.
            mark("Did you mean {value}?"),
        ),
        "address_not_found": (
            "unlikely",
            mark("The register does not know this address. Is it right?"),
        ),
        "addresses_like_it": ("suggestion", mark("Is it one of these addresses?")),
        "not_available": (
            "unavailable",
            mark("This cannot be looked up at the moment. Please go on without it."),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class _Form:
    """What is being typed, with what is known of the sale.

    Attributes:
        typed: As it was typed.
        values: Those that can be, clean.
        country: Country or territory of the address.
        wanted: Fields that the sale has a use for.
        needs_sms: Whether something will be sent to the telephone.
    """

    typed: Mapping[str, str] = dataclasses.field(repr=False)
    values: Mapping[str, str] = dataclasses.field(repr=False)
    country: str
    wanted: frozenset[str]
    needs_sms: bool
    is_business: bool
    locale: str

    def hint(
        self,
        field: str,
        code: str,
        *proposals: Mapping[str, str],
        source: Source | None = None,
        value: str = "",
    ) -> Hint:
        """A hint in the customer's language.

        Args:
            field: What it is about.
            code: What there is to say.
            proposals: What a register has, of which the sale gets what it has a use for.
            source: Which register.
            value: What the text shows.
        """
        kind, text = _SAID[code]
        useful = (
            {name: value for name, value in known.items() if value and name in self.wanted}
            for known in proposals
        )
        return Hint(
            field=field,
            kind=kind,
            code=code,
            text=translate(text, self.locale).format(value=value),
            proposals=tuple(filter(None, useful)),
            source=source,
        )


@dataclass(frozen=True, slots=True)
class _Question:
    """Something to ask a register, and what to make of its answer.

    Attributes:
        field: The field it is about.
    """

    field: str
    lookup: Callable[[], Lookup[Answer[Any]]]
    read: Callable[[_Form, str, Answer[Any]], Iterator[Hint]]


class Hinting(Acting):
    """What a flow says to what a customer is typing."""

    def hints(
        self, checkout_id: str, typed: Mapping[str, Any], client: str, locale: str
    ) -> Program[tuple[Hint, ...]]:
        """Everything there is to say. What cannot be is left to ``provide`` to refuse.

        Raises:
            InvalidInput: If a field is none that customers give.
        """
        state = yield from self.load(checkout_id)
        if state.phase is not Phase.COLLECTING:
            return ()
        form = self._form(state, typed, locale or state.locale)
        hints = list(_at_once(form))
        if questions := tuple(self._questions(form)):
            at = yield from now()
            may_ask: bool = yield from ask_store("take_turn", self._limits(state.id, client), at)
            for question in questions:
                if question.field == "street" and any(map(_doubts_the_town, hints)):
                    continue  # the town comes first, as the address is read with it
                if may_ask and (yield from now()) < at + PATIENCE:
                    answer = yield from question.lookup()
                    hints += _said(question, form, answer)
                else:
                    hints.append(form.hint(question.field, "not_available"))
        # A register says it with its name; it is asked once.
        return tuple({(hint.field, hint.code): hint for hint in hints}.values())

    def _form(self, state: Checkout, typed: Mapping[str, Any], locale: str) -> _Form:
        try:
            values = self._typed(typed, state.market)
        except InvalidInput as refused:
            unfit = {name for name, _ in refused.problems}
            if unfit - FIELDS.keys():  # a mistake of the page's, not of the customer's
                raise
            fit = {name: value for name, value in typed.items() if name not in unfit}
            values = self._typed(fit, state.market)
        needs = {need.field: need.purpose for need in needed(state, self.rules)}
        is_business = state.customer == "business"
        buyer = ("organisation",) if is_business else ()
        return _Form(
            typed={name: text for name, text in typed.items() if isinstance(text, str)},
            values=values,
            country=territory(values.get("country", state.market), values.get("postal_code", "")),
            wanted=frozenset((*needs, *state.provided, *typed, *buyer)),
            needs_sms=needs.get("phone") in {Purpose.DELIVER, Purpose.TAKE_PAYMENT},
            is_business=is_business,
            locale=locale,
        )

    def _questions(self, form: _Form) -> Iterator[_Question]:
        """What there is a register for: the company, then the town, then the address."""
        them, country, values = self.lookups, form.country, form.values
        for field in _NUMBERS:
            number = _company_number(form, field)
            if number and them.has(CompanyRegister, country):
                yield _Question(field, partial(them.company, country, number), _company)
                break
        code = values.get("postal_code")
        if code and them.has(PostalCodes, country):
            yield _Question("postal_code", partial(them.city_of, country, code), _city)
        address = {name: values[name] for name in _ADDRESS if name in values}
        if "street" in address and them.has(AddressRegister, country):
            if len(address) == len(_ADDRESS):
                yield _Question("street", partial(them.check_address, country, address), _address)
            elif any(sign.isdecimal() for sign in address["street"]):  # a whole street is too much
                line = _on_one_line(address)
                yield _Question("street", partial(them.suggest_addresses, country, line), _alike)

    def _limits(self, checkout_id: str, client: str) -> tuple[Limit, ...]:
        limits = (
            Limit(f"hints/checkout/{checkout_id}", *ASKED_IN_CHECKOUT),
            Limit("hints/shop", *ASKED_OF_SHOP),
        )
        if not client:
            return limits
        address = self.trace("turn client", client)[0]
        return (*limits, Limit(f"hints/client/{address}", *ASKED_BY_CLIENT))


def _at_once(form: _Form) -> Iterator[Hint]:
    """What needs no register."""
    for warning in warnings_for(form.values, market=form.country, needs_sms=form.needs_sms):
        text = translate(warning.text, form.locale)
        yield Hint(field=warning.field, kind="unlikely", code=warning.code, text=text)
    if suggestion := suggest_email(form.typed.get("email", "")):
        yield _suggested(suggestion, form.locale)


def _doubts_the_town(hint: Hint) -> bool:
    return hint.field == "city" or hint.code == "postal_code_not_in_use"


def _suggested(suggestion: Suggestion, locale: str, source: Source | None = None) -> Hint:
    return Hint(
        field=suggestion.field,
        kind="suggestion",
        code=suggestion.reason.value,
        text=suggestion.message(locale),
        proposals=({suggestion.field: suggestion.value},),
        source=source,
    )


def _company_number(form: _Form, field: str) -> str:
    """The number of an organisation, where a business buys. No person's is sent anywhere."""
    if not form.is_business:
        return ""
    try:
        number = organisation_number(form.typed.get(field, ""), form.country)
    except InvalidInput:
        return ""
    return number.normalised if number.kind is Kind.ORGANISATION else ""


# What registers say -------------------------------------------------------------------------------


def _said(question: _Question, form: _Form, answer: Answer[Any]) -> Iterator[Hint]:
    if answer.word is not Word.UNAVAILABLE:
        yield from question.read(form, question.field, answer)
    elif answer.why is not Why.BAD_INPUT:  # which will not be answered another time either
        yield form.hint(question.field, "not_available")


def _company(form: _Form, field: str, answer: Answer[Company]) -> Iterator[Hint]:
    hint = partial(form.hint, field, source=answer.source)
    company = answer.value
    if company is None:
        yield hint("company_not_found")
        return
    is_here = mainland(company.address.get("country", "")) == mainland(form.country)
    address = {name: company.address.get(name, "") for name in _ADDRESS if is_here}
    proposal = {"organisation": company.name, **address}
    yield hint("company_found", proposal, value=company.name)
    if company.is_active is False:
        yield hint("company_not_active")


def _city(form: _Form, field: str, answer: Answer[tuple[str, ...]]) -> Iterator[Hint]:
    names = answer.value
    if not names:
        yield form.hint(field, "postal_code_not_in_use", source=answer.source)
    elif typed := form.typed.get("city", "").strip():
        if suggestion := suggest_city(typed, names):
            yield _suggested(suggestion, form.locale, answer.source)
    else:
        cities = [{"city": name} for name in names]
        yield form.hint(field, "postal_code_found", *cities, source=answer.source, value=names[0])


def _address(form: _Form, field: str, answer: Answer[AddressCheck]) -> Iterator[Hint]:
    check = answer.value
    hint = partial(form.hint, field, source=answer.source)
    if check is None or not (check.is_valid or check.correction):
        yield hint("address_not_found")
    elif check.correction is None:
        yield hint("address_found")
    else:
        right = {name: check.correction.get(name, "") for name in _ADDRESS}
        yield hint("address_misspelt", right, value=_on_one_line(right))


def _alike(form: _Form, field: str, answer: Answer[tuple[Details, ...]]) -> Iterator[Hint]:
    if answer.value:
        found = [{name: one[name] for name in _ADDRESS} for one in answer.value]
        yield form.hint(field, "addresses_like_it", *found, source=answer.source)


def _on_one_line(address: Mapping[str, str]) -> str:
    place = " ".join(address[name] for name in ("postal_code", "city") if address.get(name))
    return ", ".join(filter(None, (address.get("street"), place)))
