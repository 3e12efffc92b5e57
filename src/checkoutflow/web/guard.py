"""Who may come in, what they may send, and what every answer tells the browser.

A form is taken only from a page of this application that was made for the same reviewer: the
browser says where it comes from (``Sec-Fetch-Site``, ``Origin``), and the page has a token that
nobody else can make.
"""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException

from checkoutflow.errors import UsageError
from checkoutflow.web import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST_SECRET: Final = 24  # bytes
# A note of the longest, each character in four bytes of three signs, and the rest of the form.
MOST_BYTES: Final = 32_768
_MOST_FIELDS: Final = 20
_FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"

HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # With `no-referrer` a browser would not say where a form comes from either.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex",
}


class Sealed:
    """An application whose every answer has `HEADERS`, also one that failed."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap it."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, sealed)


class Tokens:
    """What a page has in its forms, so that nobody else can send them."""

    def __init__(self, secret: bytes) -> None:
        """Keep the secret that they are made with.

        Raises:
            UsageError: If it is too short to be one.
        """
        if len(secret) < LEAST_SECRET:
            raise UsageError(f"has at least {LEAST_SECRET} bytes", field="secret")
        self._secret = secret

    def of(self, reviewer: str) -> str:
        """A reviewer's token."""
        text = f"checkoutflow.web\0{reviewer}".encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, text, sha256).hexdigest()

    def fit(self, reviewer: str, token: str) -> bool:
        """Whether a token is a reviewer's."""
        return hmac.compare_digest(self.of(reviewer).encode(), token.encode("utf-8", "replace"))


def is_from_here(request: Request) -> bool:
    """Whether the browser says that a request comes from a page of the same origin.

    One that says nothing, as a program does, is judged by its token alone.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    own = request.headers.get("host", "")
    return site == "same-origin" and (origin is None or _host(origin) == own.lower())


def _host(origin: str) -> str:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return ""
    return parts.netloc.lower() if parts.scheme in {"http", "https"} else ""


async def fields_of(request: Request) -> dict[str, str]:
    """The fields of a form, or of a JSON object of texts.

    Raises:
        HTTPException: 413 if it is too large, 415 if it is neither, 422 if it cannot be read.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {_FORM, JSON}:
        raise HTTPException(415, words.NOT_A_FORM)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise HTTPException(413, words.TOO_MUCH)
    try:
        text = body.decode()
        if kind == JSON:
            match json.loads(text):
                case dict(found) if all(isinstance(value, str) for value in found.values()):
                    return found
                case _:
                    raise HTTPException(422, words.NOT_A_FORM)
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except (ValueError, RecursionError):
        raise HTTPException(422, words.NOT_A_FORM) from None
