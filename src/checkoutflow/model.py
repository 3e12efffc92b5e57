"""The base of every model: frozen, and strict about names it does not know."""

from __future__ import annotations

import json
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from checkoutflow.errors import InvalidInput, problem_paths


class Frozen(BaseModel):
    """A value: never changed after it is made, equal when its fields are equal.

    Unknown fields are refused. The schema is built when the model is first used, not on import.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True
    )

    def but(self, **changes: object) -> Self:
        """The same value with some fields changed. The new ones are taken as they are."""
        return self.model_copy(update=changes)

    @classmethod
    def read(cls, data: object, *, at: str = "") -> Self:
        """Make the model from plain data of the outside world.

        Args:
            data: Mappings, lists and scalars, as they come from JSON or TOML.
            at: Path put in front of each field's path in an error.

        Raises:
            InvalidInput: With the path of the first wrong field and every problem found. The
                value itself is never repeated.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            problems = problem_paths(error.errors(include_input=False, include_url=False))
        prefixed = [
            (f"{at}.{path}" if at and path else at or path, text) for path, text in problems
        ]
        field, message = prefixed[0]
        raise InvalidInput(message, field=field, problems=prefixed) from None


def wrong(message: str, *path: str | int) -> ValidationError:
    """Make an error about one field of a model that only shows when several are known.

    A validator of the whole model raises it; the path is that of the field within the model.
    """
    problem = PydanticCustomError("unfit", "{message}", {"message": message})
    details = InitErrorDetails(type=problem, loc=path, input=None)
    return ValidationError.from_exception_data("", [details], hide_input=True)


def from_json(text: str | bytes) -> object:
    """Read JSON that a person or another program wrote.

    Raises:
        ValueError: If it is none, nests too deeply to be read, has numbers that are none, or has a
            key twice in one object, of which two readers could take different ones.
    """
    try:
        value: object = json.loads(
            text, object_pairs_hook=without_repeats, parse_constant=no_number
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """What JSON's objects are made with where a key may be there once.

    Raises:
        ValueError: If one is there twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def no_number(name: str) -> object:
    """What JSON's ``NaN`` and its like are made with.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"{name} is not a number")
