"""The synchronous driver: ``CheckoutFlow``."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar, assert_never

from checkoutflow.checkout import commands as c
from checkoutflow.errors import CheckoutError, StoreError
from checkoutflow.flow import host
from checkoutflow.flow.alerting import Told
from checkoutflow.flow.effects import AskStore, Now, Random, Send, drive
from checkoutflow.flow.logs import log_failure, log_written
from checkoutflow.flow.noticing import Network
from checkoutflow.flow.programs import Programs, Report, choices
from checkoutflow.flow.registers import Lookups
from checkoutflow.flow.reviewing import RECENT, review_figures
from checkoutflow.flow.telemetry import Safe, Sight
from checkoutflow.flow.watching import calling, name_of, working
from checkoutflow.providers.contract import Consult
from checkoutflow.review.traces import network_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date, datetime, timedelta
    from types import TracebackType

    import httpx

    from checkoutflow.cart import Cart
    from checkoutflow.checkout.invoice import Invoice
    from checkoutflow.checkout.state import Checkout
    from checkoutflow.checkout.view import View
    from checkoutflow.flow.alerting import Port
    from checkoutflow.flow.effects import Effect, Program
    from checkoutflow.flow.exports import Export
    from checkoutflow.flow.hinting import Hint
    from checkoutflow.flow.knowing import CodeToSend
    from checkoutflow.flow.reviewing import ReviewFile
    from checkoutflow.flow.rights import Erased
    from checkoutflow.flow.telemetry import Telemetry
    from checkoutflow.flow.telling import ChangeToTell
    from checkoutflow.insurance.bordereau import Bordereau
    from checkoutflow.insurers import Partner
    from checkoutflow.issuers.oidc import OpenIdConnect
    from checkoutflow.law.choice import Customer
    from checkoutflow.money import Money
    from checkoutflow.privacy.fields import Purpose
    from checkoutflow.privacy.secret import Secret
    from checkoutflow.privacy.vault import Keys
    from checkoutflow.providers.contract import Provider
    from checkoutflow.registries.contract import Register
    from checkoutflow.review.drift import Drift
    from checkoutflow.review.figures import Figures
    from checkoutflow.review.queue import Waiting
    from checkoutflow.review.score import ScoreModel
    from checkoutflow.shop import Shop
    from checkoutflow.stores.contract import (
        Due,
        Forgotten,
        JournalEntry,
        ListingRow,
        Message,
        Store,
    )

T = TypeVar("T")


class CheckoutFlow:
    """Everything a shop does with checkouts, synchronously. ``AsyncCheckoutFlow`` is its twin.

    Each call that changes a checkout returns it as it is afterwards. With an ``idempotency_key``
    of the shop's own (any text), a repeat of the same call is answered and not done again, and
    another call under the same key raises ``IdempotencyConflict``. Keys are kept for good, so
    nothing personal belongs in one: a random token or the checkout's id serves. Card numbers and
    e-mail addresses in a new one are refused with ``InvalidInput``; telephone numbers and names
    cannot be told from other words, and are yours to keep out.

    Safe to use from several threads, and several of them may share one store.
    """

    def __init__(  # noqa: PLR0913 -- a port each, all by name
        self,
        shop: Shop,
        *,
        providers: Iterable[Provider] = (),
        issuers: Iterable[OpenIdConnect] = (),
        registers: Iterable[Register] = (),
        partners: Iterable[Partner] = (),
        store: Store,
        keys: Keys | None = None,
        score: ScoreModel | None = None,
        clock: host.Clock = host.system_clock,
        random: host.RandomBytes = host.system_random,
        http: httpx.Client | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        """Put a flow together.

        Args:
            shop: The merchant's settings.
            providers: Adapters for the providers that the shop's methods name.
            issuers: Who can say who a customer is: `checkoutflow.issuers.read_issuers`.
            registers: Adapters for open registers, which `hints` asks. Of two that can be asked the
                same about a country, the first is.
            partners: Who quotes a price for covers that are ``quoted_by`` them:
                `checkoutflow.insurers.read_partners`.
            store: Where checkouts are kept; its tables must exist (``store.create()``).
            keys: What personal data is sealed with. By default a file beside the SQLite database,
                readable by its owner alone.
            score: A learned score of orders, from ``checkoutflow.review.score.read_model``; it can
                hold orders beside the rules of review, and nothing else.
            clock: Tells the time: aware, in UTC.
            random: Gives random bytes fit for keys.
            http: A client of the shop's own, with its proxy or certificates.
            telemetry: Who is told of every call, effect and outcome: an
                ``checkoutflow.otel.OpenTelemetry``.

        Raises:
            UsageError: If a method names a provider that is not there, a provider's certificate
                cannot be used, or keys are needed.
            VaultError: If the key file cannot be used, or is lost while the store holds people.
        """
        self._store = store
        self._clock = clock
        self._random = random
        self._http = host.SyncHttp(http)
        self._programs = Programs(
            shop,
            providers,
            keys or host.default_keys(store, random),
            issuers,
            Lookups(registers, clock),
            score,
        )
        self._programs.meet(partners)
        self.telemetry = Safe(telemetry) if telemetry is not None else None
        self._sight = Sight(store, clock, self._programs.providers)
        if self.telemetry is not None:
            self.telemetry.watch(self._sight)
        if http is None:
            host.check_certificates(self._programs.providers.values())

    # Driving ---------------------------------------------------------------------------------

    def _perform(self, effect: Effect) -> Any:  # noqa: ANN401 -- each effect has its own answer
        match effect:
            case AskStore():
                answer = effect.on(self._store)
                log_written(effect.call, effect.arguments, answer)
                return answer
            case Now():
                return self._clock()
            case Random():
                return self._random(effect.count)
            case Send():
                return self._http.send(effect)
            case Consult():
                return effect.perform()
            case _:
                assert_never(effect)

    def _run(
        self,
        program: Program[T],
        name: str = "",
        *,
        provider: str = "",
        caught: type[Exception] = CheckoutError,
    ) -> T:
        """Run a program, watched if anybody watches.

        Args:
            program: What to run.
            name: The method that was called, where the program has another name.
            provider: Whose webhook it takes in.
            caught: What the program is told of, to go on from there.
        """
        if self.telemetry is None:
            return drive(program, self._perform, caught)
        known = provider if provider in self._programs.providers else ""
        with calling(self.telemetry, name or name_of(program), known) as watch:

            def perform(effect: Effect) -> Any:  # noqa: ANN401 -- as `_perform`
                with watch.effect(effect) as seen:
                    seen.answer = self._perform(effect)
                return seen.answer

            return drive(program, perform, caught)

    def _act(
        self, checkout_id: str, command: c.Command, idempotency_key: str, name: str = ""
    ) -> Checkout:
        program = self._programs.act(checkout_id, [command], {}, idempotency_key)
        return self._run(program, name or command.name.value)

    def close(self) -> None:
        """Let go of connections and files."""
        if self.telemetry is not None:
            self.telemetry.leave(self._sight)
        self._http.close()
        self._store.close()

    def __enter__(self) -> Self:
        """Use it in a ``with`` block, which closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    # The customer ----------------------------------------------------------------------------

    def start(  # noqa: PLR0913 -- whatever can be known at the start
        self,
        cart: Cart,
        *,
        market: str,
        locale: str = "",
        customer: Customer = "consumer",
        adult: bool | None = None,
        details: Mapping[str, str] | None = None,
        delivery: str = "",
        payment: str = "",
        login: str = "",
        idempotency_key: str = "",
    ) -> Checkout:
        """Begin a checkout.

        Args:
            cart: What is bought, at the shop's prices.
            market: Country or territory code where the goods go: ``SE``, ``AX``.
            locale: Language and country of the customer: ``sv_SE``; the market's by default.
            customer: ``consumer`` or ``business``.
            adult: Whether the customer is 18 or older, where the shop knows: credit is only for
                adults.
            details: Contact fields that the shop knows already, as ``provide`` takes them.
            delivery: Way of delivery, where it is chosen already. If there is only one, it is
                taken without asking.
            payment: Way to pay, where it is chosen already.
            login: The shop's own name for a customer who is logged in with the shop. Whoever is
                remembered under it has everything filled in, and can buy with the next call.
            idempotency_key: The shop's own key for this call.

        Raises:
            InvalidInput: If the cart, market or a detail is wrong; ``field`` says which.
        """
        return self._run(
            self._programs.start(
                cart,
                market,
                locale,
                customer,
                adult,
                details or {},
                choices(delivery, payment),
                login,
                idempotency_key,
            )
        )

    def change_cart(
        self, checkout_id: str, cart: Cart, *, market: str = "", idempotency_key: str = ""
    ) -> Checkout:
        """Put another cart, or other prices, in place. Choices that no longer fit are dropped.

        Args:
            checkout_id: Which checkout.
            cart: What is bought now, in the currency of the market.
            market: Where the goods go now, if the customer moved to another market; the address
                is then asked for again.
            idempotency_key: The shop's own key for this call.
        """
        command = c.ChangeCart(cart=cart, market=market)
        return self._act(checkout_id, command, idempotency_key)

    def provide(
        self,
        checkout_id: str,
        *,
        delivery: str = "",
        payment: str = "",
        idempotency_key: str = "",
        **details: str,
    ) -> Checkout:
        """Take in contact details, and with them choices if they were made on the same page.

        Args:
            checkout_id: Which checkout.
            delivery: Way of delivery, if chosen together with the details.
            payment: Way to pay, if chosen together with the details.
            idempotency_key: The shop's own key for this call.
            details: ``email``, ``name``, ``street``, ``postal_code``, ``city``, ``phone``,
                ``organisation``, ``organisation_number``, ``country``, ``gift_card_code``. They go
                sealed into the vault. Those that nothing in the order needs are not taken:
                ``view.missing`` has those to ask for.

        Raises:
            InvalidInput: If one of them cannot be right or nothing needs it; ``field`` says which,
                and the message gives an example, or what does need it.
        """
        commands = choices(delivery, payment)
        return self._run(
            self._programs.act(checkout_id, commands, details, idempotency_key), "provide"
        )

    def hints(
        self, checkout_id: str, *, client: str = "", locale: str = "", **typed: str
    ) -> tuple[Hint, ...]:
        """What there is to say to what the customer is typing; nothing of it is kept.

        Call it from a request of its own whenever a field was left: a register has two seconds, and
        all of them together not much more. A field that cannot be right yet gives no hint;
        ``provide`` is what refuses. Once the customer has bought there are no hints.

        Args:
            checkout_id: Which checkout.
            client: Network address of the customer, to hold down how often registers are asked;
                only a keyed digest of it is kept, for as long as it counts.
            locale: In which language; by default the checkout's.
            typed: What is on the page, as for ``provide``. Where a business buys, its
                ``organisation_number`` fills in the rest.

        Raises:
            InvalidInput: If a field is none that customers give.
        """
        program = self._programs.hints(checkout_id, typed, client, locale)
        # Whatever goes wrong with a register, the program makes a hint of it.
        return self._run(program, caught=Exception)

    def recognise(
        self, checkout_id: str, *, client: str = "", idempotency_key: str = "", **given: str
    ) -> Checkout:
        """Ask whether the customer is somebody who is remembered.

        The answer is the same for everybody. Where there is somebody, a code waits to be sent (see
        ``code``); with it, ``verify`` fills in what is known.

        Args:
            checkout_id: Which checkout.
            client: Network address of the customer, to hold down guessing; only a keyed digest of
                it is kept, for as long as it counts.
            idempotency_key: The shop's own key for this call.
            given: ``email`` and ``postal_code``, ``phone``, or ``organisation_number``.

        Raises:
            TooManyTries: If it was tried too often.
        """
        return self._run(self._programs.recognise(checkout_id, given, client, idempotency_key))

    def ask_again(self, checkout_id: str, *, idempotency_key: str = "") -> Checkout:
        """Let another code be sent; the one before stops working.

        Raises:
            NotVerified: If none was asked for, too many were, or the last one is too young.
        """
        return self._act(checkout_id, c.AskAgain(), idempotency_key, "ask_again")

    def code(self, checkout_id: str) -> CodeToSend | None:
        """The code to send for a message ``code_asked``; None where nothing is to be sent.

        Call it from where messages are taken, not from where the customer waits: how long sending
        takes would tell whether there is anybody.
        """
        return self._run(self._programs.code(checkout_id))

    def changes_to_tell(self, message: Message) -> tuple[ChangeToTell, ...]:
        """What to send for a message ``contact_changed``, to where a customer was reached before.

        The same each time it is asked for until the address goes, after two weeks or with the
        person; the reading is on record.
        """
        return self._run(self._programs.changes_to_tell(message))

    def verify(self, checkout_id: str, code: str, *, idempotency_key: str = "") -> Checkout:
        """Take the code that the customer typed; what is known of them is filled in.

        A code serves once: with a key, a repeat of the call that it served is answered.

        Raises:
            NotVerified: If it is wrong, used up or over; it does not say which.
        """
        return self._run(self._programs.verify(checkout_id, code, idempotency_key))

    def begin_login(
        self, checkout_id: str, issuer: str, *, return_url: str, fields: Collection[str] = ()
    ) -> str:
        """Where to send a customer who shows at an issuer who they are.

        Args:
            checkout_id: Which checkout.
            issuer: Its name in the shop's settings.
            return_url: Where they come back to; hand what follows its question mark to
                ``finish_login``, with the checkout of the browser's own session.
            fields: Contact fields (or ``birth_date``) that they are asked to share; none that the
                sale does not need.

        Raises:
            TransportError: If the issuer does not answer.
        """
        return self._run(self._programs.begin_login(checkout_id, issuer, return_url, fields))

    def finish_login(self, checkout_id: str, query: str) -> Checkout:
        """Take in what a customer came back from an issuer with; what is known is filled in.

        Args:
            checkout_id: The checkout of the browser's own session: never one from the address.
            query: What follows the question mark; raw.

        Raises:
            NotVerified: If they are not waited for, were away too long, or said no.
            UntrustedProof: If it does not prove who they are.
        """
        return self._run(self._programs.finish_login(checkout_id, query))

    def consent(
        self, checkout_id: str, *, locale: str = "", idempotency_key: str = "", **consents: bool
    ) -> Checkout:
        """Note what the customer agrees to, or takes back; in any phase.

        Who is known in this checkout, or began to be remembered by it, and says no to ``profile``
        is forgotten in this call. So hand over what the customer said, not boxes left alone.

        Args:
            checkout_id: Which checkout.
            locale: In which language they read it; by default the checkout's.
            idempotency_key: The shop's own key for this call.
            consents: ``marketing``, ``no_marketing``, ``analytics``, ``profile``,
                ``credit_check``: True if given.
        """
        return self._run(self._programs.consent(checkout_id, consents, locale, idempotency_key))

    def choose_delivery(
        self, checkout_id: str, delivery: str, *, idempotency_key: str = ""
    ) -> Checkout:
        """Choose a way of delivery; its price is in the total from then on."""
        return self._act(checkout_id, c.ChooseDelivery(delivery=delivery), idempotency_key)

    def choose_payment(
        self, checkout_id: str, method: str, *, idempotency_key: str = ""
    ) -> Checkout:
        """Choose how to pay what gift cards and store credit do not cover."""
        return self._act(checkout_id, c.ChoosePayment(method=method), idempotency_key)

    def add_credit(
        self,
        checkout_id: str,
        method: str,
        amount: Money,
        *,
        code: str = "",
        idempotency_key: str = "",
    ) -> Checkout:
        """Let a gift card or store credit cover part of the total.

        Args:
            checkout_id: Which checkout.
            method: The shop's id of the gift card or store credit method.
            amount: How much of it to use; at most what is left to pay.
            code: The code on the card; for store credit that of the customer's account, which the
                shop's server knows and the page does not. It goes into the vault.
            idempotency_key: The shop's own key for this call.
        """
        details = {self._programs.code_field(method): code} if code else {}
        command = c.AddCredit.read({"method": method, "amount": amount})
        return self._run(
            self._programs.act(checkout_id, [command], details, idempotency_key), "add_credit"
        )

    def remove_credit(
        self, checkout_id: str, method: str, *, idempotency_key: str = ""
    ) -> Checkout:
        """Do not use that gift card or store credit after all."""
        return self._act(checkout_id, c.RemoveCredit(method=method), idempotency_key)

    def answer_insurance(
        self,
        checkout_id: str,
        covers: Mapping[str, bool],
        *,
        answers: Mapping[str, str] | None = None,
        idempotency_key: str = "",
    ) -> Checkout:
        """Take covers that the view offers, or decline them; either is one call.

        Hand over what the customer did. What is declined is not offered again for the same goods,
        and what is accepted can be declined until the order is placed.

        Args:
            checkout_id: Which checkout.
            covers: By the offer's id, whether the customer wants it.
            answers: What they answered about demands and needs: answer by question.
            idempotency_key: The shop's own key for this call.

        Raises:
            InvalidInput: If there is no such offer, question or answer.
            NotSupported: If it cannot be had here, or is not for somebody with these answers.
            DetailsMissing: If a question is not answered.
        """
        command = c.AnswerInsurance.read({"covers": covers, "answers": answers or {}})
        return self._act(checkout_id, command, idempotency_key)

    def quote_insurance(self, checkout_id: str, *, idempotency_key: str = "") -> Checkout:
        """Ask partners what the covers that they quote cost for this cart.

        Call it before showing the offers, where products are ``quoted_by`` a partner. Nothing is
        raised if a partner does not answer: its covers are not offered then, and the sale goes on.
        What is quoted already, and holds, is not asked again.
        """
        return self._run(self._programs.quote_insurance(checkout_id, idempotency_key))

    def place(
        self,
        checkout_id: str,
        *,
        accepted_total: Money,
        accepts_credit: bool = False,
        return_url: str = "",
        could_say_no: bool = False,
        network: str = "",
        network_country: str = "",
        idempotency_key: str = "",
    ) -> Checkout:
        """The customer buys. Look at ``next_action`` of what comes back, and at its phase.

        Args:
            checkout_id: Which checkout.
            accepted_total: The total that the customer saw and accepted.
            accepts_credit: Whether the customer agreed to the credit, where the view says that it
                needs a consent of its own.
            return_url: Where a provider sends the customer's browser back to. Call `reconcile`
                there: coming back proves nothing. It stays in the journal for good, so nothing
                personal belongs in it: name the order by the checkout's id. Telephone numbers and
                names cannot be told from other words, and are yours to keep out.
            could_say_no: Whether the view's box ``no_marketing`` was on the page. Only then may
                who left it alone be sent offers; who ticked it says so with ``consent``.
            network: The customer's IP address as the shop's server sees it, for signals of review
                and for the limit on tries (``shop.tries``), which counts nobody without it; only a
                keyed digest of it is kept, and that for thirty days.
            network_country: ISO 3166 code of the country that it is in, where the shop knows.
            idempotency_key: The shop's own key for this call.

        Raises:
            InvalidInput: If the network is no IP address, or the address to come back to is none of
                the shop's ``return_origins``, or a card number or an e-mail address is in it.
            TooManyTries: If a way to pay was tried too often in this checkout, or from this
                network.
            DetailsMissing: If something was not asked or chosen yet.
            TotalChanged: If the total is another one; both numbers are in it.
        """
        return self._run(
            self._programs.place(
                checkout_id,
                accepted_total,
                return_url,
                idempotency_key,
                accepts_credit=accepts_credit,
                could_say_no=could_say_no,
                network=Network(network_of(network), network_country),
            )
        )

    # Reviewers -----------------------------------------------------------------------------------

    def reviews(self, *, limit: int = 100) -> tuple[Waiting, ...]:
        """Orders that wait for a person, the most urgent first; nothing personal.

        Args:
            limit: At most so many: those whose deadline comes first.
        """
        return self._run(self._programs.reviews(limit))

    def review(self, checkout_id: str) -> ReviewFile:
        """What a decision needs and is not personal: details and notes stay closed.

        Raises:
            NotFound: If the order was not held.
        """
        return self._run(self._programs.review(checkout_id))

    def open_review(self, checkout_id: str, *, reviewer: str) -> ReviewFile:
        """Everything that a decision needs, the customer's details and all notes among it.

        That they were read, and by whom, is on record. Show it to that reviewer alone.

        Raises:
            NotFound: If the order was not held.
            PurposeRefused: If the person asked that their data only be kept.
        """
        return self._run(self._programs.open_review(checkout_id, reviewer))

    def claim(self, checkout_id: str, *, reviewer: str, idempotency_key: str = "") -> Checkout:
        """A reviewer takes a held order on; nobody else decides it while the lease lasts.

        Claim it again to have it for longer. Whoever vanishes loses it with the lease.

        Raises:
            ReviewTaken: If another reviewer has it.
            ReviewOver: If it does not wait for a decision any more.
        """
        return self._act(checkout_id, c.Claim.read({"reviewer": reviewer}), idempotency_key)

    def release(self, checkout_id: str, *, reviewer: str, idempotency_key: str = "") -> Checkout:
        """A reviewer lets go of an order, for another one to take.

        Raises:
            ReviewTaken: If they do not have it.
            ReviewOver: If it does not wait for a decision any more.
        """
        return self._act(checkout_id, c.Release.read({"reviewer": reviewer}), idempotency_key)

    def hand_over(
        self, checkout_id: str, *, reviewer: str, to: str, idempotency_key: str = ""
    ) -> Checkout:
        """A reviewer gives an order to another one, who has it from now on.

        Raises:
            ReviewTaken: If they do not have it.
            ReviewOver: If it does not wait for a decision any more.
        """
        command = c.HandOver.read({"reviewer": reviewer, "to": to})
        return self._act(checkout_id, command, idempotency_key)

    def note(
        self, checkout_id: str, text: str, *, reviewer: str, idempotency_key: str = ""
    ) -> Checkout:
        """Write a note about a held order. It is sealed, and shown by ``open_review`` alone.

        Raises:
            InvalidInput: If it is empty, too long, or holds a card number.
            ReviewOver: If it does not wait for a decision any more.
        """
        return self._run(self._programs.note(checkout_id, reviewer, text, idempotency_key))

    def ask(
        self,
        checkout_id: str,
        what: str,
        *,
        reviewer: str,
        by: str = "",
        idempotency_key: str = "",
    ) -> Checkout:
        """Ask the customer for something before deciding. The deadline goes on.

        The shop is told by a message ``review_asked`` (`review_notice` has the words), and by
        ``review_answered`` when the customer has done it; what came of it is on the review.

        Args:
            checkout_id: Which checkout.
            what: ``code``: a code, sent to the order's own telephone or mailbox: on the page that
                the customer comes to call `ask_again`, and `verify` with what they type.
                ``login``: to show at an issuer who they are, with `begin_login`. ``contact``: to
                get in touch; `answer` takes what they write.
            reviewer: Who asks.
            by: Where a code goes: ``email`` or ``phone``.
            idempotency_key: The shop's own key for this call.

        Raises:
            InvalidInput: If there is nowhere to send a code to.
            ReviewTaken: If another reviewer has the order.
            ReviewOver: If it does not wait for a decision any more.
        """
        return self._run(self._programs.ask(checkout_id, reviewer, what, by, idempotency_key))

    def answer(self, checkout_id: str, text: str, *, idempotency_key: str = "") -> Checkout:
        """Take what the customer wrote, where a reviewer asked; it is kept as a note.

        Raises:
            InvalidInput: If it is empty, too long, or holds a card number.
            UsageError: If nobody waits for it.
        """
        return self._run(self._programs.answer(checkout_id, text, idempotency_key))

    def approve(self, checkout_id: str, *, reviewer: str, idempotency_key: str = "") -> Checkout:
        """A reviewer lets a held order through; where two must, the second yes confirms it.

        Raises:
            NeedsAnother: If the first of two approves again.
            ReviewTaken: If another reviewer has the order.
            ReviewOver: If it does not wait for a decision any more; ``why`` says what came before.
        """
        return self._act(checkout_id, c.Approve.read({"reviewer": reviewer}), idempotency_key)

    def reject(
        self, checkout_id: str, *, reviewer: str, reason: str = "other", idempotency_key: str = ""
    ) -> Checkout:
        """A reviewer turns a held order down; what is reserved is voided.

        Args:
            checkout_id: Which checkout.
            reviewer: Who.
            reason: One of ``checkoutflow.review.RejectReason``.
            idempotency_key: The shop's own key for this call.

        Raises:
            ReviewTaken: If another reviewer has the order.
            ReviewOver: If it does not wait for a decision any more; ``why`` says what came before.
        """
        command = c.Reject.read({"reviewer": reviewer, "reason": reason})
        return self._act(checkout_id, command, idempotency_key)

    def review_notice(self, checkout_id: str, *, contact: str, locale: str = "") -> tuple[str, ...]:
        """What to tell the customer of an order that is held, asked about or turned down.

        Args:
            checkout_id: Which checkout.
            contact: How the shop is reached by who wants to be heard: an address or a page.
            locale: Another language than the checkout's.

        Returns:
            Paragraphs; none where there is nothing to tell.
        """
        return self._run(self._programs.notice(checkout_id, contact, locale), "review_notice")

    def tell_reviewers(self, ports: Collection[Port], *, limit: int = 1000) -> Told:
        """Tell reviewers what waits for them: hand on messages ``review_waits``.

        Call it from a scheduler, as `run_due`; the shop's settings name the message. A message that
        a port fails to take stays, and is handed to all of them again.

        Args:
            ports: Whom to tell: see ``checkoutflow.flow.alerting``.
            limit: Look at so many of the messages that were kept for the shop.
        """
        told = Told()
        for message, order in self._run(self._programs.to_tell(limit), "tell_reviewers"):
            told = told.after(message, order, ports)
        self.delivered(told.done)
        return told

    def review_figures(self) -> Figures:
        """What came of reviewing, in figures; nobody's data is among them.

        Reads every order that there is: once in a while, and not for every visitor.
        """
        return self._run(review_figures())

    def watch_score(self, *, recent: int = RECENT) -> Drift | None:
        """Look whether orders are still those that the learned score knows.

        If too much has moved, every flow on this store leaves the score out, and goes by the rules
        alone, until a later call finds otherwise; `listings` has it as ``score``. Call it at night.
        None where there is no score.

        Args:
            recent: So many of the latest orders are read, however many there are.
        """
        return self._run(self._programs.watch_score(recent))

    # The shop --------------------------------------------------------------------------------

    def ship(
        self,
        checkout_id: str,
        lines: Mapping[str, int] | None = None,
        *,
        idempotency_key: str = "",
    ) -> Checkout:
        """Capture what these units cost; hand them over once the shipment is ``done``.

        Args:
            checkout_id: Which checkout.
            lines: Units by line id; everything that is left by default.
            idempotency_key: The shop's own key for this call.

        Raises:
            OutcomeUnknown: If an earlier operation has no known outcome yet.
            NotSupported: If the provider cannot capture in parts.
            Contradiction: If the provider's last word about the payment cannot be.
        """
        return self._act(checkout_id, c.Ship.read({"lines": lines or {}}), idempotency_key)

    def capture_again(
        self, checkout_id: str, shipment: str, *, idempotency_key: str = ""
    ) -> Checkout:
        """Take the money for a shipment whose capture failed after it had left."""
        return self._act(checkout_id, c.CaptureAgain(shipment=shipment), idempotency_key)

    def record_payment(
        self,
        checkout_id: str,
        *,
        invoice: int,
        amount: Money,
        received_on: date,
        idempotency_key: str = "",
    ) -> Checkout:
        """Tell what arrived at the shop's bank for one of its own invoices.

        Two equal amounts on one day are two payments: give the bank's own name for the entry as
        the key, so that reading a statement twice counts once.

        Args:
            checkout_id: Which checkout; see `find_invoice`.
            invoice: The invoice's number.
            amount: What arrived. Below zero for what the shop paid back to the customer.
            received_on: The day by the bank's statement.
            idempotency_key: The shop's own key for this call.

        Raises:
            NotFound: If the checkout has no such invoice.
            InvalidInput: If the amount is in another currency, or the day lies in the future.
            UsageError: If more is paid back than has arrived.
        """
        command = c.RecordPayment.read(
            {"invoice": invoice, "amount": amount, "received_on": received_on}
        )
        return self._act(checkout_id, command, idempotency_key)

    def refund(
        self,
        checkout_id: str,
        lines: Mapping[str, int] | None = None,
        *,
        amount: Money | None = None,
        by: Sequence[str] = (),
        idempotency_key: str = "",
    ) -> Checkout:
        """Give money back: for returned units what they cost, or a plain amount.

        Args:
            checkout_id: Which checkout.
            lines: Returned units by line id.
            amount: Instead of lines, a plain amount.
            by: Who decided it, in the shop's own words; on record. Above the shop's
                ``two_refund_above`` two are named: who they are, the shop sees to.
            idempotency_key: The shop's own key for this call.

        Raises:
            NeedsAnother: If it takes two people to decide this.
            UsageError: If more than was captured would be given back.
            OutcomeUnknown: If an earlier operation has no known outcome yet.
        """
        command = c.Refund.read({"lines": lines or {}, "amount": amount, "by": tuple(by)})
        return self._act(checkout_id, command, idempotency_key)

    def record_chargeback(
        self,
        checkout_id: str,
        *,
        amount: Money,
        is_fraud: bool = True,
        idempotency_key: str = "",
    ) -> Checkout:
        """Tell that the customer's bank took money back; later orders are judged by it.

        Args:
            checkout_id: Which checkout.
            amount: How much. The books stay as they are: they tell what the provider did.
            is_fraud: Whether it was because the customer says that they never ordered.
            idempotency_key: The shop's own key for this call; the case's number serves.

        Raises:
            UsageError: If more would have been taken back than was captured.
        """
        command = c.RecordChargeback.read({"amount": amount, "is_fraud": is_fraud})
        return self._act(checkout_id, command, idempotency_key)

    def resolve(
        self,
        checkout_id: str,
        attempt: str,
        *,
        is_done: bool,
        seen_in: str,
        by: Sequence[str],
        is_taken: bool = False,
        released: Money | None = None,
        idempotency_key: str = "",
    ) -> Checkout:
        """Tell what became of an operation that the provider has not told of for a day.

        Look it up before; what follows is what would have followed its answer. What the provider
        says later is believed over this, as far as the books allow.

        Args:
            checkout_id: Which checkout.
            attempt: Which operation, of the payment's ``open_attempts``.
            is_done: Whether the money moved.
            seen_in: Where that was seen, one of ``checkoutflow.payment.outcomes.Evidence``:
                ``portal``, ``settlement`` or ``provider``.
            by: Who saw it, in the shop's own words; on record. Above the shop's
                ``two_resolve_above`` two are named: who they are, the shop sees to.
            is_taken: Of a reservation that was done: the money was taken at once.
            released: Of a void that was done: how much, where it was less than was asked for.
            idempotency_key: The shop's own key for this call.

        Raises:
            InvalidInput: If that does not fit the operation.
            NeedsAnother: If it takes two people to say this.
            NotFound: If there is no such attempt.
            UsageError: If it has its answer, or the provider is still asked.
        """
        command = c.Resolve.read(
            {
                "attempt": attempt,
                "is_done": is_done,
                "is_taken": is_taken,
                "released": released,
                "seen_in": seen_in,
                "by": tuple(by),
            }
        )
        return self._act(checkout_id, command, idempotency_key)

    def cancel_cover(self, checkout_id: str, cover: str, *, idempotency_key: str = "") -> Checkout:
        """The customer gives a cover back in the time they have; all that they paid goes back.

        Args:
            checkout_id: Which checkout.
            cover: Its id, as it was offered.
            idempotency_key: The shop's own key for this call.

        Raises:
            NotFound: If no such cover stands.
            UsageError: If its time is over; it ends with the return of what it covers.
            OutcomeUnknown: If an earlier operation has no known outcome yet.
        """
        return self._act(checkout_id, c.CancelCover(cover=cover), idempotency_key)

    def replace(
        self, checkout_id: str, lines: Mapping[str, int], *, idempotency_key: str = ""
    ) -> Checkout:
        """Note that faulty units came back and others were sent for them; covers go on.

        No money moves. For what is not replaced, call ``refund``.

        Args:
            checkout_id: Which checkout.
            lines: Units by line id.
            idempotency_key: The shop's own key for this call.
        """
        return self._act(checkout_id, c.Replace.read({"lines": lines}), idempotency_key)

    def choose_again(self, checkout_id: str, *, idempotency_key: str = "") -> Checkout:
        """Let go of a payment that waits for the customer, who wants to pay another way.

        Call it where the customer comes back without having paid. Once the provider has let go the
        checkout is open for another choice; look at its phase, or wait for `run_due`.
        """
        return self._act(checkout_id, c.ChooseAgain(), idempotency_key)

    def cancel(
        self,
        checkout_id: str,
        lines: Mapping[str, int] | None = None,
        *,
        idempotency_key: str = "",
    ) -> Checkout:
        """Cancel the checkout, or what of the order has not left; what is reserved is voided."""
        return self._act(checkout_id, c.Cancel.read({"lines": lines or {}}), idempotency_key)

    # Links ---------------------------------------------------------------------------------------

    def link(
        self,
        checkout_id: str,
        purpose: str,
        *,
        audience: str = "",
        life: timedelta | None = None,
    ) -> Secret:
        """Make a token for a link that the customer gets: whoever has it can follow it.

        Put it behind the ``#`` of an address, which no server's log and no other site gets to see,
        and have the page send it back in the body of a request.

        Args:
            checkout_id: Which checkout it opens.
            purpose: ``return``, ``resume``, ``pay``, ``receipt``, ``download``, ``unsubscribe`` or
                ``review``. It opens nothing else.
            audience: Who takes it, in the shop's own words: the name of a site, or a reviewer's.
            life: How long it lives; by default from a day to a year, as
                `checkoutflow.privacy.links.LIVES` has it.

        Raises:
            InvalidInput: If there is no such purpose, or it would live for no time or too long.
            NotFound: If there is no such checkout.
        """
        return self._run(self._programs.link(checkout_id, purpose, audience, life))

    def open_link(self, token: str, purpose: str, *, audience: str = "") -> Checkout:
        """The checkout that a link is for.

        A link that changes something serves once, and this uses it up: ``resume``, ``pay``,
        ``unsubscribe`` and ``review``. So call it when the customer presses a button, not when the
        address is fetched: what looks at mail before people do fetches addresses.

        Args:
            token: As it came; its purpose is not taken from it.
            purpose: What the page that got it is for.
            audience: As it was given to `link`.

        Raises:
            UntrustedLink: If it is over, used, of another purpose or audience, or none of ours.
        """
        return self._run(self._programs.open_link(token, purpose, audience))

    # Looking ---------------------------------------------------------------------------------

    def load(self, checkout_id: str) -> Checkout:
        """The checkout as it stands.

        Raises:
            NotFound: If there is none with this id.
        """
        return self._run(self._programs.load(checkout_id))

    def view(self, checkout_id: str, *, locale: str = "", explain: bool = False) -> View:
        """What a front end needs next, in the checkout's language or another one.

        Args:
            checkout_id: Which checkout.
            locale: Another language than the checkout's.
            explain: Also say what is not offered and why, and what the law changed. For the shop.
        """
        return self._run(self._programs.view(checkout_id, locale, explain=explain))

    def find_invoice(self, reference: str, *, market: str) -> tuple[Checkout, Invoice]:
        """The invoice that a payment quotes, and its checkout.

        Args:
            reference: As the customer or the bank wrote it.
            market: In which market the bank account is that it was paid to.

        Raises:
            InvalidReference: If it was copied wrong; the message says how.
            NotFound: If no invoice has it.
        """
        return self._run(self._programs.find_invoice(reference, market))

    def journal(self, checkout_id: str) -> Sequence[JournalEntry]:
        """Everything that happened to a checkout, in order."""
        return self._run(self._programs.journal(checkout_id))

    def details(self, checkout_id: str, purpose: Purpose, *, by: str = "shop") -> Mapping[str, str]:
        """The customer's contact fields that a purpose allows, out of the vault.

        Args:
            checkout_id: Which checkout.
            purpose: What they will be used for.
            by: Who reads them, in the shop's own words; it is on record, the values are not.

        Raises:
            PurposeRefused: If the person asked that their data only be kept.
        """
        return self._run(self._programs.details(checkout_id, purpose, by))

    def bordereau(self, insurer: str, *, first: date, last: date) -> Bordereau:
        """What an insurer is told: every cover that began or ended in a period.

        Reads every order that there is; for a report, not for a page.

        Args:
            insurer: Its id in the shop's settings.
            first: First day of the period, in UTC, by when a thing was written down.
            last: Its last.
        """
        return self._run(self._programs.bordereau(insurer, first, last))

    def checkouts(
        self, phases: Collection[str] = (), *, after: str = "", limit: int = 100
    ) -> Sequence[str]:
        """Ids of checkouts in these phases (all by default), in order, after an id."""
        return self._run(self._programs.checkouts(phases, after, limit))

    # People's rights ----------------------------------------------------------------------

    def find_people(self, **given: str) -> tuple[str, ...]:
        """References of everybody whom an ``email``, ``phone`` or ``login`` finds.

        For answering people about themselves; see that they are who they say first. Each sale has
        a reference of its own, and who is remembered has one for all.

        Raises:
            InvalidInput: If none of them is given, or one cannot be right.
        """
        return self._run(self._programs.find_people(given))

    def export_person(self, person: str) -> Export:
        """Everything that is kept about a person, for that person.

        Raises:
            NotFound: If nothing is.
        """
        return self._run(self._programs.export(person), "export_person")

    def correct_person(self, person: str, *, market: str, **details: str) -> None:
        """Put right what is kept of a person; a voucher in the books stays as it was.

        Whoever is remembered and gets another ``email`` or ``phone`` is told at the old one, by a
        message ``contact_changed``.

        Args:
            person: Under what reference.
            market: Country or territory code of a postal code or telephone among the details.
            details: Contact fields, as for ``provide``.

        Raises:
            InvalidInput: If a value cannot be right.
            NotFound: If nothing is kept under this reference.
        """
        self._run(self._programs.correct(person, details, market), "correct_person")

    def restrict_person(self, person: str, *, is_restricted: bool = True) -> None:
        """Only keep the data of a person and their sales from now on; with False, use it again.

        Raises:
            NotFound: If nothing is kept under this reference.
        """
        self._run(self._programs.restrict(person, is_restricted=is_restricted), "restrict_person")

    def opt_out(self, *, on: date, source: str, market: str, **by: str) -> tuple[str, ...]:
        """Send no more offers to whoever an ``email`` or ``phone`` finds, and to their sales.

        For what registers and mailings tell. Who said yes after that day stays, and telling it
        again changes nothing.

        Args:
            on: The day of the opt-out.
            source: Who says so, such as a file and a row; it is kept as the proof.
            market: Country or territory code of a telephone without a country code.
            by: ``email``, ``phone`` or both.

        Returns:
            References of those for whom it is new.

        Raises:
            InvalidInput: If neither is given, one cannot be right, or the day is still to come.
        """
        return self._run(self._programs.opt_out(by, market, on, source))

    def erase_person(self, person: str, *, reason: str = "asked") -> Erased:
        """Destroy the keys of a person and of their sales.

        What the law on bookkeeping keeps stays readable for that purpose alone, until its time;
        what a sale needs that is under way, or not paid for, stays for that sale alone until it
        is over, and `run_due` erases it then. If it breaks off, the same call does the rest.

        Raises:
            NotFound: If nothing is kept under this reference.
        """
        return self._run(self._programs.erase(person, reason), "erase_person")

    def rotate_keys(self, limit: int = 10_000) -> int:
        """Wrap persons' keys under the shop's current key; gives how many were done.

        Beside everything else, and as often as it likes: 0 says that all are done, and that the
        older key can go. What was read and written meanwhile is none the worse for it.

        Raises:
            VaultError: If some cannot be opened; all others are done.
        """
        return self._run(self._programs.rotate_keys(limit))

    def forget_expired(self) -> Forgotten:
        """Remove personal data whose time is over, some hundred rows at a time.

        `run_due` does this too. Call it until nothing is removed, where much is over at once.
        """
        return self._run(self._programs.forget_expired())

    # Lists ---------------------------------------------------------------------------------------

    def block(
        self,
        *,
        reason: str,
        by: str,
        order: str = "",
        kinds: Collection[str] = (),
        days: int = 365,
        **given: str,
    ) -> tuple[ListingRow, ...]:
        """Hold every order that has something of this, whatever speaks for it.

        Args:
            reason: Why, for those who look at the list later. Nothing personal, no card number.
            by: Who decided it, in the shop's own words.
            order: A checkout whose customer is meant: what it was seen by goes on the list, and
                nobody needs to see the customer's details.
            kinds: Which of it: ``email``, ``phone``, ``address``; all by default.
            days: For how long, at most three years.
            given: Or what is meant itself: ``email``, ``phone``, ``street`` with ``postal_code``
                (and ``country``, by default the shop's own), ``network``, ``sku`` or ``market``. Of
                the customer's only keyed digests are kept.

        Returns:
            What is on the list now.

        Raises:
            InvalidInput: If nothing is given, or it cannot be right.
            NotFound: If nothing is kept any more of what the order was seen by.
        """
        return self._run(
            self._programs.put_on_list("block", given, order, kinds, reason, by, days), "block"
        )

    def allow(
        self,
        *,
        reason: str,
        by: str,
        order: str = "",
        kinds: Collection[str] = (),
        days: int = 365,
        **given: str,
    ) -> tuple[ListingRow, ...]:
        """Hold no order that has something of this, unless something of it is to be held.

        Of goods, all in the order must be allowed. Arguments and errors are those of `block`.
        """
        return self._run(
            self._programs.put_on_list("allow", given, order, kinds, reason, by, days), "allow"
        )

    def listings(
        self, *, after: tuple[str, str] = ("", ""), limit: int = 100
    ) -> Sequence[ListingRow]:
        """What is on a list, in order of kind and value, after one of them."""
        return self._run(self._programs.listings(after, limit))

    def unlist(self, kind: str, value: str) -> bool:
        """Take something off its list, by what `listings` calls it; False if it was on none."""
        return self._run(self._programs.take_off_list(kind, value), "unlist")

    # What comes by itself --------------------------------------------------------------------

    def receive(
        self,
        provider: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        query: str = "",
        look: bool = True,
    ) -> Sequence[Checkout]:
        """Take in a webhook. Safe to repeat, and in any order.

        Args:
            provider: The adapter's name.
            headers: As received.
            body: The raw bytes as received.
            query: What followed the question mark in the address, as received: some providers
                prove there who they are.
            look: False to keep it and leave the work to `run_due`, for providers that want their
                answer at once.

        Returns:
            The checkouts that it is about; none if it is about something else.

        Raises:
            UntrustedNotice: If it is not proven genuine. Answer 400 and nothing else.
        """
        return self._run(
            self._programs.receive(provider, headers, body, query, look=look), provider=provider
        )

    def reconcile(self, checkout_id: str) -> Checkout:
        """Ask the providers how this checkout's payments stand, and take in what they say."""
        return self._run(self._programs.reconcile(checkout_id))

    def run_due(self, limit: int = 100) -> Report:
        """Do what is due: deadlines, open outcomes, notices. Call it from any scheduler.

        Personal data whose time is over is removed with it.

        One checkout that fails does not keep the others from their turn; it is in the report, and
        due again in a minute, behind those that are due by then.

        Args:
            limit: At most so many checkouts, the longest overdue first.
        """
        report = Report()
        with working(self.telemetry, "run_due"):
            for due in self.due(limit):
                try:
                    self.wake(due)
                except CheckoutError as error:
                    log_failure(error, checkout_id=due.checkout)
                    report = report.with_failure(due.checkout, error)
                    with suppress(StoreError):  # then it is due at once
                        self.put_off(due)
                else:
                    report = report.with_success(due.checkout)
            self.forget_expired()
        return report

    def due(self, limit: int = 100) -> Sequence[Due]:
        """Checkouts for which something is due now, the longest overdue first.

        With `wake` and `next_due`, for a scheduler of the shop's own; `run_due` needs none of them.
        """
        return self._run(self._programs.due(limit))

    def lease_due(self, limit: int = 20, *, for_s: float = 300) -> Sequence[Due]:
        """As `due`, for one of many workers: what it is given, nobody else is.

        What came to nothing, because the worker died, is due again when the lease is over. Until
        then `due` does not know of it either.

        Args:
            limit: At most so many checkouts.
            for_s: Seconds in which all of them are woken.
        """
        return self._run(self._programs.lease_due(limit, for_s))

    def next_due(self) -> datetime | None:
        """When the next thing of all is due, be it past; None if nothing ever is."""
        return self._run(self._programs.next_due())

    def wake(self, due: Due | str) -> Checkout:
        """Do what is due for one checkout. Safe to repeat, and to do on two machines at once.

        Args:
            due: What `due` or `lease_due` gave; or a checkout's id, for whatever is due now.

        Raises:
            NotFound: If there is none with this id.
        """
        return self._run(self._programs.wake_any(due), "wake")

    def put_off(self, due: Due, *, for_s: float = 60) -> None:
        """Let a checkout whose turn failed wait, so that the others have theirs."""
        self._run(self._programs.put_off(due, for_s))

    def messages(self, limit: int = 100) -> Sequence[Message]:
        """The oldest messages that were kept for the shop; see ``Shop.messages``."""
        return self._run(self._programs.messages(limit))

    def delivered(self, taken: Iterable[Message]) -> None:
        """Forget messages once the shop has acted on them. Until then they come again."""
        self._run(self._programs.delivered(taken))
