# ruff: noqa: E501 - each entry is one pattern, read as a whole
"""Lengths in a text, in millimeters: "18 mm", "1.8 x 1.2 cm", "5 to 7 mm", "eighteen millimeters", "one point eight cm"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from diagnosis.spoken_numbers import NUMBER_VALUES, NUMBER_WORDS, number_value

_WORD = "|".join(sorted(NUMBER_VALUES, key=len, reverse=True))
_SPELLED = rf"(?:{_WORD})(?:[\s-](?:{'|'.join(NUMBER_WORDS[1:10])}))?(?:\s+point\s+(?:{_WORD}))?"
NUMBER = rf"(?:\d{{1,3}}(?:(?:[.,]|\s+point\s+)\d{{1,2}})?|\.\d{{1,2}}|{_SPELLED})"
_HALVES = rf"(?:{NUMBER}(?:\s+and\s+a\s+half|\s*½|\s+1/2)?|(?:one\s+)?half\s+an?(?=\s)|½(?:\s+an?(?=\s))?)"
_UNIT = r"(?:mm|millimet(?:er|re)s?|cm|centimet(?:er|re)s?)\b"
_LENGTH = re.compile(
    rf"(?<![\w.,/])(?:(?P<low>(?>{_HALVES}))\s*(?:-|–|to)\s*)?(?P<first>{_HALVES})(?:[\s-]*(?P<unit1>{_UNIT})?\s*(?:x|×|by)\s*(?P<second>{_HALVES})"
    rf"(?:[\s-]*(?:{_UNIT})?\s*(?:x|×|by)\s*{_HALVES})?)?[\s-]*(?P<unit>{_UNIT})",
    re.IGNORECASE,
)
# A length of these is none of a lesion: how the images were made, or how far it lies from something.
_NOT_A_SIZE_AFTER = re.compile(
    r"[\s-]*(?:(?:axial |thin |thick |contiguous |helical )*(?:slices?|sections?|collimation|reconstruct\w*|increments?|intervals?|images?"
    r"|slice thickness)|(?:from|above|below|away|deep|distal|proximal|lateral|medial|anterior|posterior)\b)",
    re.IGNORECASE,
)
_NOT_A_SIZE_BEFORE = re.compile(
    r"(?:slice|section|reconstruction|collimation|thickness)[\w\s:of]{0,20}$|(?:[(,;]|which|that|it)\s*was\s*$"
    r"|\b(?:previously|formerly|before|prior|last|initially|originally|baseline|earlier|from|compared with|compared to)"
    r"(?:\W+(?:measured|measuring|was|at|of|size|seen|recorded|diameter|about|around|approximately|only|being)){0,3}\W{0,2}$"
    r"|(?:less|smaller|greater|larger|more|bigger) than\s*$|(?:under|over|above|below|beyond|exceed(?:s|ing))\s*$|(?<!-)[<>≤≥]\s*=?\s*$",  # a bound is no size
    re.IGNORECASE,
)
# "Was 6 mm on the prior CT", "11 mm six months ago", "9 mm then", "8 mm -> 11 mm": a size of another day.
_EARLIER_AFTER = re.compile(
    r"(?:\s+in\s+(?:size|diameter))?\s*[,(]?\s*(?:(?:on|at|in)\s+(?:the\s+|her\s+|his\s+|an?\s+)?(?:prior|previous|earlier|last|initial|baseline|old|outside)\b"
    rf"|(?:about\s+|some\s+)?(?:{NUMBER}|an?|several|few)[\s-]*(?:days?|weeks?|months?|years?|yrs?)\s+(?:ago|earlier|before|previously|back)\b"
    r"|in\s+(?:\w+\s+)?(?:19|20)\d\d\b)(?!\W+(?:\w+\W+){0,2}?\d+(?:\.\d+)?\s*(?:mm|cm)\b)"  # "12 mm, in 2019 8 mm"
    r"|\s*[,(]?\s*(?:previously|before|then|at that time|last (?:year|month|time))(?=\s*(?:[.,;)]|and\b|but\b|$))|\s*(?:-{1,2}>|→)",
    re.IGNORECASE,
)
# "Increased from 8 to 12 mm" is no range: it was 8.
_CHANGED_FROM = re.compile(
    r"(?:increas|grow|grew|enlarg|decreas|shr[iau]n|chang|progress)\w*(?:\s+\w+){0,3}\s+from\s*$", re.IGNORECASE
)
_LOOK_BACK = 80
_RANGE_BEFORE = re.compile(r"rang\w+\s+from\s*$", re.IGNORECASE)


@final
@dataclass(frozen=True)
class Length:
    """A length: its place, and in millimeters the largest number and the mean of the first two.

    Of a range ("5 to 7 mm") both are its upper end: it is one axis, and what is no larger is not known.
    """

    start: int
    end: int
    longest_mm: float
    mean_mm: float


def find_lengths(text: str) -> Iterator[Length]:
    """Sizes in order; slice thicknesses, distances and earlier sizes are left out."""
    for match in _LENGTH.finditer(text):
        if _NOT_A_SIZE_AFTER.match(text, match.end()) or _EARLIER_AFTER.match(text, match.end()):
            continue
        start = _start(text, match)
        if start is None:
            continue
        unit = match["unit"].lower()
        first = number_value(match["first"]) * _millimeters(match["unit1"] or unit)
        second = number_value(match["second"]) * _millimeters(unit) if match["second"] else first
        if 0 < first <= 300 and 0 < second <= 300:
            yield Length(start, match.end(), max(first, second), (first + second) / 2)


def _start(text: str, match: re.Match[str]) -> int | None:
    """Where a size begins; None where the words before make it none."""
    start = match.start()
    begin = max(0, start - _LOOK_BACK)
    if match["low"] is not None:
        if _CHANGED_FROM.search(text, begin, start) or number_value(match["low"]) > number_value(match["first"]):
            return match.start("first")
        if _RANGE_BEFORE.search(text, begin, start):
            return start
    return None if _NOT_A_SIZE_BEFORE.search(text, begin, start) else start


def _millimeters(unit: str) -> float:
    return 10.0 if unit.lower().startswith("c") else 1.0
