"""How stand-ins read what they are sent: exactly the fields that the provider describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from checkoutflow.errors import problem_paths
from checkoutflow.providers.http import json_of
from checkoutflow.testing.standins.book import Refusal

if TYPE_CHECKING:
    import httpx


class Strict(BaseModel):
    """A body, or a part of one. Fields that the provider does not describe are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


M = TypeVar("M", bound=Strict)


def read(
    model: type[M], request: httpx.Request, *, no_json: int = 415, unfit: int = 400, under: str = ""
) -> M:
    """Read the body of a request.

    Args:
        model: What it has to be.
        request: As it came.
        no_json: The status code where it does not say that it is JSON.
        unfit: The status code where it is not what it has to be.
        under: Where all of it is under one name: that name.

    Raises:
        Refusal: If it is not that, with the path of every wrong field.
    """
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Refusal(no_json, "not_json")
    body = json_of(request.content)
    if under:
        body = body.get(under) if isinstance(body, dict) and len(body) == 1 else None
    return fitted(model, body, unfit=unfit)


def fitted(model: type[M], body: object, *, unfit: int = 400) -> M:
    """Plain data as what it has to be.

    Raises:
        Refusal: If it is not that, with the path of every wrong field.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        problems = problem_paths(error.errors(include_input=False, include_url=False))
        raise Refusal(unfit, "invalid_request", problems) from None
