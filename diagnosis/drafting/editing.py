"""The clinician edits a draft and signs it; what was changed is kept, and what has no evidence is named."""

import difflib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, final

from diagnosis.drafting.evidence import Draft
from diagnosis.errors import CaseError


@final
@dataclass(frozen=True)
class SignedReport:
    """A report as a clinician signed it.

    Attributes:
        case_id: pseudonym.
        text: what was signed.
        draft: the draft it was made from.
        diff: unified diff from the draft's text to what was signed; empty where nothing was changed.
        unsupported: lines that no sentence of the draft stands behind: the clinician's own.
        dropped: sentences of the draft that were not kept.
        signed_by: who signed.
        signed_at: when, with a time zone.
    """

    case_id: str
    text: str
    draft: Draft
    diff: str
    unsupported: tuple[str, ...]
    dropped: tuple[str, ...]
    signed_by: str
    signed_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, the draft with its evidence included."""
        return {
            "case_id": self.case_id,
            "signed_by": self.signed_by,
            "signed_at": self.signed_at.isoformat(),
            "text": self.text,
            "diff": self.diff,
            "unsupported": list(self.unsupported),
            "dropped": list(self.dropped),
            "draft": self.draft.to_json(),
        }


def sign(draft: Draft, text: str, signed_by: str, signed_at: datetime) -> SignedReport:
    """Sign an edited draft.

    Raises:
        CaseError: nobody signs, nothing is signed, or the time has no zone.
    """
    if not signed_by.strip() or not text.strip():
        msg = "report: it has no text or nobody signs it; give both"
        raise CaseError(msg)
    if signed_at.tzinfo is None:
        msg = "report: the time of signing has no time zone; add one"
        raise CaseError(msg)
    before, after = draft.text.splitlines(), text.splitlines()
    diff = "\n".join(difflib.unified_diff(before, after, "draft", "signed", lineterm=""))
    known, kept = set(before), set(after)
    return SignedReport(
        case_id=draft.case_id,
        text=text,
        draft=draft,
        diff=diff,
        unsupported=tuple(line for line in after if line.strip() and line not in known),
        dropped=tuple(sentence.text for sentence in draft.sentences if sentence.text not in kept),
        signed_by=signed_by,
        signed_at=signed_at,
    )
