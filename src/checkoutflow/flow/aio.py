"""The asynchronous driver: ``AsyncCheckoutFlow``. Same programs, same names, awaited.

A store on PostgreSQL is waited for by the event loop. Any other is used from worker threads, so
that a slow disk never holds up the loop.
"""

from __future__ import annotations

from asyncio import to_thread
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar, assert_never

from checkoutflow.checkout import commands as c
from checkoutflow.errors import CheckoutError, StoreError
from checkoutflow.flow import host
from checkoutflow.flow.alerting import Told
from checkoutflow.flow.effects import AskStore, Now, Random, Send, drive_async
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
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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


class AsyncCheckoutFlow:
    """``CheckoutFlow`` for asynchronous callers: every method is there under its name, awaited."""

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
        http: httpx.AsyncClient | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        """Put a flow together; the arguments are those of ``CheckoutFlow``."""
        self._store = store
        # What a store may have beside the contract.
        self._on_this_loop: Callable[[], Any] = getattr(store, "on_this_loop", lambda: None)
        self._clock = clock
        self._random = random
        self._http = host.AsyncHttp(http)
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

    async def _perform(self, effect: Effect) -> Any:  # noqa: ANN401 -- each effect has its own answer
        match effect:
            case AskStore():
                answer = await self._ask(effect.on)
                log_written(effect.call, effect.arguments, answer)
                return answer
            case Now():
                return self._clock()
            case Random():
                return self._random(effect.count)
            case Send():
                return await self._http.send(effect)
            case Consult():
                return await to_thread(effect.perform)
            case _:
                assert_never(effect)

    async def _ask(self, call: Callable[[Store], Any]) -> Any:  # noqa: ANN401 -- as above
        awaited = self._on_this_loop()
        return await (to_thread(call, self._store) if awaited is None else awaited(call))

    async def _run(
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
            return await drive_async(program, self._perform, caught)
        known = provider if provider in self._programs.providers else ""
        with calling(self.telemetry, name or name_of(program), known) as watch:

            async def perform(effect: Effect) -> Any:  # noqa: ANN401 -- as `_perform`
                with watch.effect(effect) as seen:
                    seen.answer = await self._perform(effect)
                return seen.answer

            return await drive_async(program, perform, caught)

    async def _act(
        self, checkout_id: str, command: c.Command, idempotency_key: str, name: str = ""
    ) -> Checkout:
        program = self._programs.act(checkout_id, [command], {}, idempotency_key)
        return await self._run(program, name or command.name.value)

    async def close(self) -> None:
        """Let go of connections and files."""
        if self.telemetry is not None:
            self.telemetry.leave(self._sight)
        await self._http.close()
        if (awaited := self._on_this_loop()) is not None:
            await awaited(lambda store: store.close())
        await to_thread(self._store.close)

    async def __aenter__(self) -> Self:
        """Use it in an ``async with`` block, which closes it."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.close()

    # The customer ----------------------------------------------------------------------------

    async def start(  # noqa: PLR0913 -- as its twin
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
        """As ``CheckoutFlow.start``."""
        return await self._run(
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

    async def change_cart(
        self, checkout_id: str, cart: Cart, *, market: str = "", idempotency_key: str = ""
    ) -> Checkout:
        """As ``CheckoutFlow.change_cart``."""
        command = c.ChangeCart(cart=cart, market=market)
        return await self._act(checkout_id, command, idempotency_key)

    async def provide(
        self,
        checkout_id: str,
        *,
        delivery: str = "",
        payment: str = "",
        idempotency_key: str = "",
        **details: str,
    ) -> Checkout:
        """As ``CheckoutFlow.provide``."""
        commands = choices(delivery, payment)
        return await self._run(
            self._programs.act(checkout_id, commands, details, idempotency_key), "provide"
        )

    async def hints(
        self, checkout_id: str, *, client: str = "", locale: str = "", **typed: str
    ) -> tuple[Hint, ...]:
        """As ``CheckoutFlow.hints``."""
        program = self._programs.hints(checkout_id, typed, client, locale)
        # Whatever goes wrong with a register, the program makes a hint of it.
        return await self._run(program, caught=Exception)

    async def recognise(
        self, checkout_id: str, *, client: str = "", idempotency_key: str = "", **given: str
    ) -> Checkout:
        """As ``CheckoutFlow.recognise``."""
        return await self._run(
            self._programs.recognise(checkout_id, given, client, idempotency_key)
        )

    async def ask_again(self, checkout_id: str, *, idempotency_key: str = "") -> Checkout:
        """As ``CheckoutFlow.ask_again``."""
        return await self._act(checkout_id, c.AskAgain(), idempotency_key, "ask_again")

    async def code(self, checkout_id: str) -> CodeToSend | None:
        """As ``CheckoutFlow.code``."""
        return await self._run(self._programs.code(checkout_id))

    async def changes_to_tell(self, message: Message) -> tuple[ChangeToTell, ...]:
        """What to send to where a customer was reached before."""
        return await self._run(self._programs.changes_to_tell(message))

    async def verify(self, checkout_id: str, code: str, *, idempotency_key: str = "") -> Checkout:
        """As ``CheckoutFlow.verify``."""
        return await self._run(self._programs.verify(checkout_id, code, idempotency_key))

    async def begin_login(
        self, checkout_id: str, issuer: str, *, return_url: str, fields: Collection[str] = ()
    ) -> str:
        """As ``CheckoutFlow.begin_login``."""
        return await self._run(self._programs.begin_login(checkout_id, issuer, return_url, fields))

    async def finish_login(self, checkout_id: str, query: str) -> Checkout:
        """As ``CheckoutFlow.finish_login``."""
        return await self._run(self._programs.finish_login(checkout_id, query))

    async def consent(
        self, checkout_id: str, *, locale: str = "", idempotency_key: str = "", **consents: bool
    ) -> Checkout:
        """As ``CheckoutFlow.consent``."""
        return await self._run(
            self._programs.consent(checkout_id, consents, locale, idempotency_key)
        )

    async def choose_delivery(
        self, checkout_id: str, delivery: str, *, idempotency_key: str = ""
    ) -> Checkout:
        """As ``CheckoutFlow.choose_delivery``."""
        return await self._act(checkout_id, c.ChooseDelivery(delivery=delivery), idempotency_key)

    async def choose_payment(
        self, checkout_id: str, method: str, *, idempotency_key: str = ""
    ) -> Checkout:
        """As ``CheckoutFlow.choose_payment``."""
        return await self._act(checkout_id, c.ChoosePayment(method=method), idempotency_key)

    async def add_credit(
        self,
        checkout_id: str,
        method: str,
        amount: Money,
        *,
        code: str = "",
        idempotency_key: str = "",
    ) -> Checkout:
        """As ``CheckoutFlow.add_credit``."""
        details = {self._programs.code_field(method): code} if code else {}
        command = c.AddCredit.read({"method": method, "amount": amount})
        return await self._run(
            self._programs.act(checkout_id, [command], details, idempotency_key), "add_credit"
        )

    async def remove_credit(
        self, checkout_id: str, method: str, *, idempotency_key: str = ""
    ) -> Checkout:
        """As ``CheckoutFlow.remove_credit``."""
        return await self._act(checkout_id, c.RemoveCredit(method=method), idempotency_key)

    async def answer_insurance(
        self,
        checkout_id: str,
        covers: Mapping[str, bool],
        *,
        answers: Mapping[str, str] | None = None,
        idempotency_key: str = "",
    ) -> Checkout:
        """Take covers that the view offers, or decline them; either is one call."""
        command = c.AnswerInsurance.read({"covers": covers, "answers": answers or {}})
        return await self._act(checkout_id, command, idempotency_key)

    async def quote_insurance(self, checkout_id: str, *, idempotency_key: str = "") -> Checkout:
        """Ask partners what the covers that they quote cost for this cart."""
        return await self._run(self._programs.quote_insurance(checkout_id, idempotency_key))

    async def place(
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
        """As ``CheckoutFlow.place``."""
        return await self._run(
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

    async def reviews(self, *, limit: int = 100) -> tuple[Waiting, ...]:
        """As ``CheckoutFlow.reviews``."""
        return await self._run(self._programs.reviews(limit))

    async def review(self, checkout_id: str) -> ReviewFile:
        """As ``CheckoutFlow.review``."""
        return await self._run(self._programs.review(checkout_id))

    async def open_review(self, checkout_id: str, *, reviewer: str) -> ReviewFile:
        """As ``CheckoutFlow.open_review``."""
        return await self._run(self._programs.open_review(checkout_id, reviewer))

    async def claim(
        self, checkout_id: str, *, reviewer: str, idempotency_key: str = ""
    ) -> Checkout:
        """As ``CheckoutFlow.claim``."""
        return await self._act(checkout_id, c.Claim.read({"reviewer": reviewer}), idempotency_key)

    async def release(
        self, checkout_id: str, *, reviewer: str, idempotency_key: str = ""
    ) -> Checkout:
        """As ``CheckoutFlow.release``."""
        return await self._act(checkout_id, c.Release.read({"reviewer": reviewer}), idempotency_key)

    async def hand_over(
        self, checkout_id: str, *, reviewer: str, to: str, idempotency_key: str = ""
    ) -> Checkout:
        """As ``CheckoutFlow.hand_over``."""
        command = c.HandOver.read({"reviewer": reviewer, "to": to})
        return await self._act(checkout_id, command, idempotency_key)

    async def note(
        self, checkout_id: str, text: str, *, reviewer: str, idempotency_key: str = ""
    ) -> Checkout:
        """As ``CheckoutFlow.note``."""
        return await self._run(self._programs.note(checkout_id, reviewer, text, idempotency_key))

    async def ask(
        self,
        checkout_id: str,
        what: str,
        *,
        reviewer: str,
        by: str = "",
        idempotency_key: str = "",
    ) -> Checkout:
        """As ``CheckoutFlow.ask``."""
        return await self._run(self._programs.ask(checkout_id, reviewer, what, by, idempotency_key))

    async def answer(self, checkout_id: str, text: str, *, idempotency_key: str = "") -> Checkout:
        """As ``CheckoutFlow.answer``."""
        return await self._run(self._programs.answer(checkout_id, text, idempotency_key))

    async def approve(
        self, checkout_id: str, *, reviewer: str, idempotency_key: str = ""
    ) -> Checkout:
        """As ``CheckoutFlow.approve``."""
        return await self._act(checkout_id, c.Approve.read({"reviewer": reviewer}), idempotency_key)

    async def reject(
        self, checkout_id: str, *, reviewer: str, reason: str = "other", idempotency_key: str = ""
    ) -> Checkout:
        """As ``CheckoutFlow.reject``."""
        command = c.Reject.read({"reviewer": reviewer, "reason": reason})
        return await self._act(checkout_id, command, idempotency_key)

    async def review_notice(
        self, checkout_id: str, *, contact: str, locale: str = ""
    ) -> tuple[str, ...]:
        """As ``CheckoutFlow.review_notice``."""
        return await self._run(self._programs.notice(checkout_id, contact, locale), "review_notice")

    async def tell_reviewers(self, ports: Collection[Port], *, limit: int = 1000) -> Told:
        """As ``CheckoutFlow.tell_reviewers``."""
        told = Told()
        for message, order in await self._run(self._programs.to_tell(limit), "tell_reviewers"):
            told = await to_thread(told.after, message, order, ports)
        await self.delivered(told.done)
        return told

    async def review_figures(self) -> Figures:
        """As ``CheckoutFlow.review_figures``."""
        return await self._run(review_figures())

    async def watch_score(self, *, recent: int = RECENT) -> Drift | None:
        """As ``CheckoutFlow.watch_score``."""
        return await self._run(self._programs.watch_score(recent))

    # The shop --------------------------------------------------------------------------------

    async def ship(
        self,
        checkout_id: str,
        lines: Mapping[str, int] | None = None,
        *,
        idempotency_key: str = "",
    ) -> Checkout:
        """As ``CheckoutFlow.ship``."""
        return await self._act(checkout_id, c.Ship.read({"lines": lines or {}}), idempotency_key)

    async def capture_again(
        self, checkout_id: str, shipment: str, *, idempotency_key: str = ""
    ) -> Checkout:
        """As ``CheckoutFlow.capture_again``."""
        return await self._act(checkout_id, c.CaptureAgain(shipment=shipment), idempotency_key)

    async def record_payment(
        self,
        checkout_id: str,
        *,
        invoice: int,
        amount: Money,
        received_on: date,
        idempotency_key: str = "",
    ) -> Checkout:
        """As ``CheckoutFlow.record_payment``."""
        command = c.RecordPayment.read(
            {"invoice": invoice, "amount": amount, "received_on": received_on}
        )
        return await self._act(checkout_id, command, idempotency_key)

    async def refund(
        self,
        checkout_id: str,
        lines: Mapping[str, int] | None = None,
        *,
        amount: Money | None = None,
        by: Sequence[str] = (),
        idempotency_key: str = "",
    ) -> Checkout:
        """As ``CheckoutFlow.refund``."""
        command = c.Refund.read({"lines": lines or {}, "amount": amount, "by": tuple(by)})
        return await self._act(checkout_id, command, idempotency_key)

    async def record_chargeback(
        self,
        checkout_id: str,
        *,
        amount: Money,
        is_fraud: bool = True,
        idempotency_key: str = "",
    ) -> Checkout:
        """As ``CheckoutFlow.record_chargeback``."""
        command = c.RecordChargeback.read({"amount": amount, "is_fraud": is_fraud})
        return await self._act(checkout_id, command, idempotency_key)

    async def resolve(
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
        """As ``CheckoutFlow.resolve``."""
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
        return await self._act(checkout_id, command, idempotency_key)

    async def cancel_cover(
        self, checkout_id: str, cover: str, *, idempotency_key: str = ""
    ) -> Checkout:
        """The customer gives a cover back in the time they have; all that they paid goes back."""
        return await self._act(checkout_id, c.CancelCover(cover=cover), idempotency_key)

    async def replace(
        self, checkout_id: str, lines: Mapping[str, int], *, idempotency_key: str = ""
    ) -> Checkout:
        """Note that faulty units came back and others were sent for them; covers go on."""
        return await self._act(checkout_id, c.Replace.read({"lines": lines}), idempotency_key)

    async def choose_again(self, checkout_id: str, *, idempotency_key: str = "") -> Checkout:
        """As ``CheckoutFlow.choose_again``."""
        return await self._act(checkout_id, c.ChooseAgain(), idempotency_key)

    async def cancel(
        self,
        checkout_id: str,
        lines: Mapping[str, int] | None = None,
        *,
        idempotency_key: str = "",
    ) -> Checkout:
        """As ``CheckoutFlow.cancel``."""
        return await self._act(checkout_id, c.Cancel.read({"lines": lines or {}}), idempotency_key)

    # Links ---------------------------------------------------------------------------------------

    async def link(
        self,
        checkout_id: str,
        purpose: str,
        *,
        audience: str = "",
        life: timedelta | None = None,
    ) -> Secret:
        """As ``CheckoutFlow.link``."""
        return await self._run(self._programs.link(checkout_id, purpose, audience, life))

    async def open_link(self, token: str, purpose: str, *, audience: str = "") -> Checkout:
        """As ``CheckoutFlow.open_link``."""
        return await self._run(self._programs.open_link(token, purpose, audience))

    # Looking ---------------------------------------------------------------------------------

    async def load(self, checkout_id: str) -> Checkout:
        """As ``CheckoutFlow.load``."""
        return await self._run(self._programs.load(checkout_id))

    async def view(self, checkout_id: str, *, locale: str = "", explain: bool = False) -> View:
        """As ``CheckoutFlow.view``."""
        return await self._run(self._programs.view(checkout_id, locale, explain=explain))

    async def find_invoice(self, reference: str, *, market: str) -> tuple[Checkout, Invoice]:
        """As ``CheckoutFlow.find_invoice``."""
        return await self._run(self._programs.find_invoice(reference, market))

    async def journal(self, checkout_id: str) -> Sequence[JournalEntry]:
        """As ``CheckoutFlow.journal``."""
        return await self._run(self._programs.journal(checkout_id))

    async def details(
        self, checkout_id: str, purpose: Purpose, *, by: str = "shop"
    ) -> Mapping[str, str]:
        """As ``CheckoutFlow.details``."""
        return await self._run(self._programs.details(checkout_id, purpose, by))

    async def bordereau(self, insurer: str, *, first: date, last: date) -> Bordereau:
        """What an insurer is told: every cover that began or ended in a period."""
        return await self._run(self._programs.bordereau(insurer, first, last))

    async def checkouts(
        self, phases: Collection[str] = (), *, after: str = "", limit: int = 100
    ) -> Sequence[str]:
        """As ``CheckoutFlow.checkouts``."""
        return await self._run(self._programs.checkouts(phases, after, limit))

    # People's rights ----------------------------------------------------------------------

    async def find_people(self, **given: str) -> tuple[str, ...]:
        """As ``CheckoutFlow.find_people``."""
        return await self._run(self._programs.find_people(given))

    async def export_person(self, person: str) -> Export:
        """As ``CheckoutFlow.export_person``."""
        return await self._run(self._programs.export(person), "export_person")

    async def correct_person(self, person: str, *, market: str, **details: str) -> None:
        """As ``CheckoutFlow.correct_person``."""
        await self._run(self._programs.correct(person, details, market), "correct_person")

    async def restrict_person(self, person: str, *, is_restricted: bool = True) -> None:
        """As ``CheckoutFlow.restrict_person``."""
        await self._run(
            self._programs.restrict(person, is_restricted=is_restricted), "restrict_person"
        )

    async def opt_out(self, *, on: date, source: str, market: str, **by: str) -> tuple[str, ...]:
        """As ``CheckoutFlow.opt_out``."""
        return await self._run(self._programs.opt_out(by, market, on, source))

    async def erase_person(self, person: str, *, reason: str = "asked") -> Erased:
        """As ``CheckoutFlow.erase_person``."""
        return await self._run(self._programs.erase(person, reason), "erase_person")

    async def rotate_keys(self, limit: int = 10_000) -> int:
        """As ``CheckoutFlow.rotate_keys``."""
        return await self._run(self._programs.rotate_keys(limit))

    async def forget_expired(self) -> Forgotten:
        """As ``CheckoutFlow.forget_expired``."""
        return await self._run(self._programs.forget_expired())

    # Lists ---------------------------------------------------------------------------------------

    async def block(
        self,
        *,
        reason: str,
        by: str,
        order: str = "",
        kinds: Collection[str] = (),
        days: int = 365,
        **given: str,
    ) -> tuple[ListingRow, ...]:
        """As ``CheckoutFlow.block``."""
        return await self._run(
            self._programs.put_on_list("block", given, order, kinds, reason, by, days), "block"
        )

    async def allow(
        self,
        *,
        reason: str,
        by: str,
        order: str = "",
        kinds: Collection[str] = (),
        days: int = 365,
        **given: str,
    ) -> tuple[ListingRow, ...]:
        """As ``CheckoutFlow.allow``."""
        return await self._run(
            self._programs.put_on_list("allow", given, order, kinds, reason, by, days), "allow"
        )

    async def listings(
        self, *, after: tuple[str, str] = ("", ""), limit: int = 100
    ) -> Sequence[ListingRow]:
        """As ``CheckoutFlow.listings``."""
        return await self._run(self._programs.listings(after, limit))

    async def unlist(self, kind: str, value: str) -> bool:
        """As ``CheckoutFlow.unlist``."""
        return await self._run(self._programs.take_off_list(kind, value), "unlist")

    # What comes by itself --------------------------------------------------------------------

    async def receive(
        self,
        provider: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        query: str = "",
        look: bool = True,
    ) -> Sequence[Checkout]:
        """As ``CheckoutFlow.receive``."""
        return await self._run(
            self._programs.receive(provider, headers, body, query, look=look), provider=provider
        )

    async def reconcile(self, checkout_id: str) -> Checkout:
        """As ``CheckoutFlow.reconcile``."""
        return await self._run(self._programs.reconcile(checkout_id))

    async def run_due(self, limit: int = 100) -> Report:
        """As ``CheckoutFlow.run_due``."""
        report = Report()
        with working(self.telemetry, "run_due"):
            for due in await self.due(limit):
                try:
                    await self.wake(due)
                except CheckoutError as error:
                    log_failure(error, checkout_id=due.checkout)
                    report = report.with_failure(due.checkout, error)
                    with suppress(StoreError):  # then it is due at once
                        await self.put_off(due)
                else:
                    report = report.with_success(due.checkout)
            await self.forget_expired()
        return report

    async def due(self, limit: int = 100) -> Sequence[Due]:
        """As ``CheckoutFlow.due``."""
        return await self._run(self._programs.due(limit))

    async def lease_due(self, limit: int = 20, *, for_s: float = 300) -> Sequence[Due]:
        """As ``CheckoutFlow.lease_due``."""
        return await self._run(self._programs.lease_due(limit, for_s))

    async def next_due(self) -> datetime | None:
        """As ``CheckoutFlow.next_due``."""
        return await self._run(self._programs.next_due())

    async def wake(self, due: Due | str) -> Checkout:
        """As ``CheckoutFlow.wake``."""
        return await self._run(self._programs.wake_any(due), "wake")

    async def put_off(self, due: Due, *, for_s: float = 60) -> None:
        """As ``CheckoutFlow.put_off``."""
        await self._run(self._programs.put_off(due, for_s))

    async def messages(self, limit: int = 100) -> Sequence[Message]:
        """As ``CheckoutFlow.messages``."""
        return await self._run(self._programs.messages(limit))

    async def delivered(self, taken: Iterable[Message]) -> None:
        """As ``CheckoutFlow.delivered``."""
        await self._run(self._programs.delivered(taken))
