"""Sentences of a clinical text as character offsets: abbreviations and decimals do not end one, list items do."""

import re
from collections.abc import Iterator

_ABBREVIATION = re.compile(
    r"\b(?:dr|mr|mrs|ms|prof|st|vs|approx|fig|e\.g|i\.e|resp|p\.o|b\.i\.d|q\.d|h|cf|[A-Z])\.$", re.IGNORECASE
)
_BEFORE_NUMBER = re.compile(r"\b(?:no|ca|etc)\.$", re.IGNORECASE)  # "no. 2" and "ca. 8 mm", but "lung ca. Findings"
_END = re.compile(
    r"[.?!]+[)\"']?(?=\s|$|\||[A-Z][a-z])"  # full stop; also "seen.The", as dictation systems leave it
    r"|\n[ \t]*\n"  # an empty line
    r"|\n(?=[ \t]*\||[A-Z][A-Z0-9]{2}\|)"  # a row of a table, a segment of an HL7 message
    r"|\n(?=[ \t]*(?:[-*•]|\d{1,2}[.)])[ \t])"  # a list item
    r"|\s(?=\d{1,2}\)\s?[A-Za-z])"  # "1) ... 2) ..." within a line
    r"|\n(?=[ \t]*[A-Z][A-Za-z ]{2,30}:)"  # a heading
    r"|(?<=[^A-Z\s])\s(?=[A-Z][A-Z/ -]{3,40}(?:\([A-Z]+\))?:)"  # a heading in capitals within a line
)
_ITEM_NUMBER = re.compile(r"^\s*(?:[A-Z][A-Za-z ]{2,40}:\s*)?\d{1,2}[.)]?$")


def sentence_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Sentences `[start, end)` in order, without white space at either end; together they hold every word."""
    return tuple(_trimmed(text))


def _trimmed(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for end in (*_ends(text), len(text)):
        piece = text[start:end]
        if piece.strip():
            yield start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
            start = end


def _ends(text: str) -> Iterator[int]:
    start = 0
    for match in _END.finditer(text):
        head = text[start : match.end()].rstrip()
        is_stop = match[0].startswith(".")
        begins_new = text[match.end() : match.end() + 3].lstrip()[:1].isupper()
        is_short = _ABBREVIATION.search(head) or (not begins_new and _BEFORE_NUMBER.search(head))
        if is_stop and (is_short or _ITEM_NUMBER.match(head)):
            # "Dr." and "1." belong to what follows them, except where "no." ends a line of its own.
            continue
        start = match.end()
        yield start
