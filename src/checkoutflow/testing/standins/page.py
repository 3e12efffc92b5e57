"""The page where a person decides about a payment, for every stand-in the same."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

import httpx

from checkoutflow.testing.standins.book import Refusal
from checkoutflow.testing.standins.mandates import BankMandate

if TYPE_CHECKING:
    from checkoutflow.testing.standins.book import BankPayment


def customer_page(title: str, asked: BankPayment | BankMandate) -> httpx.Response:
    """The page where the customer decides."""
    form = _FORM if asked.is_waiting else _CLOSED
    if isinstance(asked, BankMandate):
        question, what = "Allow later payments?", f"Mandate {asked.reference}"
    else:
        question = f"Pay <strong>{html.escape(str(asked.amount))}</strong>?"
        what = f"Payment {asked.merchant_reference}"
    page = _PAGE.format(
        title=html.escape(title),
        question=question,
        what=html.escape(what),
        form=form.format(return_url=html.escape(asked.return_url)),
    )
    headers = {
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    return httpx.Response(200, headers=headers, html=page)


def decision_in(request: httpx.Request) -> bool:
    """Whether the form that was sent approves.

    Raises:
        Refusal: If it says neither yes nor no.
    """
    decision = parse_qs(request.content.decode("utf-8", "replace")).get("decision")
    if decision not in (["approve"], ["decline"]):
        raise Refusal(400, "invalid_request", [("decision", "approve or decline")])
    return decision == ["approve"]


_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body{{font:1.2rem sans-serif;max-width:24rem;margin:3rem auto;padding:0 1rem}}
button{{font:inherit;padding:.5rem 1rem;margin-right:1rem}}</style>
<h1>{title}</h1>
<p>{question}</p>
<p>{what}. No real money moves.</p>
{form}
</html>
"""
_FORM: Final = """\
<form method="post">
<button name="decision" value="approve">Approve</button>
<button name="decision" value="decline">Decline</button>
</form>"""
_CLOSED: Final = """\
<p>This payment is no longer open. <a href="{return_url}">Back to the shop</a></p>"""
