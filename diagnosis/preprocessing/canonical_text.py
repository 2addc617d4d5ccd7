"""Numbers and lengths written in one way, so that a text encoder meets '22 mm' however it was said.

'2.2 cm', '2.2 x 1.8 centimetres', 'twenty-two millimeters' and 'two point two centimeters' become '22 mm' or
'22 x 18 mm'; '.4 cm', 'point four centimeters' and 'one and a half centimeters' are lengths too; 'four out of five'
and '4/5' become '4 out of 5'. Shorthand is written in full (`shorthand`). Everything else stays as it is. A
`CanonicalText` keeps the way back: each of its spans answers which characters of the original it came from.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from diagnosis.preprocessing.shorthand import written_in_full
from diagnosis.spoken_numbers import NUMBER_WORDS, TENS_WORDS, number_value

_DIGIT_WORD = "|".join(NUMBER_WORDS[:10])
_WORD = "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
_BELOW_100 = rf"(?:(?:{'|'.join(TENS_WORDS)})(?:[-\s]+(?:{'|'.join(NUMBER_WORDS[1:10])})\b)?|(?:{_WORD}))"
_HALF = r"\s+and\s+(?:a\s+half|1/2)\b"
_SPELLED = (
    rf"\b(?:half\s+an?\b|(?:one\s+hundred(?:\s+(?:and\s+)?{_BELOW_100})?|{_BELOW_100})\b"
    rf"(?:\s+point\s+(?:{_DIGIT_WORD})\b|{_HALF})?)"
)
_DIGITS = rf"(?:\d{{1,3}}(?:(?:[.,]|\s+point\s+)\d{{1,2}}|{_HALF})?|\.\d{{1,2}})(?!\d)"
_NEXT_NUMBER = rf"(?:{_DIGITS}|{_SPELLED})"
_NUMBER = rf"(?:(?<![\w.,]){_DIGITS}|{_SPELLED})"
_CM = r"(?:(?:cm|centimet(?:er|re)s?)\b)"
_UNIT = rf"(?:(?:mm|millimet(?:er|re)s?)\b|{_CM})"
_BETWEEN = r"(?:x|×|by|to|-)"
_LENGTH = re.compile(
    rf"{_NUMBER}(?:\s{{0,5}}{_UNIT}?\s{{0,5}}{_BETWEEN}\s{{0,5}}{_NEXT_NUMBER}){{0,2}}[\s-]*{_UNIT}",
    re.IGNORECASE,
)
# "Point eight centimeters": only before centimeters, since in "at this point 4 mm" the word is no decimal point.
_POINT = rf"(?:\bpoint\s+(?:\d{{1,2}}(?!\d)|(?:{_DIGIT_WORD})\b))"
_POINT_LENGTH = re.compile(
    rf"{_POINT}(?:\s{{0,5}}{_CM}?\s{{0,5}}{_BETWEEN}\s{{0,5}}(?:{_POINT}|{_NEXT_NUMBER})){{0,2}}[\s-]*{_CM}",
    re.IGNORECASE,
)
_SCORE = re.compile(
    rf"(?P<level>{_NUMBER})(?:\s*/\s*|\s+(?:out\s+)?of\s+|\s+on\s+a\s+scale\s+of\s+)(?P<top>[1-9]\b|\b(?:{_DIGIT_WORD})\b)"
    rf"|\b(?P<noun>score|grade|level)\s+(?P<only>{_NUMBER})",
    re.IGNORECASE,
)
_PARTS = re.compile(rf"(?P<number>{_POINT}|{_NEXT_NUMBER})|(?P<unit>{_UNIT})|(?P<by>x|×|by)", re.IGNORECASE)
_EXACT_BELOW_MM = 10.0
"""Lengths from here on are rounded to whole millimeters, which is finer than two readers agree."""


@final
@dataclass(frozen=True)
class _Piece:
    """A stretch of the canonical text: copied (same length) or rewritten."""

    start: int
    end: int
    source_start: int
    source_end: int
    copied: bool


@final
@dataclass(frozen=True)
class CanonicalText:
    """Text with numbers and lengths written in one way, and the way back to what was written.

    Attributes:
        text: The canonical text.
        source: The text as it was written.
    """

    text: str
    source: str
    _pieces: tuple[_Piece, ...]

    def source_span(self, start: int, end: int) -> tuple[int, int]:
        """The characters [first, last) of the source that canonical characters [start, end) came from.

        A rewritten number answers with the whole of what it was written for.

        Raises:
            ValueError: a span outside the canonical text.
        """
        if not 0 <= start <= end <= len(self.text):
            msg = f"span [{start}, {end}) lies outside a canonical text of {len(self.text)} characters"
            raise ValueError(msg)
        if start == end:
            place = self._at(start, last=False)
            return place, place
        return self._at(start, last=False), self._at(end - 1, last=True)

    def _at(self, position: int, *, last: bool) -> int:
        if not self._pieces:
            return 0
        starts = [piece.start for piece in self._pieces]
        piece = self._pieces[max(0, bisect_right(starts, position) - 1)]
        if not piece.copied:
            return piece.source_end if last else piece.source_start
        return min(piece.source_start + position - piece.start + int(last), piece.source_end)


def canonicalize(source: str) -> CanonicalText:
    """Rewrite the lengths and scores of `source`, keeping the way back to it."""
    pieces: list[_Piece] = []
    written: list[str] = []
    done = length = 0
    for start, end, replacement in _rewrites(source):
        for text, first, last, copied in (
            (source[done:start], done, start, True),
            (replacement, start, end, False),
        ):
            if text:
                pieces.append(_Piece(length, length + len(text), first, last, copied))
                written.append(text)
                length += len(text)
        done = end
    if done < len(source):
        pieces.append(_Piece(length, length + len(source) - done, done, len(source), copied=True))
        written.append(source[done:])
    return CanonicalText("".join(written), source, tuple(pieces))


def _rewrites(source: str) -> Iterator[tuple[int, int, str]]:
    """The stretches to rewrite, in order and apart: start, end, replacement."""
    found = [*_POINT_LENGTH.finditer(source), *_LENGTH.finditer(source)]
    lengths = [(match.start(), match.end(), _length(match[0])) for match in found]
    scores = [(match.start(), match.end(), _score(match)) for match in _SCORE.finditer(source)]
    end_of_last = 0
    for start, end, replacement in sorted(
        [*lengths, *scores, *written_in_full(source)], key=lambda found: (found[0], -found[1])
    ):
        if start >= end_of_last:
            end_of_last = end
            yield start, end, replacement


def _length(written: str) -> str:
    """'2.2 x 1.8 cm' -> '22 x 18 mm'. A number without a unit has the next unit that follows it."""
    parts = list(_PARTS.finditer(written))
    numbers: list[float] = []
    factors: list[float] = []
    for part in parts:
        if part["number"]:
            numbers.append(number_value(part["number"]))
        elif part["unit"]:
            factor = 10.0 if part["unit"].lower().startswith("c") else 1.0
            factors += [factor] * (len(numbers) - len(factors))
    joint = " x " if any(part["by"] for part in parts) else " to "
    return joint.join(_shown_mm(n * f) for n, f in zip(numbers, factors, strict=True)) + " mm"


def _shown_mm(value_mm: float) -> str:
    return f"{value_mm:.0f}" if value_mm >= _EXACT_BELOW_MM else f"{round(value_mm, 1):g}"


def _score(match: re.Match[str]) -> str:
    if match["noun"]:
        return f"{match['noun']} {number_value(match['only']):g}"
    return f"{number_value(match['level']):g} out of {number_value(match['top']):g}"
