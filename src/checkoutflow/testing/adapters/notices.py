"""Checks that only genuine notices are believed."""

from __future__ import annotations

import hmac
import sys
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING
from unittest.mock import patch

from checkoutflow.errors import UntrustedNotice
from checkoutflow.providers.contract import Webhook
from checkoutflow.testing.adapters.case import NOW, AdapterCase, Stage, expect, notice_of, pay
from checkoutflow.testing.adapters.faults import tampered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checkoutflow.providers.contract import Notice


def a_genuine_notice_is_read(case: AdapterCase) -> None:
    """A notice of the provider is read, whatever the case of its headers, and twice alike."""
    stage = case.make()
    if stage.notice is None:
        return
    paid = pay(case, stage)
    hook = stage.notice()
    readings = [
        _read(stage, replace(hook, headers={change(n): v for n, v in hook.headers.items()}))
        for change in (str, str.upper, str.lower, str.title)
    ]
    notices = readings[0]
    if not notices:
        raise AssertionError("a genuine notice must be read; yours is untrusted, or about nothing")
    expect(
        all(other == notices for other in readings),
        "header names come in any case: compare them in lower case",
    )
    for notice in notices:
        expect(
            notice.merchant_reference == paid.order.merchant_reference,
            "a notice must carry our merchant reference",
        )


def _read(stage: Stage, hook: Webhook) -> Sequence[Notice] | None:
    """What is in it, or None if it is not believed; only `UntrustedNotice` may come out."""
    try:
        return stage.provider.read_notices(hook)
    except UntrustedNotice:
        return None
    except Exception as error:
        raise AssertionError(
            f"read_notices raises {type(error).__name__} ({error}): whatever arrives, raise "
            "UntrustedNotice"
        ) from error


def a_changed_notice_is_untrusted(case: AdapterCase) -> None:
    """One changed byte in the body or the signature, and the notice is dropped."""
    stage = case.make()
    pay(case, stage)
    hook = notice_of(stage) if stage.notice else Webhook({}, b"{}", NOW.timestamp())
    headers, body = hook.headers, hook.body
    for junk in (b"", b"{}", b"[]", b"null", b"\xff", b"{" * 2000, b"<html>"):
        is_fine = case.signature == "address" or not _read(stage, replace(hook, body=junk))
        expect(is_fine, f"a notice of {junk[:10]!r} must be untrusted")
    for junk_value in ("", "x", "\u00e9", "=" * 10_000, "t=1,v1=0", "\x00"):
        junk_hook = replace(hook, headers=dict.fromkeys(headers, junk_value), query=junk_value)
        is_fine = case.signature == "none" or _read(stage, junk_hook) is None
        expect(is_fine, "a junk proof must be untrusted")
    if case.signature == "none":
        return
    bare = replace(hook, headers={}, query="")
    expect(_read(stage, bare) is None, "a notice without a proof must be untrusted")
    if case.signature not in {"header", "address"}:
        for name, changed in tampered(body):
            expect(
                changed == body or not _believed(stage, hook, changed),
                f"a notice with {name} must be untrusted: verify the raw bytes before parsing",
            )
    for place, forged in _forged(hook.query):
        expect(
            _read(stage, replace(hook, query=forged)) is None or forged == hook.query,
            f"the address changed at character {place} must be untrusted",
        )
    for name, value in headers.items():
        without = {other: headers[other] for other in headers if other != name}
        if _read(stage, replace(hook, headers=without)) is not None:
            continue  # it proves nothing, so it may change
        for place, forged in _forged(value):
            expect(
                _read(stage, replace(hook, headers={**headers, name: forged})) is None,
                f"{name} changed at character {place} must be untrusted",
            )


def _forged(text: str) -> Iterator[tuple[int, str]]:
    """The text with one letter or digit changed, for each of them."""
    for place, letter in enumerate(text):
        if letter.isalnum():
            other = "A" if letter in "wxyz0123456789" else "z"
            yield place, text[:place] + other + text[place + 1 :]


def _believed(stage: Stage, hook: Webhook, body: bytes) -> bool:
    """Whether anything comes of a changed body that the genuine one does not say as well."""
    genuine = _read(stage, hook) or ()
    return any(notice not in genuine for notice in _read(stage, replace(hook, body=body)) or ())


def an_old_notice_is_untrusted(case: AdapterCase) -> None:
    """A genuine notice that someone kept and sends again later is dropped."""
    if case.signature == "none" or case.notice_age_s is None:
        return
    stage = case.make()
    pay(case, stage)
    hook = notice_of(stage)
    age_s = case.notice_age_s
    expect(
        _read(stage, replace(hook, now_s=hook.now_s + age_s - 1)) is not None,
        f"a notice must be believed for {case.notice_age_s} s: say so in AdapterCase.notice_age_s "
        "if yours is shorter",
    )
    expect(
        _read(stage, replace(hook, now_s=hook.now_s + age_s + 1)) is None,
        f"a notice signed more than {case.notice_age_s} s ago must be untrusted",
    )


def a_foreign_notice_is_untrusted(case: AdapterCase) -> None:
    """A notice that is genuine for another merchant proves nothing to us."""
    if case.signature == "none":
        return
    stage, foreign = case.make(), case.foreign()
    pay(case, foreign)
    hook = notice_of(foreign)
    expect(
        _read(foreign, hook) is not None,
        "AdapterCase.foreign must make genuine notices of its own",
    )
    expect(
        _read(stage, hook) is None,
        "a notice signed with another merchant's secret must be untrusted",
    )


def signatures_are_compared_in_constant_time(case: AdapterCase) -> None:
    """A comparison that stops at the first wrong byte tells a forger how far they got."""
    if case.signature in {"none", "public_key"}:
        return
    stage = case.make()
    pay(case, stage)
    notice = notice_of(stage)
    compared = 0

    def watched(one: bytes, other: bytes) -> bool:
        nonlocal compared
        compared += 1
        return hmac_compare(one, other)

    hmac_compare = hmac.compare_digest
    with ExitStack() as patches:
        for module in list(sys.modules.values()):  # under whatever name it was imported
            for name, value in list(vars(module).items()):
                if value is hmac_compare:
                    patches.enter_context(patch.object(module, name, watched))
        _read(stage, notice)
    expect(compared, "compare signatures with hmac.compare_digest, not with ==")
