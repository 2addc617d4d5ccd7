"""The signed report as a section of the DICOM SR, beside the measurements, with its own observer and time.

TID 1500 is extensible. The section is a CONTAINER (Diagnostic Imaging Report) whose observation context (TID 1002,
1003) names the person who signed, in place of the device that observed the rest. The text is one TEXT item; lines end
in CR LF. The document as a whole stays unverified: what was signed is the text, not the numbers beside it.
"""

from datetime import tzinfo
from typing import TYPE_CHECKING

from highdicom.sr import (
    CodeContentItem,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    DateTimeContentItem,
    PnameContentItem,
    RelationshipTypeValues,
    TextContentItem,
)

from diagnosis.reporting import codes as ours
from diagnosis.reporting.dicom_object import code_of, long_string

if TYPE_CHECKING:
    from diagnosis.reporting.clinician_report import ClinicianReport

_CONTAINS, _CONTEXT = RelationshipTypeValues.CONTAINS, RelationshipTypeValues.HAS_OBS_CONTEXT


def signed_section(report: "ClinicianReport", zone: tzinfo | None) -> ContentItem:
    """The section: who signed, when, and the words; where the report is outdated, a sentence on that alone.

    Args:
        report: what was signed.
        zone: of the document's Timezone Offset From UTC, in which its times are.
    """
    section = ContainerContentItem(code_of(ours.IMAGING_REPORT), relationship_type=_CONTAINS)
    section.ContentSequence = ContentSequence()
    if report.is_outdated:
        section.ContentSequence.append(TextContentItem(code_of(ours.COMMENT), report.left_out, _CONTAINS))
        return section
    person = long_string(report.signed_by)
    section.ContentSequence.extend(
        [
            CodeContentItem(code_of(ours.OBSERVER_TYPE), code_of(ours.PERSON), _CONTEXT),
            # An account is no name in parts: the signs that would part it are taken out.
            PnameContentItem(code_of(ours.PERSON_NAME), person.translate(str.maketrans("^=", "  ")), _CONTEXT),
            TextContentItem(code_of(ours.PERSON_LOGIN), person, _CONTEXT),
            TextContentItem(code_of(ours.REPORT_TEXT), "\r\n".join(report.text.splitlines()), _CONTAINS),
            DateTimeContentItem(
                code_of(ours.SIGNED_AT), f"{report.signed_at.astimezone(zone):%Y%m%d%H%M%S}", _CONTAINS
            ),
        ]
    )
    return section
