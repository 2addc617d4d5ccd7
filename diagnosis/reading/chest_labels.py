"""The findings of a whole report: which are said to be there, and whether nothing is.

A finding counts where the findings, the impression or text without a heading asserts it; the indication, the history
and the comparison tell what was asked and what once was. A finding that is only suspected is not asserted, but a
report that suspects one is not normal either.
"""

import re

from diagnosis.reading.context import Assertions
from diagnosis.reading.finding_names import CHEST_FINDINGS
from diagnosis.reading.findings import find_mentions
from diagnosis.record.note import ClinicalNote

REPORT_FINDINGS: tuple[str, ...] = (
    *(n for n in CHEST_FINDINGS if n not in {"hyperinflation", "copd"}),
    "nodule",
    "mass",
)
NORMAL = "normal"
_NOT_REPORTED = frozenset(
    {
        "HISTORY",
        "INDICATION",
        "COMPARISON",
        "TECHNIQUE",
        "EXAM",
        "PHYSICAL EXAM",
        "MEDICATIONS",
        "ALLERGIES",
        "SIGNATURE",
    }
)
_IGNORED = frozenset({"stability", "solid", "growth"})


def report_labels(note: ClinicalNote) -> frozenset[str]:
    """Names of the findings that a report asserts; `{"normal"}` for a report that asserts none at all."""
    mentions = list(find_mentions(_reported_text(note), with_others=True))
    if not any(_is_suspected(meant) for name, _, _, meant in mentions if name not in _IGNORED):
        return frozenset({NORMAL})
    said = {name for name, _, _, meant in mentions if _is_suspected(meant) and not meant.is_uncertain}
    return frozenset(said & set(REPORT_FINDINGS))


def _is_suspected(meant: Assertions) -> bool:
    return not (meant.is_negated or meant.is_hypothetical or meant.is_family)


def _reported_text(note: ClinicalNote) -> str:
    """The note with what is no report blanked out, so that offsets stay."""
    text = note.text
    for section in note.sections:
        if section.title in _NOT_REPORTED:
            text = text[: section.start] + re.sub(r"\S", " ", text[section.start : section.end]) + text[section.end :]
    return text
