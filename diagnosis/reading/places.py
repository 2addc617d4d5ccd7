# ruff: noqa: E501 - each entry is one pattern, read as a whole
"""Sides, lobes and segments of the lung in a text; segments by name, by number or by bronchus (RB3, LB1+2; Boyden)."""

import re
from collections.abc import Iterator

RIGHT, LEFT, BOTH = "right", "left", "bilateral"
LOBES: dict[str, str] = {
    "right upper lobe": r"right(?: \w+)? upper(?: lobe| lung(?: field)?)?|RUL|right (?:lung |pulmonary )?apex|RB[123]",
    "right middle lobe": r"right(?: \w+)? middle lobe|(?<!left\s)middle lobe|RML|RB[45]",
    "right lower lobe": r"right(?: \w+)? lower lobe|RLL|RB(?:10|[6-9])",
    "left upper lobe": r"left(?: \w+)? upper(?: lobe| lung(?: field)?)|LUL|lingula\w*|left (?:lung |pulmonary )?apex|LB(?:1[+/]2|[1-5])",
    "left lower lobe": r"left(?: \w+)? lower lobe|LLL|LB(?:10|[6-9])",
}
UPPER_LOBES = frozenset({"right upper lobe", "left upper lobe"})
_SIDES = {
    RIGHT: r"right(?:-sided)?(?! (?:now|away|heart|ventric\w*|atri\w*|coronary))",
    LEFT: r"left(?:-sided)?(?! (?:heart|ventric\w*|atri\w*|coronary|anterior descending))",
    BOTH: r"bilateral(?:ly)?|both (?:lungs?|sides)",
}
_SEGMENT = re.compile(
    r"\b(?P<name>apico-?posterior|apical|posterior(?:[- ]basal)?|anterior(?:[- ]basal)?|superior(?: lingular)?|inferior(?: lingular)?"
    r"|medial(?:[- ]basal)?|lateral(?:[- ]basal)?|antero-?medial basal) (?:basal )?segments?\b"
    r"|\bsegment (?P<number>10|[1-9])\b|\b[RL]B(?P<bronchus>10|1[+/]2|[1-9])\b",
    re.IGNORECASE,
)
_LIVER = re.compile(r"\b(?:liver|hepatic)\b", re.IGNORECASE)  # its segments have numbers too
_NAMES_SIDE = re.compile(r"left|right", re.IGNORECASE)
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
    """(side, start, end) of every side named or meant: RUL and RB3 are right, the lingula is left."""
    for side, pattern in _COMPILED_SIDES.items():
        for match in pattern.finditer(text):
            yield side, match.start(), match.end()
    for lobe, start, end in find_lobes(text):
        if not _NAMES_SIDE.search(text, start, end):
            yield side_of_lobe(lobe), start, end


def find_segments(text: str) -> Iterator[tuple[str, int, int]]:
    """(segment, start, end) of every lung segment named."""
    is_of_liver = _LIVER.search(text) is not None
    for match in _SEGMENT.finditer(text):
        if match["name"]:
            yield f"{match['name'].lower()} segment", match.start(), match.end()
        elif match["bronchus"] or not is_of_liver:
            yield f"segment {match['bronchus'] or match['number']}", match.start(), match.end()


def side_of_lobe(lobe: str) -> str:
    """Right or left."""
    return lobe.split(maxsplit=1)[0]
