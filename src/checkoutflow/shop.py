"""The merchant's settings, made of the rooms' own settings. Frozen, and handed in by the caller."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from checkoutflow.customer import AREAS
from checkoutflow.delivery import Delivery
from checkoutflow.errors import InvalidInput
from checkoutflow.insurance.products import Insurer, Product, Question
from checkoutflow.law import Law, Rows, Rule
from checkoutflow.law.table import Table
from checkoutflow.model import Frozen, from_json, wrong
from checkoutflow.money import Money
from checkoutflow.payment.bounds import Origin, Tries
from checkoutflow.payment.catalogue import Kind, catalogue, one_for_each_currency
from checkoutflow.payment.methods import Method, Way
from checkoutflow.payment.references import Scheme
from checkoutflow.payment.steering import Area, Experiment, SteeringRule
from checkoutflow.privacy.consent import Consent
from checkoutflow.review import ReviewRules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Bytes that settings may have: those of the largest shop have a few hundred thousand.
_LONGEST: Final = 4 << 20

# Settings that are lists of things with an id.
_NAMED: Final = (
    *("methods", "deliveries", "kinds", "areas", "steering", "experiments"),
    *("insurance", "insurers"),
)

# What a shop can ask to be told; `checkoutflow.checkout.messages` says when each is.
MessageKind = Literal[
    "code_asked",
    "contact_changed",
    "details_shared",
    "held",
    "review_waits",
    "review_asked",
    "review_answered",
    "confirmed",
    "declined",
    "rejected",
    "cancelled",
    "expired",
    "shipped",
    "shipment_failed",
    "refunded",
    "refund_failed",
    "fulfilled",
    "authorisation_runs_out",
    "invoice_overdue",
    "attention",
]


def read_settings(path: str | Path) -> object:
    """The plain data of a TOML or JSON file, by its ending.

    Raises:
        InvalidInput: If the file cannot be read as what its ending says.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(_LONGEST + 1)
        if len(content) > _LONGEST:
            raise ValueError(f"has more than {_LONGEST} bytes")  # noqa: TRY301 -- said as the others are
        text = content.decode("utf-8")
        return from_json(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", field=str(path)) from None
    except RecursionError:
        raise InvalidInput("is nested too deeply", field=str(path)) from None
    except ValueError as error:
        kind = path.suffix[1:]
        if kind not in {"toml", "json"}:
            raise InvalidInput(
                f"is not TOML: {error}; settings are TOML, or JSON in a file that ends in .json",
                field=str(path),
            ) from None
        raise InvalidInput(f"is not {kind}: {error}", field=str(path)) from None


class Shop(Frozen):
    """Everything a shop decides once.

    Attributes:
        name: What customers and providers read.
        markets: Countries and territories it sells to.
        methods: Ways to pay, in the order in which the shop would show them.
        deliveries: Ways of delivery, in the order in which the shop would show them.
        kinds: Kinds of ways to pay beside those of the catalogue, or in their place.
        areas: Parts of markets, for steering.
        steering: What moves customers to what is good for the shop, within the law.
        experiments: Comparisons of ways to steer.
        presentation: Whether ways to pay are shown in the one strict order that satisfies every
            country's law, or as each market's own law has it, which may be looser.
        order_button: Whether the button says the words that leave no doubt, or the shorter ones.
        is_sme: Whether the shop is a micro, small or medium-sized enterprise. Its own invoices may
            then be due later without being regulated credit.
        capital_cost_percent: Per cent a year that money costs the shop while it waits for it.
        references: How payment references are made, one scheme for each market.
        first_invoice: Number of the first of its own invoices; the others follow without a gap.
            Finnish references need a number of two digits or more.
        insurance: Covers that are offered for the goods, insurance and warranties, in the order in
            which the shop would show them.
        insurers: Whose insurance it is.
        review: When orders are held for a person.
        lifetime_s: Seconds without a change after which an unfinished checkout expires.
        pay_within_s: Seconds a customer has to finish paying after "buy".
        remind_before_s: Seconds before an authorisation runs out at which the shop is reminded to
            ship.
        messages: Kinds of message to keep until the shop has taken them (see
            ``checkoutflow.checkout.messages``); none by default.
        own_law: The shop's own rows over the tables of the law; named in explanations.
        home: Country whose law the shop keeps its books by; by default the first of its markets.
        year_ends: The month in which its financial year ends.
        consents: What customers are asked to agree to, each with a box of its own that is not
            ticked: ``marketing`` or ``no_marketing``, ``analytics``, ``profile``,
            ``credit_check``.
        return_origins: Where customers may be sent back to after they paid or showed who they are:
            ``https://shop.example``, or the scheme and host of the shop's app. Empty for wherever
            the shop's code says; name them where a page has a say in it.
        tries: How often somebody may try to pay.
        two_refund_above: How much of one order may be given back on one person's word, all such
            refunds of it together; at most one amount for each currency. Above it `refund` names
            two.
        two_resolve_above: What became of how much money one person alone may say, where a provider
            never does; at most one amount for each currency. Above it `resolve` names two.
    """

    name: str = Field(min_length=1, max_length=100)
    markets: tuple[str, ...] = Field(min_length=1)
    methods: tuple[Method, ...] = Field(min_length=1)
    deliveries: tuple[Delivery, ...] = ()
    kinds: tuple[Kind, ...] = ()
    areas: tuple[Area, ...] = ()
    steering: tuple[SteeringRule, ...] = ()
    experiments: tuple[Experiment, ...] = ()
    presentation: Literal["strict", "national"] = "strict"
    order_button: Literal["strict", "short"] = "strict"
    is_sme: bool = False
    capital_cost_percent: Decimal = Field(default=Decimal(0), ge=0, le=100, decimal_places=2)
    references: tuple[Scheme, ...] = ()
    first_invoice: int = Field(default=1001, ge=1, lt=10**12)
    insurance: tuple[Product, ...] = Field(default=(), max_length=50)
    insurers: tuple[Insurer, ...] = ()
    review: ReviewRules = Field(default_factory=ReviewRules)
    lifetime_s: int = Field(default=24 * 3600, gt=0)
    pay_within_s: int = Field(default=3600, gt=0)
    remind_before_s: int = Field(default=24 * 3600, ge=0)
    messages: frozenset[MessageKind] = frozenset()
    own_law: Rows = Field(default_factory=Rows)
    home: str = ""
    year_ends: int = Field(default=12, ge=1, le=12)
    consents: tuple[Consent, ...] = ()
    return_origins: tuple[Origin, ...] = Field(default=(), max_length=100)
    tries: Tries = Field(default_factory=Tries)
    two_refund_above: tuple[Money, ...] = ()
    two_resolve_above: tuple[Money, ...] = ()

    _one_each = field_validator("two_refund_above", "two_resolve_above")(one_for_each_currency)

    @property
    def seat(self) -> str:
        """The country whose law the shop keeps its books by."""
        return self.home or self.markets[0]

    @field_validator("home")
    @classmethod
    def _is_known(cls, home: str) -> str:
        if home and home not in AREAS:
            raise ValueError(f"is one of {', '.join(AREAS)}")
        return home

    @field_validator("markets")
    @classmethod
    def _are_known(cls, markets: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [market for market in markets if market not in AREAS]:
            raise ValueError(f"{unknown[0]} is not one of {', '.join(AREAS)}")
        return markets

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self._check_ids()
        self._check_kinds()
        self._check_vouchers()
        self._check_questions()
        for path, named, known in self._names():
            if unknown := sorted(named - known):
                one_of = f"known are {', '.join(sorted(known))}" if known else "none are known"
                raise wrong(f"{unknown[0]} is not known; {one_of}", *path)
        markets = [scheme.market for scheme in self.references]
        if len(set(markets)) != len(markets):
            raise wrong("each market has one scheme", "references")
        for name in Rows.model_fields:
            try:
                Table[Rule](getattr(self.own_law, name))
            except InvalidInput as error:
                raise wrong(error.problems[0][1], "own_law", name) from None
        return self

    def _check_ids(self) -> None:
        """See that each id is used once; also not for a way to pay and one of delivery."""
        for name in _NAMED:
            ids: set[str] = set()
            for i, thing in enumerate(getattr(self, name)):
                if thing.id in ids:
                    raise wrong("another one has this id", name, i, "id")
                ids.add(thing.id)
        sold = {method.id for method in self.methods}
        for i, delivery in enumerate(self.deliveries):
            if delivery.id in sold:
                raise wrong("a way to pay has this id", "deliveries", i, "id")

    def _check_kinds(self) -> None:
        """See that each method's kind is known, and that credit names its creditor."""
        kinds = self.all_kinds()
        for i, method in enumerate(self.methods):
            if method.kind not in kinds:
                raise wrong(
                    "is not in the catalogue; name one that is, or add your own under kinds",
                    *("methods", i, "kind"),
                )
            if kinds[method.kind].financed_by == "provider" and not method.creditor:
                raise wrong("credit names its creditor; say who lends", "methods", i, "creditor")
            way = Way.of(method, kinds)
            if method.shares and way.kind.family != "wallet":
                raise wrong("only who pays in an app can share something", "methods", i, "shares")
            if "national_id" in way.details and not way.is_deferred:
                raise wrong("an identity number is for credit only", "methods", i, "details")

    def _check_vouchers(self) -> None:
        """See that rules for what covers a part only hide it: nothing else would happen."""
        kinds = self.all_kinds()
        vouchers = {method.id for method in self.methods if kinds[method.kind].covers_part}
        for i, rule in enumerate(self.steering):
            if rule.methods & vouchers and not rule.hide:
                raise wrong(
                    "a gift card or store credit can only be hidden", "steering", i, "methods"
                )

    def _check_questions(self) -> None:
        """See that a question that products share is one question: it is asked once."""
        known: dict[str, Question] = {}
        for i, product in enumerate(self.insurance):
            for j, question in enumerate(product.questions):
                if known.setdefault(question.id, question) != question:
                    raise wrong(
                        "another product asks something else under this id",
                        *("insurance", i, "questions", j, "id"),
                    )

    def _names(self) -> Iterator[tuple[tuple[str | int, ...], frozenset[str], frozenset[str]]]:
        """Where a setting names others: its path, the names, and those there are."""
        methods = frozenset(method.id for method in self.methods)
        deliveries = frozenset(delivery.id for delivery in self.deliveries)
        areas = frozenset(area.id for area in self.areas)
        everywhere = frozenset(AREAS)
        markets = frozenset(self.markets)
        arms = frozenset(f"{test.id}:{arm}" for test in self.experiments for arm in test.arms)
        for i, method in enumerate(self.methods):
            yield ("methods", i, "markets"), method.markets, everywhere
            yield ("methods", i, "deliveries"), method.deliveries, deliveries
        for i, delivery in enumerate(self.deliveries):
            yield ("deliveries", i, "markets"), delivery.markets, everywhere
        for i, kind in enumerate(self.kinds):
            yield ("kinds", i, "markets"), kind.markets, everywhere
        for i, area in enumerate(self.areas):
            yield ("areas", i, "market"), frozenset({area.market}), markets
        for i, test in enumerate(self.experiments):
            yield ("experiments", i, "markets"), test.markets, markets
        for i, rule in enumerate(self.steering):
            here = ("steering", i)
            yield (*here, "methods"), rule.methods, methods
            yield (*here, "deliveries"), rule.deliveries, deliveries
            yield (*here, "when", "markets"), rule.when.markets, markets
            yield (*here, "when", "deliveries"), rule.when.deliveries, deliveries
            yield (*here, "when", "areas"), rule.when.areas, areas
            yield (*here, "when", "outside"), rule.when.outside, areas
            yield (*here, "when", "arms"), rule.when.arms, arms
        for i, judging in enumerate(self.review.rules):
            when = ("review", "rules", i, "when")
            yield (*when, "markets"), judging.when.markets, markets
            yield (*when, "methods"), judging.when.methods, methods
            yield (*when, "deliveries"), judging.when.deliveries, deliveries
        insurers = frozenset(insurer.id for insurer in self.insurers)
        for i, product in enumerate(self.insurance):
            yield ("insurance", i, "insurer"), frozenset({product.insurer} - {""}), insurers
            yield ("insurance", i, "markets"), product.markets, everywhere
            for j, wording in enumerate(product.wordings):
                yield ("insurance", i, "wordings", j, "arms"), wording.arms, arms

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read settings from a TOML or JSON file, by its ending.

        The table ``providers`` of the same file is for ``checkoutflow.providers.open_providers``.

        Raises:
            InvalidInput: With the path of the first wrong setting, or saying that the file cannot
                be read as what its ending says.
        """
        data = read_settings(path)
        if isinstance(data, dict):
            data.pop("providers", None)
        return cls.read(data)

    def law(self) -> Law:
        """The law's tables with this shop's own rows over them."""
        rows = self.own_law.rules()
        return Law.load().overridden_by(rows) if rows else Law.load()

    def all_kinds(self) -> Mapping[str, Kind]:
        """The kinds of ways to pay by id: the shop's own before those of the catalogue."""
        return {**catalogue(), **{kind.id: kind for kind in self.kinds}}

    def areas_of(self, market: str, postal_code: str) -> tuple[str, ...]:
        """Which of its areas a postal code lies in."""
        return tuple(
            area.id for area in self.areas if area.market == market and area.has(postal_code)
        )

    def method(self, method_id: str) -> Method | None:
        """The way to pay with this id, if there is one."""
        return next((method for method in self.methods if method.id == method_id), None)

    def scheme(self, market: str) -> Scheme | None:
        """How payment references are made for exactly this market, if they are."""
        return next((scheme for scheme in self.references if scheme.market == market), None)

    def insurer(self, insurer_id: str) -> Insurer | None:
        """The insurer with this id, if there is one."""
        return next((insurer for insurer in self.insurers if insurer.id == insurer_id), None)

    def product(self, product_id: str) -> Product | None:
        """The cover with this id, if there is one."""
        return next((product for product in self.insurance if product.id == product_id), None)

    def delivery(self, delivery_id: str) -> Delivery | None:
        """The way of delivery with this id, if there is one."""
        return next((delivery for delivery in self.deliveries if delivery.id == delivery_id), None)
