"""What two rows are to each other, from what their comparison answered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checkoutflow.quality.definitions import Level

# Bits from which two rows are one person (99 to 1), and from which they may be (even odds).
SURE_BITS: Final = 6.6
PERHAPS_BITS: Final = 0.0


class Verdict(StrEnum):
    """What two rows are to each other."""

    SAME = "same"
    PERHAPS = "perhaps"
    HOUSEHOLD = "household"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rows that were compared.

    Attributes:
        left: The earlier row's line in a spreadsheet.
        right: The later one's.
        bits: How much speaks for one person; 6.6 are 99 to 1.
        levels: The answers, by comparison; without those that could not say anything.
    """

    left: int
    right: int
    bits: float
    levels: Mapping[str, Level]

    @property
    def verdict(self) -> Verdict:
        """What they are to each other.

        Those who share nearly everything need not be one person: twins have birthday, last name,
        address and often e-mail and phone in common, and a father may have his son's name. So
        enough bits are not enough:

        - Another first name is another person, unless the identity number is the same; with the
          last name and the address in common, one of the household.
        - So are two identity numbers. A person decides if name and birthday are the same: who
          comes to a country gets another number after the first.
        - Names that are not spelt alike want a birthday, an e-mail or a phone in common: sisters
          may bear names alike. A first name with another last name wants the birthday.
        - Another birthday, another organisation, or names that only resemble each other leave it
          to a person to decide.
        """
        if self.bits < PERHAPS_BITS:
            return Verdict.DIFFERENT
        grades = {name: level.grade for name, level in self.levels.items()}
        # A row without a person goes by its organisation; another name of it may be a new one.
        name = grades.get("name") or ("same" if grades.get("organisation") == "same" else "weak")
        if grades.get("national_id") == "same":
            return Verdict.PERHAPS if name == "other" else self._if_sure()
        born_alike = grades.get("birth_date") == "same"
        if grades.get("national_id") == "other" and not (name in {"same", "alike"} and born_alike):
            return self._neighbours()
        if name == "other":
            answer = self._neighbours()
            changed = answer is Verdict.DIFFERENT and born_alike and self.bits >= SURE_BITS
            return Verdict.PERHAPS if changed else answer
        contradicted = any(
            grades.get(each) == "other" for each in ("national_id", "birth_date", "organisation")
        )
        named_alike = name == "alike" and any(
            grades.get(each) == "same" for each in ("birth_date", "email", "phone")
        )
        if not contradicted and (name == "same" or named_alike or (name == "first" and born_alike)):
            return self._if_sure()
        return Verdict.PERHAPS

    def _if_sure(self) -> Verdict:
        return Verdict.SAME if self.bits >= SURE_BITS else Verdict.PERHAPS

    def _neighbours(self) -> Verdict:
        """What two people are to each other."""
        name, address = self.levels.get("name"), self.levels.get("address")
        related = name is not None and name.text != "other names"
        at_home = address is not None and address.grade == "same"
        return Verdict.HOUSEHOLD if related and at_home else Verdict.DIFFERENT

    @property
    def reasons(self) -> str:
        """The answers in words, what says most first."""
        ranked = sorted(self.levels.values(), key=lambda level: -abs(level.bits))
        return "; ".join(level.text for level in ranked)
