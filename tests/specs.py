"""The providers' own OpenAPI files, which lie beside the repository where it is developed.

A clone on its own has no such folder: the tests that need it are then skipped, and say why.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.templating.paths.finders import APICallPathFinder
from openapi_schema_validator import OAS30Validator
from werkzeug.datastructures import Headers, ImmutableMultiDict

if TYPE_CHECKING:
    import httpx

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "specs"


@dataclass(frozen=True, eq=False)
class Spec:
    """One specification: it judges requests, responses and plain data."""

    openapi: OpenAPI

    def operation(self, request: httpx.Request) -> str:
        """The ``operationId`` that a request is for, after it was found to be a valid one."""
        asked = _Request(request)
        self.openapi.validate_request(asked)
        found = APICallPathFinder(self.openapi.spec).find(
            asked.method, f"{asked.host_url}{asked.path}"
        )
        name: str = (found.operation / "operationId").read_str()
        return name

    def validate(self, request: httpx.Request, response: httpx.Response) -> None:
        """Raise unless the response is one that the specification has for this request."""
        self.openapi.validate_response(_Request(request), _Response(response))

    def check(self, schema: str, data: object) -> None:
        """Raise unless the data fits the component of this name: a webhook's body, for example."""
        whole = self.openapi.spec.read_value()
        OAS30Validator(
            {"$ref": f"#/components/schemas/{schema}", "components": whole["components"]}
        ).validate(data)


def spec(provider: str, name: str, *, closed: bool = False) -> Spec:
    """One of a provider's files, read once; without the folder, the test is skipped.

    Args:
        provider: Name of the folder.
        name: Name of the file.
        closed: Whether to refuse fields that the file does not list, where it does not say itself.
    """
    if not FOLDER.is_dir():
        pytest.skip(f"no specifications: {FOLDER} is not there")
    return _parsed(FOLDER / provider / name, closed)


@cache
def _parsed(path: Path, closed: bool) -> Spec:
    openapi = OpenAPI.from_file_path(str(path))
    whole = deepcopy(openapi.spec.read_value())
    if closed:
        _close(whole["components"]["schemas"])
    config = Config(extra_media_type_deserializers={"application/problem+json": json.loads})
    return Spec(OpenAPI.from_dict(whole, config=config))


def _close(value: object) -> None:
    """Let every object with a list of properties have no others."""
    if isinstance(value, dict):
        if value.get("type") == "object" and isinstance(value.get("properties"), dict):
            value.setdefault("additionalProperties", False)
        for item in value.values():
            _close(item)
    elif isinstance(value, list):
        for item in value:
            _close(item)


class _Request:
    """A request in the validator's words."""

    def __init__(self, request: httpx.Request) -> None:
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(list(request.url.params.multi_items())),
            header=Headers(request.headers.multi_items()),
        )
        self.host_url = f"{request.url.scheme}://{request.url.netloc.decode()}"
        self.path = request.url.path
        self.method = request.method.lower()
        self.body = request.read() or None
        self.content_type = request.headers.get("content-type", "")


class _Response:
    """A response in the validator's words."""

    def __init__(self, response: httpx.Response) -> None:
        self.status_code = response.status_code
        self.headers: Any = Headers(response.headers.multi_items())
        self.content_type = response.headers.get("content-type", "")
        self.data = response.content
