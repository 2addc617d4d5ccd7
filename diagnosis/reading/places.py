# ruff: noqa: E501 - each entry is one pattern, read as a whole
"""Sides, lobes and segments of the lung in a text; segments by name, by number or by bronchus (RB3, LB1+2; Boyden)."""

import re
from collections.abc import Iterator

RIGHT, LEFT, BOTH = "right", "left", "bilateral"
_RIGHT, _LEFT = r"(?:right|rt\.?|R)", r"(?:left|lt\.?|L)"
_OF_RIGHT, _OF_LEFT = r"(?:of the right(?: lung)?|on the right)", r"(?:of the left(?: lung)?|on the left)"
LOBES: dict[str, str] = {
    "right upper lobe": rf"{_RIGHT}(?: \w+)? upper(?: lobe| lung(?: field)?| zone)?|RUL|{_RIGHT} (?:lung |pulmonary )?(?:apex|apical)|(?:upper lobe|apex) {_OF_RIGHT}|RB[123]",
    "right middle lobe": rf"{_RIGHT}(?: \w+)? middle lobe|(?<!left\s)middle lobe|RML|RB[45]",
    "right lower lobe": rf"{_RIGHT}(?: \w+)? lower (?:lobe|zone)|RLL|{_RIGHT} (?:lung )?base|(?:lower lobe|base) {_OF_RIGHT}|RB(?:10|[6-9])",
    "left upper lobe": rf"{_LEFT}(?: \w+)? upper(?: lobe| lung(?: field)?| zone)|LUL|lingula\w*|{_LEFT} (?:lung |pulmonary )?(?:apex|apical)|(?:upper lobe|apex) {_OF_LEFT}|LB(?:1[+/]2|[1-5])",
    "left lower lobe": rf"{_LEFT}(?: \w+)? lower (?:lobe|zone)|LLL|{_LEFT} (?:lung )?base|(?:lower lobe|base) {_OF_LEFT}|LB(?:10|[6-9])",
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
_BARE_LOBE = re.compile(r"\b(?P<level>upper|lower)\s+lobe\b", re.IGNORECASE)
_BARE_SEGMENT = re.compile(r"\bS(?P<number>10|1\s?[+/]\s?2|[1-9])\b")
_NAMES_SIDE = re.compile(r"left|right", re.IGNORECASE)
_COMPILED_LOBES = {
    lobe: re.compile(rf"\b(?:{pattern})\b".replace(" ", r"\s+"), re.IGNORECASE) for lobe, pattern in LOBES.items()
}
_COMPILED_SIDES = {
    side: re.compile(rf"\b(?:{pattern})\b".replace(" ", r"\s+"), re.IGNORECASE) for side, pattern in _SIDES.items()
}


def find_lobes(text: str) -> Iterator[tuple[str, int, int]]:
    """(lobe, start, end) of every lobe named."""
    named = False
    for lobe, pattern in _COMPILED_LOBES.items():
        for match in pattern.finditer(text):
            named = True
            yield lobe, match.start(), match.end()
    sides = {side for side, pattern in _COMPILED_SIDES.items() if pattern.search(text)}
    if not named and len(sides) == 1 and (side := sides.pop()) != BOTH:
        # "S6 on the right" and "lower lobe nodule on the left": the one side of the sentence is that of its lobe.
        for match in _BARE_LOBE.finditer(text):
            yield f"{side} {match['level'].lower()} lobe", match.start(), match.end()
        for match in _BARE_SEGMENT.finditer(text):
            yield _lobe_of_segment(side, match["number"]), match.start(), match.end()


def find_sides(text: str) -> Iterator[tuple[str, int, int]]:
    """(side, start, end) of every side named or meant: RUL and RB3 are right, the lingula is left."""
    for side, pattern in _COMPILED_SIDES.items():
        for match in pattern.finditer(text):
            yield side, match.start(), match.end()
    for lobe, start, end in find_lobes(text):
        is_bare = _BARE_LOBE.fullmatch(text, start, end) or _BARE_SEGMENT.fullmatch(text, start, end)
        if not is_bare and not _NAMES_SIDE.search(text, start, end):
            yield side_of_lobe(lobe), start, end


def find_segments(text: str) -> Iterator[tuple[str, int, int]]:
    """(segment, start, end) of every lung segment named."""
    is_of_liver = _LIVER.search(text) is not None
    for match in _SEGMENT.finditer(text):
        if match["name"]:
            yield f"{match['name'].lower()} segment", match.start(), match.end()
        elif match["bronchus"] or not is_of_liver:
            yield f"segment {match['bronchus'] or match['number']}", match.start(), match.end()


def _lobe_of_segment(side: str, number: str) -> str:
    """Of a numbered segment (Boyden): 4 and 5 are the middle lobe on the right and the lingula on the left."""
    if number not in {"4", "5"}:
        return f"{side} {'lower' if number in {'6', '7', '8', '9', '10'} else 'upper'} lobe"
    return "right middle lobe" if side == RIGHT else "left upper lobe"


def side_of_lobe(lobe: str) -> str:
    """Right or left."""
    return lobe.split(maxsplit=1)[0]
