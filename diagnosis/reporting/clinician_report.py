"""The report that a clinician edited and signed, as an export repeats it."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import final

from diagnosis.errors import DiagnosisError


@final
@dataclass(frozen=True)
class ClinicianReport:
    """A signed report.

    Attributes:
        text: what was signed, as plain text in lines.
        signed_by: the signer's account, as the audit trail has it.
        signed_at: when, with time zone.
        is_outdated: it is of an earlier assessment of the case. Its words are then left out of every form, for they
            do not speak of what changed; `left_out` stands in their place.
    """

    text: str
    signed_by: str
    signed_at: datetime
    is_outdated: bool = False

    def __post_init__(self) -> None:
        if not self.text.strip() or not self.signed_by.strip():
            msg = "export: the signed report has no text or no signer; export without it"
            raise DiagnosisError(msg)
        if self.signed_at.tzinfo is None:
            msg = "export: the time of signing has no time zone; add one"
            raise DiagnosisError(msg)

    @property
    def signature(self) -> str:
        """Who signed, and when."""
        return f"Signed by {self.signed_by} on {self.signed_at.astimezone(UTC):%Y-%m-%d at %H:%M} UTC."

    @property
    def left_out(self) -> str:
        """Said in place of an outdated report."""
        when = f"{self.signed_at.astimezone(UTC):%Y-%m-%d at %H:%M} UTC"
        return (
            f"The report signed by {self.signed_by} on {when} is of an earlier assessment of this case and was left "
            "out; it does not speak of what changed since."
        )

    @property
    def digest(self) -> str:
        """SHA-256 over the words, the signer, the time, and whether it is outdated."""
        parts = (self.text, self.signed_by, self.signed_at.astimezone(UTC).isoformat(), str(self.is_outdated))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
