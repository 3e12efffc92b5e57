"""Who the customer is, in the pure core: asked, shown, counted, and agreed to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.heart import DIGITAL, START, Sale, nok

from checkoutflow.checkout import commands as c
from checkoutflow.checkout.events import ConsentChanged, from_json
from checkoutflow.checkout.evolve import evolve, replay
from checkoutflow.checkout.recognising import WRONG_CODE, is_open
from checkoutflow.checkout.state import Recognition
from checkoutflow.errors import IllegalTransition, InvalidInput, NotVerified
from checkoutflow.privacy.codes import CODE_LIFE, CODE_TRIES, RESEND_AFTER, RESENDS
from checkoutflow.privacy.consent import Consent

if TYPE_CHECKING:
    from checkoutflow.checkout.events import Event

ASKED = c.AskCode(person="one", challenge="once", by="email")
RIGHT = c.Verify(person="one", by="email", challenge="once")
A_MOMENT = timedelta(microseconds=1)


def asked() -> Sale:
    return Sale().do(ASKED)


def wait(sale: Sale, duration: timedelta) -> Sale:
    sale.now += duration
    return sale


def test_at_first_nobody_has_said_who_they_are():
    assert Sale().state.recognition == Recognition(level="unknown")


# A code -------------------------------------------------------------------------------------------


def test_who_asks_to_be_recognised_is_asked_for_a_code_for_ten_minutes():
    sale = asked()
    assert sale.happened == ["code_asked"]
    assert sale.state.recognition == Recognition(
        level="known",
        person="one",
        by="email",
        challenge="once",
        sent_at=START,
        valid_until=START + CODE_LIFE,
    )


def test_the_right_code_shows_who_it_is_and_leaves_nothing_of_the_code():
    sale = asked().do(RIGHT)
    assert sale.happened == ["verified"]
    assert sale.state.recognition == Recognition(level="verified", person="one", by="email")


@pytest.mark.parametrize(
    ("late", "is_good"), [(-A_MOMENT, True), (timedelta(0), False)], ids=["in time", "too late"]
)
def test_a_right_code_counts_until_its_time_is_over(late, is_good):
    sale = wait(asked(), CODE_LIFE + late)
    if is_good:
        assert sale.do(RIGHT).state.recognition.level == "verified"
    else:
        with pytest.raises(NotVerified, match=WRONG_CODE):
            sale.do(RIGHT)
        assert sale.state.recognition.level == "known"


def test_five_wrong_codes_are_counted_and_then_no_code_is_right():
    sale = asked()
    for tries in range(1, CODE_TRIES + 1):
        assert sale.do(c.RefuseCode()).happened == ["code_refused"]
        assert sale.state.recognition.tries == tries
    with pytest.raises(NotVerified) as error:
        sale.do(RIGHT)
    assert (error.value.field, str(error.value)) == ("code", WRONG_CODE)
    assert sale.do(c.RefuseCode()).happened == []


def test_four_wrong_codes_are_forgiven():
    sale = asked()
    for _ in range(CODE_TRIES - 1):
        sale.do(c.RefuseCode())
    assert sale.do(RIGHT).state.recognition.tries == 0


@pytest.mark.parametrize(
    "sale",
    [Sale, lambda: wait(asked(), CODE_LIFE), lambda: asked().do(RIGHT)],
    ids=["nothing asked", "too late", "used"],
)
def test_a_wrong_code_counts_only_while_one_is_waited_for(sale):
    assert sale().do(c.RefuseCode()).happened == []


@pytest.mark.parametrize(
    "sale",
    [
        Sale,
        lambda: asked().do(RIGHT),
        lambda: Sale().do(ASKED.but(challenge="another")),
        lambda: wait(asked(), RESEND_AFTER).do(c.AskAgain()),
        lambda: asked().do(c.AskLogin(issuer="id", pending="once", valid_until=START)),
    ],
    ids=["nothing asked", "used", "another challenge", "another sending", "a login instead"],
)
def test_a_code_that_was_right_when_it_was_looked_at_is_looked_at_again(sale):
    """In between, somebody else may have used it, or had another one sent."""
    sale = sale()
    with pytest.raises(NotVerified, match=WRONG_CODE):
        sale.do(RIGHT)


def test_another_code_may_be_sent_three_times_each_after_a_while():
    sale = asked().do(c.RefuseCode())
    for sending in range(1, RESENDS + 1):
        wait(sale, RESEND_AFTER - A_MOMENT)
        with pytest.raises(NotVerified, match="wait 30 seconds between two codes"):
            sale.do(c.AskAgain())
        wait(sale, A_MOMENT).do(c.AskAgain())
        state = sale.state.recognition
        assert (state.sending, state.sent_at) == (sending, sale.now)
        assert (state.tries, state.challenge, state.person) == (1, "once", "one")
        assert state.valid_until == START + CODE_LIFE  # not longer for being asked again
    with pytest.raises(NotVerified, match="too many codes were sent"):
        wait(sale, RESEND_AFTER).do(c.AskAgain())
    sale.do(RIGHT.but(sending=RESENDS))
    assert sale.state.recognition.level == "verified"


def used_up() -> Sale:
    sale = asked()
    for _ in range(CODE_TRIES):
        sale.do(c.RefuseCode())
    return sale


@pytest.mark.parametrize(
    "sale",
    [
        Sale,
        lambda: asked().do(RIGHT),
        lambda: wait(asked(), CODE_LIFE),
        used_up,
        lambda: Sale().do(
            c.AskLogin(issuer="id", pending="p", valid_until=START + timedelta(hours=1))
        ),
    ],
    ids=["nothing asked", "used", "too late", "five wrong ones", "a login"],
)
def test_nothing_is_sent_again_where_no_code_is_waited_for(sale):
    sale = wait(sale(), RESEND_AFTER)
    with pytest.raises(NotVerified, match="no code is waited for"):
        sale.do(c.AskAgain())


def test_asking_anew_begins_anew():
    sale = used_up().do(ASKED.but(challenge="twice"))
    assert sale.state.recognition.tries == 0
    assert sale.do(RIGHT.but(challenge="twice")).state.recognition.level == "verified"


STEPS = {
    "wrong": c.RefuseCode(),
    "again": c.AskAgain(),
    "anew": ASKED.but(challenge="twice"),
    "right": RIGHT,
    "pass": None,
}


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=25))
def test_whatever_is_tried_in_whatever_order_no_challenge_has_more_than_five_tries(steps):
    sale = asked()
    commits: list[tuple[Event, ...]] = [Sale().events, sale.events]
    for name in steps:
        if name == "pass":
            sale.wait(seconds=31)
            continue
        tries, before = sale.state.recognition.tries, sale.state
        command = STEPS[name]
        assert command is not None
        try:
            sale.do(command)
        except NotVerified:
            assert sale.state is before
            continue
        commits.append(sale.events)
        assert sale.state.recognition.tries <= CODE_TRIES
        if name == "right":
            assert tries < CODE_TRIES
    replayed = replay(commits)
    assert replayed is not None
    assert replayed.but(version=0) == sale.state


# An issuer ----------------------------------------------------------------------------------------

LOGIN = c.AskLogin(issuer="id", pending="p", valid_until=START + timedelta(minutes=10))


def test_who_goes_to_an_issuer_is_waited_for_once():
    sale = Sale().do(LOGIN)
    state = sale.state.recognition
    assert (state.level, state.by, state.challenge) == ("known", "id", "p")
    assert state.person == ""
    sale.do(c.TakeLogin(pending="p"))
    assert sale.happened == ["login_taken"]
    assert sale.state.recognition == Recognition()
    with pytest.raises(NotVerified, match="nobody is waited for"):
        sale.do(c.TakeLogin(pending="p"))


@pytest.mark.parametrize(
    "sale",
    [
        Sale,
        lambda: Sale().do(LOGIN.but(pending="newer")),
        lambda: Sale().do(LOGIN, ASKED),
        lambda: Sale().do(LOGIN, c.Verify(by="login")),
    ],
    ids=["nobody went", "went again", "asked for a code instead", "known by now"],
)
def test_who_comes_back_with_what_is_not_waited_for_is_refused(sale):
    sale = sale()
    with pytest.raises(NotVerified) as error:
        sale.do(c.TakeLogin(pending="p"))
    assert error.value.field == "query"


def test_who_is_vouched_for_needs_no_code():
    sale = Sale().do(c.Verify(person="one", by="login"))
    assert sale.state.recognition == Recognition(level="verified", person="one", by="login")


def test_who_is_vouched_for_and_not_remembered_is_nobody_in_particular():
    sale = Sale().do(c.Verify(by="id"))
    assert sale.state.recognition == Recognition(level="verified", by="id")


@pytest.mark.parametrize(
    ("before", "told", "after"),
    [
        (None, True, True),
        (None, False, False),
        (None, None, None),
        (True, False, True),
        (False, True, False),
    ],
)
def test_an_age_is_taken_where_the_shop_did_not_know_it(before, told, after):
    sale = Sale(adult=before).do(c.Verify(by="id", adult=told))
    assert sale.state.adult is after
    assert ("age_known" in sale.happened) is (before is None and told is not None)


# What is filled in --------------------------------------------------------------------------------


def test_what_is_known_is_filled_in_with_the_choices_of_last_time():
    filled = c.Provide(fields=("name", "email"), filled=("name", "email"))
    sale = asked().do(filled, RIGHT.but(delivery="parcel", payment="card"))
    state = sale.state
    assert state.provided == ("name", "email")
    assert (state.delivery, state.method) == ("parcel", "card")
    assert state.total == nok(549)
    assert [name for name in sale.happened if name != "repriced"] == [
        "details_provided",
        "verified",
        "delivery_chosen",
        "payment_chosen",
    ]


@pytest.mark.parametrize(
    ("delivery", "payment"),
    [("drone", "cheque"), ("pickup", "gift_card"), ("", "")],
    ids=["gone from the shop", "covers only a part", "none"],
)
def test_a_choice_that_is_not_offered_any_more_is_left_to_the_customer(delivery, payment):
    sale = asked().do(RIGHT.but(delivery=delivery, payment=payment))
    assert sale.state.method == ""
    assert sale.state.delivery == (delivery if delivery == "pickup" else "")


def test_what_the_customer_chose_this_time_stands():
    sale = asked().do(c.ChooseDelivery(delivery="pickup"), c.ChoosePayment(method="wallet"))
    sale.do(RIGHT.but(delivery="parcel", payment="card"))
    assert (sale.state.delivery, sale.state.method) == ("pickup", "wallet")


def test_nothing_is_delivered_that_is_not_sent():
    sale = Sale(DIGITAL).do(ASKED).do(RIGHT.but(delivery="parcel"))
    assert sale.state.delivery == ""


def test_where_credits_cover_everything_no_way_to_pay_is_taken():
    sale = asked().do(
        c.ChooseDelivery(delivery="pickup"), c.AddCredit(method="store_credit", amount=nok(500))
    )
    sale.do(RIGHT.but(payment="card"))
    assert sale.state.method == ""


@pytest.mark.parametrize("command", [ASKED, c.AskAgain(), LOGIN, c.RefuseCode(), RIGHT])
def test_once_the_customer_buys_nobody_is_asked_who_they_are(command):
    sale = Sale().placed()
    with pytest.raises(IllegalTransition):
        sale.do(command)


# Consents -----------------------------------------------------------------------------------------


def agree(**consents: bool) -> c.GiveConsent:
    return c.GiveConsent(consents=consents, locale="nn_NO")


def test_a_consent_is_noted_with_what_was_read_in_which_language():
    sale = Sale().do(agree(marketing=True, profile=True))
    [event] = sale.events
    assert event.model_dump(exclude={"type"}) == {
        "consents": {"marketing": True, "profile": True},
        "texts": {"marketing": "marketing-1", "profile": "profile-1"},
        "locale": "nn_NO",
    }
    assert sale.state.consents == {"marketing": True, "profile": True}


def test_no_consent_is_there_before_it_is_given_and_a_no_to_begin_with_is_no_news():
    assert Sale().state.consents == {}
    assert Sale().do(agree(**dict.fromkeys(Consent, False))).happened == []


def test_a_consent_is_taken_back_by_the_same_call_and_only_a_change_is_noted():
    sale = Sale().do(agree(marketing=True, profile=True))
    sale.do(agree(marketing=False, profile=True))
    [event] = sale.events
    assert isinstance(event, ConsentChanged)
    assert event.consents == {"marketing": False}
    assert sale.state.consents == {"marketing": False, "profile": True}
    assert sale.do(agree(marketing=False)).happened == []


@pytest.mark.parametrize(
    ("here", "elsewhere", "given", "is_news"),
    [
        ({}, {"marketing": True}, False, True),
        ({"marketing": True}, {"marketing": False}, True, True),
        ({"marketing": True}, {"marketing": True}, True, False),
        ({"marketing": False}, {"marketing": False}, False, False),
        ({}, {}, False, False),
    ],
    ids=["no", "yes again", "still yes", "still no", "never said"],
)
def test_what_differs_from_what_was_said_elsewhere_since_is_noted(here, elsewhere, given, is_news):
    sale = Sale().do(c.Verify(person="one", by="login", consents=here))
    sale.do(agree(marketing=given).but(said=elsewhere))
    assert bool(sale.events) is is_news


def test_who_has_shown_who_they_are_sees_what_they_said_and_nothing_of_anybody_else():
    sale = Sale().do(agree(analytics=True))
    sale.do(c.Verify(person="one", by="login", consents={"profile": True, "analytics": True}))
    assert sale.state.consents == {"profile": True, "analytics": True}
    sale.do(c.Verify(person="two", by="login", consents={"marketing": False}))
    assert sale.state.consents == {"marketing": False}


def test_a_journal_of_earlier_versions_says_nothing_of_what_was_agreed_to_before():
    sale = Sale().do(agree(analytics=True))
    (event,) = from_json('[{"type": "verified", "person": "one", "by": "email"}]')
    state = evolve(sale.state, event)
    assert state.recognition.person == "one"
    assert state.consents == {"analytics": True}


@pytest.mark.parametrize("kind", ["everything", "x" * 500])
def test_there_is_no_consent_to_anything_else(kind):
    with pytest.raises(InvalidInput, match="is none of analytics, credit_check, marketing") as err:
        Sale().do(agree(marketing=True, **{kind: True}))
    assert err.value.field == f"consents.{kind[:40]}"


def test_a_consent_can_be_taken_back_whatever_became_of_the_sale():
    for sale in (Sale().placed(), Sale().confirmed(), Sale().wait(days=2).do(c.PassTime())):
        sale.do(agree(profile=True)).do(agree(profile=False))
        assert sale.state.consents == {"profile": False}


def test_a_code_is_open_as_long_as_it_can_be_right():
    sale = asked()
    assert is_open(sale.state.recognition, sale.now)
    assert not is_open(used_up().state.recognition, sale.now)
    assert not is_open(Sale().state.recognition, sale.now)
    assert not is_open(sale.state.recognition, sale.now + CODE_LIFE)
