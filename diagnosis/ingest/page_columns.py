"""Two columns of prose on a page, read one after the other.

Text extraction in the order of the file reads across both columns where a program wrote them line by line, and so joins
the halves of different sentences. `in_reading_order` takes a page laid out on a grid of characters, looks for a blank
gutter between two blocks of prose, and gives the left block before the right one. A line that crosses the gutter (a
title, a footer) stays where it is and parts what is above it from what is below. Tables, whose cells are short, and
single columns are not touched.
"""

import re
from statistics import median

MIN_GUTTER = 3
MIN_LINES = 4
MIN_WIDTH = 20
MAX_CROSSING = 0.25


def in_reading_order(layout: str) -> str | None:
    """Text of a page in two columns, left one first; None where it has no two columns of prose.

    Args:
        layout: the page as lines of characters, in which what stands apart on paper stands apart in spaces.
    """
    lines = [line.expandtabs().rstrip() for line in layout.splitlines() if line.strip()]
    gutter = _gutter(lines)
    if gutter is None:
        return None
    blocks: list[str] = []
    left: list[str] = []
    right: list[str] = []
    for line in [*lines, None]:
        if line is None or _crosses(line, gutter):
            blocks += [*left, *right]
            left, right = [], []
            if line is not None:
                blocks.append(line.strip())
            continue
        left += [line[: gutter[1]].strip()] if line[: gutter[1]].strip() else []
        right += [line[gutter[1] :].strip()] if line[gutter[1] :].strip() else []
    return "\n".join(blocks)


def _crosses(line: str, gutter: tuple[int, int]) -> bool:
    return bool(line[gutter[0] : gutter[1]].strip())


def _gutter(lines: list[str]) -> tuple[int, int] | None:
    """Columns of characters `[start, end)` that part two blocks of prose; the widest such."""
    ends = {match.end() for line in lines for match in re.finditer(rf"\S {{{MIN_GUTTER},}}(?=\S)", line)}
    best: tuple[int, int] | None = None
    for end in sorted(ends):
        start = _start_of_blank(lines, end)
        if end - start >= MIN_GUTTER and (best is None or end - start > best[1] - best[0]):
            best = (start, end) if _parts_prose(lines, (start, end)) else best
    return best


def _start_of_blank(lines: list[str], end: int) -> int:
    """First column of the blank before `end`, in all lines but the few that cross it."""
    before = [len(line[:end].rstrip()) for line in lines if not line[end - MIN_GUTTER : end].strip()]
    return max(before, default=end)


def _parts_prose(lines: list[str], gutter: tuple[int, int]) -> bool:
    crossing = sum(_crosses(line, gutter) for line in lines)
    kept = [line for line in lines if not _crosses(line, gutter)]
    left = [len(line[: gutter[1]].strip()) for line in kept if line[: gutter[1]].strip()]
    right = [len(line[gutter[1] :].strip()) for line in kept if line[gutter[1] :].strip()]
    both = sum(bool(line[: gutter[1]].strip()) and bool(line[gutter[1] :].strip()) for line in kept)
    is_prose = both >= MIN_LINES and median(left) >= MIN_WIDTH and median(right) >= MIN_WIDTH
    return is_prose and crossing <= MAX_CROSSING * len(lines)
