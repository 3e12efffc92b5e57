"""When orders are held: the shop's own settings, and what a shop starts with."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from checkoutflow.customer.contact import AREAS, clean
from checkoutflow.errors import InvalidInput
from checkoutflow.model import Frozen, wrong
from checkoutflow.money import Money, exceeded
from checkoutflow.payment.catalogue import one_for_each_currency
from checkoutflow.review.rules import SCORED, Judgement, Range, Rule, Scored, When, bands, judge
from checkoutflow.review.score import ScoreSettings, opinion
from checkoutflow.review.traces import address_form
from checkoutflow.texts import mark

if TYPE_CHECKING:
    from datetime import datetime

    from checkoutflow.cart import Line
    from checkoutflow.review.rules import Order
    from checkoutflow.review.score import Opinion, ScoreModel
    from checkoutflow.review.signals import Signals


class Forwarder(Frozen):
    """An address to which goods are sent only to be sent on."""

    market: str
    street: str = Field(min_length=1, max_length=200)
    postal_code: str = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def _is_an_address(self) -> Self:
        if self.market not in AREAS:
            raise wrong(f"is one of {', '.join(AREAS)}", "market")
        try:
            _form(self)
        except InvalidInput as error:
            raise wrong(error.problems[0][1], error.problems[0][0]) from None
        return self

    @property
    def form(self) -> str:
        """The form in which it is compared."""
        return _form(self)


@lru_cache(maxsize=1000)
def _form(place: Forwarder) -> str:
    typed = {"street": place.street, "postal_code": place.postal_code}
    return address_form(clean(typed, market=place.market), place.market)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words a shop may use for goods that thieves take since anybody buys them: small, dear and new.
EASILY_RESOLD: Final = _words(
    """
    cameras computers consoles drones earphones electronics game_consoles games gift_cards gold
    graphics_cards headphones jewellery jewelry laptops mobile_phones mobiles perfume phones
    smartphones smartwatches sneakers tablets tobacco watches
    """
)

# Long and widely known for handing out mailboxes to whoever passes by; not looked up one by one.
# New ones come every week: `disposable_domains` takes any longer list in its place.
DISPOSABLE: Final = _words(
    """
    10minutemail.com 33mail.com burnermail.io byom.de discard.email dispostable.com dropmail.me
    emailondeck.com fakeinbox.com fakemail.net getairmail.com getnada.com grr.la guerrillamail.biz
    guerrillamail.com guerrillamail.de guerrillamail.info guerrillamail.net guerrillamail.org
    guerrillamailblock.com harakirimail.com inboxkitten.com incognitomail.org jetable.org
    mail-temporaire.fr mailcatch.com maildrop.cc mailexpire.com mailinator.com mailinator.net
    mailnesia.com mailnull.com mailsac.com mintemail.com moakt.com mohmal.com mytemp.email
    mytrashmail.com nada.email pokemail.net sharklasers.com spam4.me spamgourmet.com temp-mail.io
    temp-mail.org tempail.com tempmail.dev tempmail.net tempmailaddress.com tempr.email
    throwawaymail.com tmail.ws tmpmail.net tmpmail.org trash-mail.com trashmail.com trashmail.de
    trashmail.net wegwerfmail.de wegwerfmail.net yopmail.com yopmail.fr yopmail.net
    """
)

# From so much on, an order is worth a thief's while, and a reviewer's.
_DEAR: Final = ("1000 DKK", "1000 SEK", "1000 NOK", "100 EUR", "15000 ISK")


def _rule(
    name: str,
    reason: str,
    *,
    weight: int = 0,
    is_dear: bool = False,
    **signals: bool | int,
) -> Rule:
    """A rule that looks at signals: true or false, or so much at least."""
    wanted = {
        signal: value if isinstance(value, bool) else Range(min=value)
        for signal, value in signals.items()
    }
    when = When(signals=wanted, total=bands(*_DEAR) if is_dear else ())
    return Rule(id=name, reason=reason, hold=not weight, weight=weight, when=when)


@cache
def default_rules() -> tuple[Rule, ...]:
    """What a shop starts with. Most of it alone is honest often enough, and so only weighs."""
    # Translators: the following texts are reasons for which an order waits for a person.
    return (
        _rule(
            "series_to_address",
            mark("the same goods again to one address"),
            is_dear=True,
            same_goods_at_address=2,
        ),
        _rule(
            "series_by_contact",
            mark("the same goods again by one customer"),
            is_dear=True,
            same_goods_by_contact=2,
        ),
        _rule(
            "resold_again",
            mark("easily resold goods again to one address"),
            is_dear=True,
            easily_resold=50,
            same_goods_at_address=1,
        ),
        _rule("charged_back_before", mark("charged back before"), earlier_chargebacks=1),
        _rule("card_charged_back", mark("the card was charged back before"), card_chargebacks=1),
        _rule("provider_warns", mark("the provider says the risk is high"), provider_risk=3),
        _rule(
            "provider_unsure",
            mark("the provider does not say the risk is low"),
            weight=30,
            provider_risk=1,
        ),
        _rule("rejected_before", mark("rejected before"), weight=60, earlier_rejections=1),
        _rule("unpaid_before", mark("an earlier invoice is not paid"), weight=60, earlier_unpaid=1),
        _rule(
            "many_to_address",
            mark("many orders to one address"),
            weight=50,
            is_dear=True,
            address_orders_day=4,
        ),
        _rule(
            "many_by_contact",
            mark("many orders by one customer"),
            weight=50,
            is_dear=True,
            contact_orders_day=4,
        ),
        _rule(
            "many_by_network",
            mark("many orders from one network address"),
            weight=40,
            network_orders_day=9,
        ),
        _rule("many_by_card", mark("many orders with one card"), weight=50, card_orders_day=4),
        _rule("many_cards", mark("several cards were tried"), weight=60, cards=3),
        _rule("many_declines", mark("several payments were declined"), weight=40, declines=3),
        _rule(
            "throwaway_email", mark("a throwaway e-mail address"), weight=40, disposable_email=True
        ),
        _rule("goes_to_forwarder", mark("goes to a freight forwarder"), weight=50, forwarder=True),
        _rule(
            "elsewhere_address",
            mark("a known customer, a new address"),
            weight=20,
            address_differs=True,
        ),
        _rule(
            "card_elsewhere",
            mark("a card of another country"),
            weight=30,
            card_country_differs=True,
        ),
        _rule(
            "phone_elsewhere",
            mark("a phone of another country"),
            weight=20,
            phone_country_differs=True,
        ),
        _rule(
            "from_elsewhere",
            mark("ordered from another country"),
            weight=20,
            network_country_differs=True,
        ),
        _rule(
            "new_and_resold",
            mark("a new customer, easily resold goods"),
            weight=30,
            is_dear=True,
            new_customer=True,
            easily_resold=50,
        ),
        _rule(
            "many_resold",
            mark("several pieces of one thing that is easily resold"),
            weight=40,
            is_dear=True,
            easily_resold=50,
            most_of_one=3,
        ),
        _rule("among_the_dearest", mark("one of the dearest orders"), weight=20, value_place=99),
    )


class ReviewRules(Frozen):
    """When an order is held, and for how long.

    Attributes:
        rules: The shop's own; one with the id of a default stands in its place.
        default_rules: Whether what a shop starts with applies as well.
        score: How the learned score is used, where there is one.
        hold_at: The sum of weights from which an order is held.
        hold_above: Totals above which an order is held, at most one per currency.
        decide_within_s: Seconds a reviewer has. The deadline is earlier where the authorisation
            runs out earlier.
        margin_s: Seconds before the authorisation runs out at which the deadline falls at latest,
            so that a void still arrives in time.
        lease_s: Seconds for which a reviewer has what they claimed, unless they claim it again.
        four_eyes_above: Totals above which two reviewers approve, at most one per currency.
        at_deadline: What happens to an order that nobody decided in time: it is rejected, or
            approved. What two reviewers must approve is rejected all the same.
        resold_categories: Goods that are easily sold on, by category.
        resold_skus: The same, by sku.
        forwarders: Addresses of freight forwarders.
        disposable_domains: Domains of e-mail addresses that are thrown away after use.
    """

    rules: tuple[Rule, ...] = ()
    default_rules: bool = True
    score: ScoreSettings = Field(default_factory=ScoreSettings)
    hold_at: int = Field(default=100, gt=0)
    hold_above: tuple[Money, ...] = ()
    decide_within_s: int = Field(default=72 * 3600, gt=0)
    margin_s: int = Field(default=3600, ge=0)
    lease_s: int = Field(default=1800, gt=0)
    four_eyes_above: tuple[Money, ...] = ()
    at_deadline: Literal["reject", "approve"] = "reject"
    resold_categories: frozenset[str] = Field(default_factory=lambda: EASILY_RESOLD)
    resold_skus: frozenset[str] = frozenset()
    forwarders: tuple[Forwarder, ...] = ()
    disposable_domains: frozenset[str] = Field(default_factory=lambda: DISPOSABLE)

    _one_each = field_validator("hold_above", "four_eyes_above")(one_for_each_currency)

    @model_validator(mode="after")
    def _has_one_of_each(self) -> Self:
        ids: set[str] = set()
        for i, rule in enumerate(self.rules):
            if rule.id in ids:
                raise wrong("another one has this id", "rules", i, "id")
            ids.add(rule.id)
        return self

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        """Those a shop starts with where they apply, and its own."""
        own = {rule.id for rule in self.rules}
        kept = (rule for rule in default_rules() if self.default_rules and rule.id not in own)
        return (*kept, *self.rules)

    def needs_two(self, total: Money) -> bool:
        """Whether two reviewers approve an order of this total."""
        return exceeded(total, self.four_eyes_above) is not None

    def is_easily_resold(self, line: Line) -> bool:
        """Whether goods are easily sold on."""
        return line.goods_category in self.resold_categories or line.sku in self.resold_skus

    def judge(self, order: Order, signals: Signals) -> Judgement:
        """Apply all rules to one order."""
        return judge(
            self.all_rules, order, signals, hold_at=self.hold_at, hold_above=self.hold_above
        )

    def judge_all(
        self,
        order: Order,
        signals: Signals,
        model: ScoreModel | None,
        at: datetime,
        *,
        moved: float = 0,
    ) -> Judgement:
        """Apply all rules to one order, and ask the learned score.

        The score adds a reason to hold, and can do nothing else: what rules hold stays held
        whatever it says, and what the shop's list allows is not held for it.

        Args:
            order: The order.
            signals: What is known of it.
            model: The learned score; None where there is none, and the rules decide alone.
            at: Now.
            moved: How much of what the score rests on has moved.
        """
        judged = self.judge(order, signals)
        said = opinion(model, signals, at, self.score, moved=moved)
        is_allowed = signals.get("on_allow_list") is True and not judged.reasons
        holds = said.holds and not is_allowed
        return judged.but(
            scored=_scored(said, held=holds),
            reasons=(*judged.reasons, SCORED) if holds else judged.reasons,
            is_allowed=judged.is_allowed or (said.holds and is_allowed),
        )


def _scored(said: Opinion, *, held: bool) -> Scored:
    """An opinion as it is kept."""
    if said.score is None:
        return Scored(standing=said.standing)
    return Scored(
        standing=said.standing,
        version=said.score.version,
        probability=said.score.probability,
        would_hold=said.would_hold,
        held=held,
        because=tuple(part.name for part in said.score.strongest()),
    )
