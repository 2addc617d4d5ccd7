"""Export on the page of a case: choose the forms, take the files along."""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clinician_ui.access import may
from clinician_ui.components.phrases import plain_text
from clinician_ui.explanations import known_explanation
from clinician_ui.exports import export_case
from clinician_ui.permissions import Permission
from clinician_ui.reports import signed_report
from clinician_ui.services import CaseEntry
from diagnosis.errors import DiagnosisError
from diagnosis.record import Assessment
from diagnosis.reporting.clinician_report import ClinicianReport
from diagnosis.reporting.export import NEED_EXPLANATION
from diagnosis.vocabulary import ExportFormat, counted

FORM_WORDS = {
    ExportFormat.SR: "DICOM structured report",
    ExportFormat.PDF: "PDF report",
    ExportFormat.FHIR: "FHIR R4",
    ExportFormat.SC: "Pictures (secondary capture)",
    ExportFormat.PM: "Attribution (parametric map)",
    ExportFormat.SEG: "Region (segmentation)",
}
USUAL = (ExportFormat.SR, ExportFormat.FHIR)


def render_export(entry: CaseEntry, bundle_dir: Path, assessment: Assessment, place: DeltaGenerator) -> None:
    """Draw the button into its place; what it opens asks for the forms, makes the files and hands them over."""
    if not may(Permission.EXPORT):
        return
    with place.popover("Export", icon=":material/download:"), st.container(width=360):
        _ask(entry, bundle_dir, assessment)


@st.fragment
def _ask(entry: CaseEntry, bundle_dir: Path, assessment: Assessment) -> None:
    """The form by itself: choosing in it does not draw the page anew."""
    chosen = st.pills(
        "Forms",
        list(FORM_WORDS),
        selection_mode="multi",
        default=list(USUAL),
        format_func=FORM_WORDS.__getitem__,
        key=f"export-forms-{entry.token}",
    )
    if NEED_EXPLANATION.intersection(chosen) and known_explanation(entry, bundle_dir, assessment.main.name) is None:
        st.caption("PDF, pictures and attribution show the reasons, which are computed first: this takes a while.")
    st.caption(_report_words(signed_report(entry, assessment)))
    if st.button("Make files", type="primary", width="stretch", disabled=not chosen, key=f"export-{entry.token}"):
        with st.spinner("Writing", show_time=True):
            try:
                parcel = export_case(entry, bundle_dir, assessment, chosen)
            except DiagnosisError as error:
                st.error(str(error))
                return
        for form, reason in parcel.refused:
            st.warning(f"Not written: {FORM_WORDS[ExportFormat(form)]}: {reason}")
        st.download_button(
            f"Save {counted(parcel.n_files, 'file')}",
            parcel.zipped,
            file_name="assessment.zip",
            mime="application/zip",
            width="stretch",
            key=f"export-save-{entry.token}",
            on_click="ignore",
        )


def _report_words(signed: ClinicianReport | None) -> str:
    """Which report the files carry: known before they are made."""
    if signed is None:
        return "Nobody has signed a report of this case: the files say what the model said."
    who = plain_text(signed.signed_by)
    if signed.is_outdated:
        return f"The report signed by {who} is of an earlier assessment: it is left out, and the files say so."
    return f"Structured report, PDF and FHIR carry the report signed by {who}."
