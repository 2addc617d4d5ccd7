# ruff: noqa: E501 - each pattern is read as a whole
"""Sizes of organs, which are none of a lesion: "aorta calcified, 38 mm", "12 mm subcarinal lymph node"."""

import re

Span = tuple[int, int]

_LOOK_BACK = 80
# One of these between a size and a finding keeps them apart.
_BETWEEN = re.compile(
    r"\b(?:lymph nodes?|cysts?|gallstones?|aneurysm|aorta|heart|thyroid|kidney|liver|spleen|adrenal|vertebra\w*|tube|catheter)\b",
    re.IGNORECASE,
)
_WHICH = (
    r"(?:(?:the|an?|main|ascending|descending|thoracic|abdominal|right|left|common|hiatal|subcarinal|hilar|paratracheal|mediastinal"
    r"|axillary|enlarged|largest|dilated|calcified|ectatic|tortuous|aneurysmal)\s+){0,3}"
)
_ORGAN = (
    r"(?:aorta|aortic (?:root|arch)|pulmonary (?:artery|trunk)|PA|heart|lymph nodes?|node|thyroid|trachea|esophagus|hernia|cyst|gallstone"
    r"|kidney|liver|spleen|adrenal|aneurysm|vertebra\w*)"
).replace(" ", r"\s+")
_TOLD = r"(?:is|are|and|calcified|dilated|ectatic|tortuous|enlarged|aneurysmal|measures|measuring|diameter|size|of|in|up|to|at|about|axis|short)"
# The organ begins its clause: "nodule beside the pulmonary artery measuring 9 mm" is the nodule's.
_ORGAN_BEFORE = re.compile(
    rf"(?:^|[.,;:(\n]|\band\b|\bwith\b)\s*{_WHICH}{_ORGAN}(?:[\s,:(]+{_TOLD})*[\s,:(]*$", re.IGNORECASE
)
# The size begins its item: in "nodule 9 mm lymph node normal", dictated without commas, it is the nodule's.
_ITEM_BEGINS = re.compile(r"(?:^|[.,;:(\n]|\b(?:and|with|an?|now|today|currently))\s*$", re.IGNORECASE)
_ORGAN_AFTER = re.compile(rf"[\s-]+{_WHICH}(?:(?:lymph\s+)?node|gallstone|hernia|aneurysm)\b", re.IGNORECASE)
_NEXT_ITEM = re.compile(r"\s*[,;]\s*(?:an?\s+)?(?:\d[\d.,]*\s*(?:mm|cm)\s+)?", re.IGNORECASE)


def has_organ_between(text: str, size: Span, finding: Span) -> bool:
    """Whether an organ stands between a size and a finding."""
    return _BETWEEN.search(text, *_between(size, finding)) is not None


def is_of_organ(text: str, size: Span, lesion: Span) -> bool:
    """Whether the words beside a size give it to an organ, and not to the lesion that is nearest to it.

    Args:
        text: the whole text.
        size: characters of the size.
        lesion: characters of the lesion's name.
    """
    before = text[max(0, size[0] - _LOOK_BACK) : size[0]]
    if _ITEM_BEGINS.search(before) and _ORGAN_AFTER.match(text, size[1]):
        return True
    # "Heart enlarged, 9 mm nodule": what goes on without a comma is the lesion's.
    is_apart = lesion[0] < size[0] or _NEXT_ITEM.fullmatch(text, *_between(size, lesion)) is not None
    return is_apart and _ORGAN_BEFORE.search(before) is not None


def _between(first: Span, second: Span) -> Span:
    start, end = min(first[1], second[1]), max(first[0], second[0])
    return start, max(start, end)
