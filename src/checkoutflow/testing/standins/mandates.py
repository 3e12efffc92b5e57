"""Mandates at a stand-in: asked for on a page, charged through its ledger, ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MandateState(StrEnum):
    """Where a mandate stands."""

    WAITING = "waiting"
    ACTIVE = "active"
    DECLINED = "declined"
    ENDED = "ended"


@dataclass(slots=True)
class BankMandate:
    """One mandate at a provider.

    Attributes:
        reference: Our name for it.
        id: The provider's own.
        page: Where the customer decides.
        token: What later charges name.
        data: What else the provider wants to remember of it.
    """

    reference: str
    id: str
    token: str
    return_url: str
    page: str = ""
    state: MandateState = MandateState.WAITING
    data: object = None

    @property
    def is_waiting(self) -> bool:
        """Whether the customer has not decided yet."""
        return self.state is MandateState.WAITING
