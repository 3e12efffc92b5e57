"""For how long after an authorisation the money can be captured."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from checkoutflow.law.rules import Rule

# How an authorisation was asked for. What schemes call final, or just an authorisation, is
# ``ordinary``; ``pre_authorisation`` must be flagged as one in the request.
AuthorisationKind = Literal["ordinary", "pre_authorisation", "merchant_initiated"]


class AuthorisationWindow(Rule):
    """How long an authorisation lasts, in calendar days after the day it was given.

    Windows are a matter of contract between shop, acquirer and scheme. A shop that has other terms
    puts a row of its own before ours.

    Attributes:
        schemes: Card schemes, wallets or providers: ``visa``, ``vipps_mobilepay``.
        kind: How it was asked for.
        days: For how long a capture is sure.
        warn_days: When to remind the shop, where that is known to be wise before the end.
        tried_days: For how long a capture may still be tried, with no promise; None where the
            authorisation is dropped at the end.
    """

    schemes: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")], ...] = Field(
        min_length=1
    )
    kind: AuthorisationKind = "ordinary"
    days: int = Field(ge=1, le=400)
    warn_days: int | None = Field(default=None, ge=1)
    tried_days: int | None = None

    @model_validator(mode="after")
    def _goes_from_warning_to_end(self) -> Self:
        if self.warn_days is not None and self.warn_days >= self.days:
            raise ValueError("warn_days is before the end of the window")
        if self.tried_days is not None and self.tried_days <= self.days:
            raise ValueError("tried_days goes beyond the window")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """Each scheme with the kind of authorisation."""
        return tuple(f"{scheme} {self.kind}" for scheme in self.schemes)

    def statement(self) -> str:
        """What the rule says, in a few words."""
        kind, schemes = self.kind.replace("_", "-"), ", ".join(self.schemes)
        text = f"{self.market}: {kind} authorisation with {schemes} lasts {self.days} days"
        if self.tried_days is not None:
            text += f", and capture may be tried for {self.tried_days}"
        return text
