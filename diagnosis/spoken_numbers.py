"""Numbers as they are spoken and written in notes: their words, and the value of what was said."""

import re

NUMBER_WORDS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
"""Numbers below twenty; each stands at its value."""
TENS_WORDS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
NUMBER_VALUES = {word: value for value, word in enumerate(NUMBER_WORDS)} | {
    word: 20 + 10 * place for place, word in enumerate(TENS_WORDS)
}
"""Value of each number that is one word."""

_HALF = re.compile(r"(?:one )?half(?: an?)?|(?:½|1/2)(?: an?)?")
_AND_A_HALF = re.compile(r" ?(?:and a half|and 1/2|½| 1/2)$")


def number_value(written: str) -> float:
    """The number that digits or words stand for: "1,8", ".4", "one point eight", "twenty-one", "two and a half".

    Raises:
        ValueError: it is none.
    """
    text = re.sub(r"(?<=\d),(?=\d)", ".", " ".join(written.lower().split()))
    if _HALF.fullmatch(text):
        return 0.5
    whole, has_half = _AND_A_HALF.subn("", text)
    if has_half:
        return number_value(whole) + 0.5
    whole, point, decimals = text.partition("point")
    if point:
        digits = "".join(str(NUMBER_VALUES.get(word, word)) for word in decimals.split())
        return (number_value(whole) if whole.strip() else 0.0) + float(f"0.{digits}")
    return float(sum(_values(re.split(r"[-\s]+", text.strip()), written)))


def _values(words: list[str], written: str) -> list[float]:
    """What each word adds; "one hundred and five" is 100 and 5."""
    hundred = [100.0] if words[:2] == ["one", "hundred"] else []
    rest = [word for word in (words[2:] if hundred else words) if not (hundred and word == "and")]
    try:
        return [*hundred, *(float(NUMBER_VALUES.get(word, word)) for word in rest)]
    except ValueError:
        msg = f"numbers: {written!r} is none"
        raise ValueError(msg) from None
