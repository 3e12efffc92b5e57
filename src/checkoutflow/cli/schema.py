"""``checkoutflow schema``: the JSON Schemas of what goes in and of what comes out."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from checkoutflow.cart import Cart
from checkoutflow.checkout.view import View
from checkoutflow.shop import Shop

if TYPE_CHECKING:
    from argparse import Namespace

    from checkoutflow.cli.paper import Paper
    from checkoutflow.model import Frozen

_Mode = Literal["validation", "serialization"]
_MODELS: Final[MappingProxyType[str, tuple[type[Frozen], _Mode]]] = MappingProxyType(
    {
        "shop": (Shop, "validation"),
        "cart": (Cart, "validation"),
        "view": (View, "serialization"),
    }
)


def run(arguments: Namespace, paper: Paper) -> int:
    """Print the schema of a model: how a file is written, or how an answer is."""
    model, mode = _MODELS[arguments.model]
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model.model_json_schema(mode=mode),
    }
    paper.document(schema)
    return 0
