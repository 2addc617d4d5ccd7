"""Identifiers that a patient is known to have, looked for in every text that belongs to the same patient.

A rule finds what looks like a name; this finds what is one: the name of the header, in a note that says it in passing.
"""

import re
import unicodedata
from functools import cached_property
from typing import final

_PARTS = re.compile(r"[\w'\u2019-]{2,}", re.UNICODE)
_SEPARATORS = re.compile(r"[\W_]+")
_EDGES = " \t\r\n#.,:;-_/()[]'\""
_MIN_NAME = 3
_MIN_VALUE = 4
_NO_NAMES = (
    "anonymous anonymized unknown none test patient phantom male female removed name the and head chest lung left "
    "right body neck dr md mr mrs ms prof sr jr phd tech technician physician doctor nurse radiology hospital "
    "clinic center medical university department institute general"
)
_WORDS = frozenset(_NO_NAMES.split())


@final
class KnownIdentifiers:
    """A set of strings, matched as whole words and without regard to case, accents, or what stands between parts."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def __len__(self) -> int:
        return len(self._values)

    def add_name(self, name: str) -> None:
        """Each part of a person's name, in DICOM's form or any other."""
        for part in _PARTS.findall(name.replace("^", " ").replace("=", " ")):
            if len(part) >= _MIN_NAME and part.lower() not in _WORDS and not part.isdigit():
                self._add(part)

    def add_value(self, value: str) -> None:
        """A number or an address, as a whole."""
        text = value.strip()
        if sum(map(str.isalnum, text)) >= _MIN_VALUE and text.lower() not in _WORDS:
            self._add(text)

    def update(self, other: "KnownIdentifiers") -> None:
        """Take over what another data set of the same patient says."""
        if not other._values <= self._values:
            self._values |= other._values
            self._forget()

    def are_in(self, text: str) -> bool:
        """Whether one of them stands in a text."""
        return self._pattern is not None and self._pattern.search(_plain(text)) is not None

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where they stand, as character offsets."""
        return [] if self._pattern is None else [found.span() for found in self._pattern.finditer(_plain(text))]

    def _add(self, text: str) -> None:
        if text not in self._values:
            self._values.add(text)
            self._forget()

    def _forget(self) -> None:
        self.__dict__.pop("_pattern", None)

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        if not self._values:
            return None
        longest_first = sorted({_plain(value) for value in self._values}, key=len, reverse=True)
        choices = "|".join(
            r"[\W_]{0,3}".join(map(re.escape, _SEPARATORS.split(value.strip(_EDGES)))) for value in longest_first
        )
        return re.compile(rf"(?<!\w)(?:{choices})(?!\w)", re.IGNORECASE)


def _plain(text: str) -> str:
    """The text without accents, character by character, so that offsets stay."""
    return "".join(_plain_character(character) for character in text)


def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    base = unicodedata.normalize("NFD", character)[0]
    return base if base.isascii() else character
