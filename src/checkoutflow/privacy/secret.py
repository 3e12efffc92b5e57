"""Values that print as stars, so that no log, error or repr has to be cleaned afterwards."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final, Never, Self

from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

STARS: Final = "********"


class Secret:
    """A text that is shown only when asked for by name: a credential or a personal value.

    It never changes, prints as eight stars whatever its length, compares in constant time and is
    not pickled. A model's field of this type takes a ``str`` and is dumped to JSON as stars.

    >>> key = Secret("s3cr3t")
    >>> f"{key} {key!r} {key.reveal()}"
    '******** ******** s3cr3t'
    """

    __slots__ = ("_value",)

    _value: str

    def __init__(self, value: str) -> None:
        """Hide this text."""
        object.__setattr__(self, "_value", value)

    def reveal(self) -> str:
        """Give the text itself; call it where the text goes on the wire, and nowhere earlier."""
        return self._value

    def __repr__(self) -> str:
        return STARS

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(octets(self.reveal()), octets(other.reveal()))

    def __hash__(self) -> int:
        return hash((Secret, self.reveal()))

    def __setattr__(self, name: str, value: object) -> Never:
        message = "a Secret does not change; make a new one"
        raise AttributeError(message)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> Never:
        message = "a Secret is not pickled: the text would lie readable in the pickle"
        raise TypeError(message)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        text = core_schema.str_schema(metadata={"pydantic_js_updates": {"writeOnly": True}})
        wrapped = core_schema.no_info_after_validator_function(cls, text)
        return core_schema.json_or_python_schema(
            json_schema=wrapped,
            python_schema=core_schema.no_info_plain_validator_function(cls._taken),
            serialization=core_schema.to_string_ser_schema(when_used="json"),
        )

    @classmethod
    def _taken(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls(value)
        raise ValueError("must be text")


class Details(dict[str, str]):
    """What a customer told about themselves, by field name; printing it shows the names only.

    >>> Details(city="Nuuk")
    Details(city=********)
    """

    def __repr__(self) -> str:
        return f"Details({', '.join(f'{name}={STARS}' for name in self)})"


def octets(text: str) -> bytes:
    """Encode any text as UTF-8, whatever is in it.

    A lone surrogate can arrive in JSON. It is no reason to fail, nor to raise an error that carries
    the whole text with it, as that of a strict encoder does.
    """
    return text.encode("utf-8", "surrogatepass")
