"""Values of DICOM elements: dummies by value representation, and dates moved by whole days."""

import re
from datetime import date, timedelta
from typing import Any

TEXT_DUMMY = "REMOVED"
_DUMMIES: dict[str, Any] = {
    "AS": "000Y",
    "DA": "19000101",
    "DT": "19000101000000",
    "TM": "000000",
    "UR": "http://removed.invalid",
    "DS": "0",
    "IS": "0",
    "AT": 0,
    "OB": b"\0\0",
    "OW": b"\0\0",
    "OD": b"\0" * 8,
    "OF": b"\0" * 4,
    "OL": b"\0" * 4,
    "OV": b"\0" * 8,
    "UN": b"\0\0",
    **dict.fromkeys(("FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"), 0),
    **dict.fromkeys(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"), TEXT_DUMMY),
}
TEMPORAL = frozenset({"DA", "DT", "TM"})
TEXTUAL = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"})
LONGEST = {"SH": 16, "LO": 64, "ST": 1024, "LT": 10240}
"""Characters that a text of this value representation may have (PS3.5, table 6.2-1)."""
_DATE = re.compile(r"\d{4}\.?\d{2}\.?\d{2}")
_FIRST_YEAR = 1000
_OLDEST = re.compile(r"(\d{3})Y")
OLDEST_SHOWN_YEARS = 89


def dummy_value(vr: str) -> Any:  # noqa: ANN401 - its type depends on the value representation
    """A value that says nothing and fits the value representation."""
    return _DUMMIES.get(vr, TEXT_DUMMY)


def shifted(vr: str, value: str, days: int) -> str | None:
    """A DA, DT or TM value moved by whole days (a time of day stays); None where it is not of its form.

    A DT that states no more than year or month cannot be moved by days, and gives None too.
    """
    text = value.strip(" \0")
    if vr == "TM":
        return text if re.fullmatch(r"[\d.:]{2,16}", text) else None
    found = _DATE.match(text)
    if found is None or (vr == "DA" and found.end() != len(text)):
        return None
    digits = found.group().replace(".", "")
    rest = text[found.end() :]
    if not re.fullmatch(r"(\d{2,6}(\.\d{1,6})?)?([+-]\d{4})?", rest):
        return None
    try:
        moved = date(int(digits[:4]), int(digits[4:6]), int(digits[6:])) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return f"{moved:%Y%m%d}{rest}" if moved.year >= _FIRST_YEAR else None


def limited_age(value: str) -> str:
    """An age string in which no age above 89 years is told apart (45 CFR 164.514(b)(2)(i)(C))."""
    found = _OLDEST.fullmatch(value.strip())
    return "090Y" if found and int(found.group(1)) > OLDEST_SHOWN_YEARS else value
