"""Free text without identifiers: notes, transcripts, and the descriptions in DICOM headers.

Three finders, the union of which is replaced by `[KIND]`: identifiers that this patient is known to have
(`known_identifiers`), patterns of numbers, dates, addresses and contacts (`text_patterns`), and names (`names`).
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import final

from diagnosis.privacy.addresses import end_of_tail, find_homes, find_numbered, with_numbers
from diagnosis.privacy.known_identifiers import KnownIdentifiers
from diagnosis.privacy.names import find_names
from diagnosis.privacy.recognizer import find_entities
from diagnosis.privacy.text_patterns import ADDRESSES, AGES, CONTACT, DATES, NUMBERS, Pattern

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
OLDEST = "90 or more"
_TOWN = r"[^\W\d_a-z][\w'\u2019.-]{0,40}"
_BETWEEN = re.compile(rf"(?:[\s,.]|\d{{2,6}}|\d{{2}}-\d{{3}}|{_TOWN}){{0,12}}")


@final
@dataclass(frozen=True, order=True)
class Span:
    """An identifier in a text, as character offsets."""

    start: int
    end: int
    kind: str


def find_identifiers(text: str, known: KnownIdentifiers | None = None, *, uses_model: bool = True) -> list[Span]:
    """All identifiers of a text in order, none overlapping another.

    Raises:
        MissingDependencyError: the packages that find names are not installed.
    """
    found = [Span(start, end, "IDENTIFIER") for start, end in known.spans(text)] if known else []
    for patterns in (CONTACT, DATES, AGES, ADDRESSES, NUMBERS):
        for pattern in patterns:
            found += _matches(pattern, text)
    found += [Span(start, end, "NAME") for start, end in find_names(text)]
    found += [Span(start, end, "ADDRESS") for start, end in find_numbered(text)]
    found += [Span(start, end, "PLACE") for start, end in find_homes(text)]
    if uses_model:
        found += [Span(start, end, kind) for start, end, kind in find_entities(text)]
    return _merged(_glued(found, text))


def _matches(pattern: Pattern, text: str) -> Iterable[Span]:
    for match in pattern.regex.finditer(text):
        start, end = match.span(pattern.group)
        if start < end:
            yield Span(start, end, pattern.kind)


def _glued(found: list[Span], text: str) -> list[Span]:
    """Addresses together with what stands between their parts and after them: town, region, country, postal code."""
    glued = list(found)
    wide = [with_numbers(text, span.start, span.end) for span in found if span.kind in {"NAME", "PLACE"}]
    glued += [Span(*span, "ADDRESS") for span in wide if span is not None]
    addresses = sorted(span for span in glued if span.kind in {"ADDRESS", "PLACE"})
    glued += [
        Span(first.start, second.end, "ADDRESS")
        for first, second in pairwise(addresses)
        if "ADDRESS" in {first.kind, second.kind} and _BETWEEN.fullmatch(text[first.end : second.start])
    ]
    glued += [Span(span.start, end_of_tail(text, span.end), span.kind) for span in addresses if span.kind == "ADDRESS"]
    return glued


def _merged(found: list[Span]) -> list[Span]:
    """Overlapping spans as one, named after the first of them in the text (the longest where several begin there)."""
    merged: list[Span] = []
    for span in sorted(found, key=lambda s: (s.start, -s.end)):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = Span(last.start, max(last.end, span.end), last.kind)
        else:
            merged.append(span)
    return merged


@final
@dataclass(frozen=True)
class TextRules:
    """How the texts of one patient are treated.

    Attributes:
        known: identifiers of this patient.
        shift_days: by which dates written as 2024-05-01 move; None to remove all dates. A date in any other form is
            removed: 3/4/2024 is two dates.
        uses_model: whether the statistical model looks as well; it is of no use in short technical phrases.
    """

    known: KnownIdentifiers
    shift_days: int | None = None
    uses_model: bool = True

    def clean(self, text: str) -> str:
        """The text with each identifier replaced by its kind in brackets."""
        return self.clean_counted(text)[0]

    def clean_counted(self, text: str) -> tuple[str, Counter[str]]:
        """The same, with how many of each kind were replaced."""
        counts: Counter[str] = Counter()
        parts, position = [], 0
        for span in find_identifiers(text, self.known, uses_model=self.uses_model):
            parts += [text[position : span.start], self._replacement(span, text)]
            position = span.end
            counts[span.kind] += 1
        return "".join([*parts, text[position:]]), counts

    def _replacement(self, span: Span, text: str) -> str:
        if span.kind == "AGE":
            return OLDEST
        if span.kind == "DATE" and self.shift_days is not None:
            found = _ISO.fullmatch(text[span.start : span.end])
            moved = _moved(found, self.shift_days) if found else None
            if moved is not None:
                return moved
        return f"[{span.kind}]"


def _moved(found: re.Match[str], days: int) -> str | None:
    try:
        return (date(*map(int, found.groups())) + timedelta(days=days)).isoformat()
    except (ValueError, OverflowError):
        return None
