# ruff: noqa: E501 - each entry is one pattern, read as a whole
"""Sides, lobes and segments of the lung in a text."""

import re
from collections.abc import Iterator

RIGHT, LEFT, BOTH = "right", "left", "bilateral"
LOBES: dict[str, str] = {
    "right upper lobe": r"right(?: \w+)? upper(?: lobe| lung(?: field)?)?|RUL",
    "right middle lobe": r"right(?: \w+)? middle lobe|(?<!left\s)middle lobe|RML",
    "right lower lobe": r"right(?: \w+)? lower lobe|RLL",
    "left upper lobe": r"left(?: \w+)? upper(?: lobe| lung(?: field)?)|LUL|lingula\w*",
    "left lower lobe": r"left(?: \w+)? lower lobe|LLL",
}
UPPER_LOBES = frozenset({"right upper lobe", "left upper lobe"})
_SIDES = {
    RIGHT: r"right(?:-sided)?(?! (?:now|away|heart|ventric\w*|atri\w*|coronary))",
    LEFT: r"left(?:-sided)?(?! (?:heart|ventric\w*|atri\w*|coronary|anterior descending))",
    BOTH: r"bilateral(?:ly)?|both (?:lungs?|sides)",
}
_SEGMENT = re.compile(
    r"\b(?P<name>apico-?posterior|apical|posterior(?:[- ]basal)?|anterior(?:[- ]basal)?|superior(?: lingular)?|inferior(?: lingular)?"
    r"|medial(?:[- ]basal)?|lateral(?:[- ]basal)?|antero-?medial basal) (?:basal )?segments?\b",
    re.IGNORECASE,
)
_COMPILED_LOBES = {
    lobe: re.compile(rf"\b(?:{pattern})\b".replace(" ", r"\s+"), re.IGNORECASE) for lobe, pattern in LOBES.items()
}
_COMPILED_SIDES = {
    side: re.compile(rf"\b(?:{pattern})\b".replace(" ", r"\s+"), re.IGNORECASE) for side, pattern in _SIDES.items()
}


def find_lobes(text: str) -> Iterator[tuple[str, int, int]]:
    """(lobe, start, end) of every lobe named."""
    for lobe, pattern in _COMPILED_LOBES.items():
        for match in pattern.finditer(text):
            yield lobe, match.start(), match.end()


def find_sides(text: str) -> Iterator[tuple[str, int, int]]:
    """(side, start, end) of every side named, those within the name of a lobe included (RUL is right)."""
    abbreviated = [(lobe.split()[0], start, end) for lobe, start, end in find_lobes(text) if end - start == 3]
    lingula = [(LEFT, s, e) for lobe, s, e in find_lobes(text) if text[s:e].lower().startswith("lingul")]
    for side, pattern in _COMPILED_SIDES.items():
        for match in pattern.finditer(text):
            yield side, match.start(), match.end()
    yield from abbreviated
    yield from lingula


def find_segments(text: str) -> Iterator[tuple[str, int, int]]:
    """(segment, start, end) of every lung segment named."""
    for match in _SEGMENT.finditer(text):
        yield f"{match['name'].lower()} segment", match.start(), match.end()


def side_of_lobe(lobe: str) -> str:
    """Right or left."""
    return lobe.split(maxsplit=1)[0]
