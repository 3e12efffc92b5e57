"""Reviewing in the browser: pages and JSON to mount in an ASGI application, behind its own login.

`review_app` makes the application: the queue, one page for each order, and what came of reviewing.
Needs the extra ``web``, which brings Starlette and Jinja; they load when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkoutflow.lazy import lazily

if TYPE_CHECKING:
    from checkoutflow.web.app import review_app

__all__ = ["review_app"]

__getattr__ = lazily(__name__, {"app": "review_app"})
