"""Sections of a clinical note, found by their headings, as character offsets into its text.

A heading is one of the titles below, alone on a line (`IMPRESSION`), at the start of a line and followed by a colon
(`Clinical history: ...`), or in capitals followed by a colon anywhere (`... seen. IMPRESSION: ...`). Names of organs
(`Lungs:`) are no headings here: they subdivide the findings. The title is normalized; the offsets enclose what the
section says, without the heading and without white space at either end. A section that says nothing is left out.
"""

import re
from itertools import pairwise

from diagnosis.record.note import NoteSection

# Wordings of each title, as they stand in radiology reports and clinic letters; longer wordings first where one
# begins another.
_WORDINGS: dict[str, tuple[str, ...]] = {
    "HISTORY": (
        "history of present illness",
        "history of presenting complaint",
        "past medical history",
        "past history",
        "clinical history",
        "clinical information",
        "clinical details",
        "clinical background",
        "clinical data",
        "medical history",
        "patient history",
        "family history",
        "social history",
        "smoking history",
        "history",
        "hpi",
        "pmh",
    ),
    "INDICATION": (
        "indication for study",
        "indication for exam",
        "indication for examination",
        "clinical indication",
        "reason for study",
        "reason for exam",
        "reason for examination",
        "reason for referral",
        "reason for visit",
        "indications",
        "indication",
        "clinical question",
        "chief complaint",
        "presenting complaint",
    ),
    "EXAM": (
        "type of exam",
        "exam type",
        "examination",
        "examinations",
        "exam",
        "study",
        "procedure",
    ),
    "PHYSICAL EXAM": ("physical examination", "physical exam", "on examination"),
    "TECHNIQUE": ("ct technique", "scan technique", "imaging technique", "technique", "protocol"),
    "COMPARISON": (
        "comparison studies",
        "comparison study",
        "comparisons",
        "comparison",
        "prior studies",
        "prior study",
        "previous imaging",
        "previous studies",
    ),
    "FINDINGS": ("ct findings", "imaging findings", "findings", "finding", "observations", "report"),
    "IMPRESSION": ("impressions", "impression", "assessment and plan", "assessment", "opinion"),
    "CONCLUSION": ("conclusions", "conclusion", "summary", "interpretation"),
    "RECOMMENDATION": ("recommendations", "recommendation", "follow-up recommendation", "plan"),
    "MEDICATIONS": ("current medications", "medications", "medication"),
    "ALLERGIES": ("known allergies", "allergies"),
    "SIGNATURE": (
        "electronically signed by",
        "electronically signed",
        "signed by",
        "dictated by",
        "reported by",
        "transcribed by",
    ),
}
_TITLE_OF_WORDING = {wording: title for title, wordings in _WORDINGS.items() for wording in wordings}


def _any_of(wordings: list[str]) -> str:
    longest_first = sorted(wordings, key=len, reverse=True)
    return "|".join(re.escape(w).replace(r"\ ", r"[ \t]+") for w in longest_first)


_ANY_TITLE = _any_of(list(_TITLE_OF_WORDING))
# A bullet, number or markup may stand before a heading: "1. Findings:", "**IMPRESSION**", "# History".
_LINE_HEADING = (
    rf"^[ \t]*(?:[#*_>-]+[ \t]*|\d{{1,2}}[.)][ \t]*)?(?P<line>(?i:{_ANY_TITLE}))[*_]*[ \t]*(?::[*_]*|$|-[ \t])"
)
_CAPITALS = _any_of([wording.upper() for wording in _TITLE_OF_WORDING])
_INLINE_HEADING = rf"(?<![\w/-])(?P<inline>{_CAPITALS})[ \t]*:"
_HEADING = re.compile(f"{_LINE_HEADING}|{_INLINE_HEADING}", re.MULTILINE)


def find_sections(text: str) -> tuple[NoteSection, ...]:
    """Sections of a note in order; they do not overlap, and text before the first heading belongs to none."""
    found = [(_normalized_title(m), m.start(), m.end()) for m in _HEADING.finditer(text)]
    bounds = pairwise([*found, ("", len(text), len(text))])
    trimmed = (_trimmed(text, title, start, end) for (title, _, start), (_, end, _) in bounds)
    return tuple(section for section in trimmed if section.start < section.end)


def _normalized_title(heading: re.Match[str]) -> str:
    wording = heading["line"] or heading["inline"]
    return _TITLE_OF_WORDING[" ".join(wording.lower().split())]


def _trimmed(text: str, title: str, start: int, end: int) -> NoteSection:
    body = text[start:end]
    return NoteSection(title, start + len(body) - len(body.lstrip()), start + len(body.rstrip()))
