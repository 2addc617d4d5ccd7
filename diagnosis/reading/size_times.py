"""When a size was measured, as far as the words beside it say: "CT of 2019: 8 mm. Today 11 mm."."""

import re
from dataclasses import dataclass
from typing import final

_LOOK_BACK = 80
_EXAM = r"(?:CT|scan|study|exam|examination)"
_VERB = r"(?:showed|demonstrated|revealed|measured|was|it\s+was|it\s+measured)"
# Between a time and its size stand a few words, and no comma or full stop: "CT of 2019: nodule of 8 mm".
_UP_TO_SIZE = rf"(?:\s*[:=]\s*|\s+{_VERB}\s+|\s+)(?:[a-z-]+\s+){{0,4}}$"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_YEAR_BEFORE = re.compile(
    rf"(?P<aside>\((?:{_EXAM}\s+)?(?:of\s+|from\s+)?[\d/.-]{{0,6}})?\b{_YEAR}(?:[-/.]\d{{1,2}}[-/.]\d{{1,2}})?\)?{_UP_TO_SIZE}",
    re.IGNORECASE,
)
_YEAR_AFTER = re.compile(rf"\s*\((?:{_EXAM}\s+)?(?:[\w/.-]{{0,9}}[\s/.-])?{_YEAR}\)", re.IGNORECASE)
_EARLIER_BEFORE = re.compile(
    rf"\b(?:(?:previous|prior|last|old|earlier)\s+{_EXAM}|previous|last\s+(?:year|month|time)){_UP_TO_SIZE}",
    re.IGNORECASE,
)
# At the head of its clause: "CT 2024: RUL nodule 8 mm. LLL nodule now 5 mm" makes no history of the first.
_TODAY_BEFORE = re.compile(
    rf"(?:^|[.;,:(\n]|\b(?:and|but|it|which|is|has))\s*\b(?:(?:today|now|currently|current|presently|at\s+present)(?:'s)?|this\s+{_EXAM})"
    rf"(?:[\s:,=]+(?:{_EXAM}|it|is|at|of|an?|measures|measuring|about|approximately))*[\s:,=]*$",
    re.IGNORECASE,
)


@final
@dataclass(frozen=True)
class SizeTime:
    """When a size was measured.

    Attributes:
        year: that it is told under; None without one.
        is_aside: the year and the size stand in brackets beside another size: "11 mm (2019: 8 mm)".
        is_of_earlier: told under an earlier exam ("previous CT 8 mm").
        is_of_today: said to be of now ("now 11 mm").
    """

    year: int | None = None
    is_aside: bool = False
    is_of_earlier: bool = False
    is_of_today: bool = False

    def is_before(self, other: "SizeTime") -> bool:
        """Whether the words say so. A year alone does not: the CT at hand can be named by its date."""
        if self.is_of_today:
            return False
        if self.year is not None and other.year is not None:
            return self.year < other.year
        if self.is_aside and other.year is None:
            return not other.is_of_earlier
        return other.is_of_today and (self.year is not None or self.is_of_earlier)


def time_of_size(text: str, start: int, end: int) -> SizeTime:
    """What the words beside the size `text[start:end]` say of its time."""
    begin = max(0, start - _LOOK_BACK)
    before, after = _YEAR_BEFORE.search(text, begin, start), _YEAR_AFTER.match(text, end)
    under = before or after
    return SizeTime(
        year=int(under["year"]) if under else None,
        is_aside=before is not None and before["aside"] is not None,
        is_of_earlier=_EARLIER_BEFORE.search(text, begin, start) is not None,
        is_of_today=_TODAY_BEFORE.search(text[begin:start]) is not None,
    )
