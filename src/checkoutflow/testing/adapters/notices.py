"""Checks that only genuine notices are believed."""

from __future__ import annotations

import hmac
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING
from unittest.mock import patch

from checkoutflow.errors import UntrustedNotice
from checkoutflow.testing.adapters.case import AdapterCase, Stage, expect, pay
from checkoutflow.testing.adapters.faults import tampered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.providers.contract import Notice


def a_genuine_notice_is_read(case: AdapterCase) -> None:
    """A notice of the provider is read, whatever the case of its headers, and twice alike."""
    stage = case.make()
    paid = pay(case, stage)
    headers, body, now_s = stage.notice()
    notices = [
        _read(stage, {change(name): value for name, value in headers.items()}, body, now_s)
        for change in (str, str.upper, str.lower, str.title)
    ]
    notice = notices[0]
    if notice is None:
        raise AssertionError("a genuine notice must be read; yours is untrusted")
    expect(
        all(other == notice for other in notices),
        "header names come in any case: compare them in lower case",
    )
    expect(notice.id, "a notice needs an id, to act on it once")
    expect(
        notice.merchant_reference == paid.order.merchant_reference,
        "a notice must carry our merchant reference",
    )


def _read(stage: Stage, headers: Mapping[str, str], body: bytes, now_s: float) -> Notice | None:
    """A notice, or None if it is not believed; nothing but `UntrustedNotice` may come out."""
    try:
        return stage.provider.read_notice(headers, body, now_s=now_s)
    except UntrustedNotice:
        return None
    except Exception as error:
        raise AssertionError(
            f"read_notice raises {type(error).__name__} ({error}): whatever arrives, raise "
            "UntrustedNotice"
        ) from error


def a_changed_notice_is_untrusted(case: AdapterCase) -> None:
    """One changed byte in the body or the signature, and the notice is dropped."""
    stage = case.make()
    pay(case, stage)
    headers, body, now_s = stage.notice()
    for junk in (b"", b"{}", b"[]", b"null", b"\xff", b"{" * 2000, b"<html>"):
        notice = _read(stage, headers, junk, now_s)
        expect(notice is None, f"a notice of {junk[:10]!r} must be untrusted")
    for junk_value in ("", "x", "\u00e9", "=" * 10_000, "t=1,v1=0", "\x00"):
        junk_headers = dict.fromkeys(headers, junk_value)
        notice = _read(stage, junk_headers, body, now_s)
        expect(case.signature == "none" or notice is None, "a junk signature must be untrusted")
    if case.signature == "none":
        return
    expect(_read(stage, {}, body, now_s) is None, "a notice without a signature must be untrusted")
    for name, changed in tampered(body):
        expect(
            changed == body or _read(stage, headers, changed, now_s) is None,
            f"a notice with {name} must be untrusted: verify the raw bytes before parsing",
        )
    for name, value in headers.items():
        without = {other: headers[other] for other in headers if other != name}
        if _read(stage, without, body, now_s) is not None:
            continue  # it proves nothing, so it may change
        for place, letter in enumerate(value):
            if letter.isalnum():
                other = "A" if letter in "wxyz0123456789" else "z"
                forged = {**headers, name: value[:place] + other + value[place + 1 :]}
                expect(
                    _read(stage, forged, body, now_s) is None,
                    f"{name} changed at character {place} must be untrusted",
                )


def an_old_notice_is_untrusted(case: AdapterCase) -> None:
    """A genuine notice that someone kept and sends again later is dropped."""
    if case.signature == "none" or case.notice_age_s is None:
        return
    stage = case.make()
    pay(case, stage)
    headers, body, now_s = stage.notice()
    expect(
        _read(stage, headers, body, now_s + case.notice_age_s - 1) is not None,
        f"a notice must be believed for {case.notice_age_s} s: say so in AdapterCase.notice_age_s "
        "if yours is shorter",
    )
    expect(
        _read(stage, headers, body, now_s + case.notice_age_s + 1) is None,
        f"a notice signed more than {case.notice_age_s} s ago must be untrusted",
    )


def a_foreign_notice_is_untrusted(case: AdapterCase) -> None:
    """A notice that is genuine for another merchant proves nothing to us."""
    if case.signature == "none":
        return
    stage, foreign = case.make(), case.foreign()
    pay(case, foreign)
    headers, body, now_s = foreign.notice()
    expect(
        _read(foreign, headers, body, now_s) is not None,
        "AdapterCase.foreign must make genuine notices of its own",
    )
    expect(
        _read(stage, headers, body, now_s) is None,
        "a notice signed with another merchant's secret must be untrusted",
    )


def signatures_are_compared_in_constant_time(case: AdapterCase) -> None:
    """A comparison that stops at the first wrong byte tells a forger how far they got."""
    if case.signature != "hmac":
        return
    stage = case.make()
    pay(case, stage)
    notice = stage.notice()
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
        _read(stage, *notice)
    expect(compared, "compare signatures with hmac.compare_digest, not with ==")
