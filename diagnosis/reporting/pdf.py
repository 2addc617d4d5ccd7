"""The assessment as a PDF of one to three pages, for people and for archives that keep documents.

A report that a clinician signed comes first, whole, with who signed it and when. Who the patient is stands in the head,
for the page is filed in the patient's record. The font is DejaVu Sans, which is embedded and covers Latin, Greek and
Cyrillic names.
"""

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Image, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table

from diagnosis.record import Assessment, FindingAssessment, SpeechSpan, TextSpan
from diagnosis.record.identity import StudyIdentity
from diagnosis.reporting.colors import AGAINST_RGB, FOR_RGB, strength
from diagnosis.reporting.panels import region_panel
from diagnosis.reporting.result import Result
from diagnosis.version import __version__
from diagnosis.vocabulary import DESCRIPTOR_BY_NAME, NOT_A_MEDICAL_DEVICE, Modality

Flowable = Any
MODALITY_TITLES = {Modality.CT: "CT", Modality.NOTE: "Note", Modality.VOICE: "Dictation"}
BODY, BOLD = "Report", "Report-Bold"
LINE = colors.HexColor("#c8c8c8")
CONTENT_WIDTH = A4[0] - 36 * mm
MAX_PANEL_HEIGHT = 165 * mm
MAX_TEXT = 6000
"""Characters of a note that are printed; a longer one is cut, and the page says so."""
PRELIMINARY = "Preliminary, made by software; to be confirmed by a clinician."
BESIDE_SIGNED = "The report is signed by a clinician. What follows it was made by software and is preliminary."


def render_pdf(result: Result) -> bytes:
    """The report; the same result gives the same bytes."""
    _register_fonts()
    stream = io.BytesIO()
    said = result.assessment
    document = SimpleDocTemplate(
        stream, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=16 * mm, bottomMargin=20 * mm,
        title="CT assessment", author=f"{said.bundle_name} {said.bundle_version}", creator=f"diagnosis {__version__}",
        invariant=1,
    )  # fmt: skip
    parts = [
        *_head(result),
        *_signed(result),
        *_findings(said),
        *_evidence(said),
        *_descriptors(said),
        *_warnings(result),
        *_picture(result),
        *_texts(result),
    ]

    def foot(canvas: Any, _: Any) -> None:  # noqa: ANN401 - reportlab's canvas
        canvas.setFont(BODY, 7)
        canvas.setFillColor(colors.HexColor("#555555"))
        canvas.drawString(18 * mm, 12 * mm, NOT_A_MEDICAL_DEVICE)
        canvas.drawString(18 * mm, 8.5 * mm, f"{said.bundle_name} {said.bundle_version}, SHA-256 {said.bundle_sha256}")
        canvas.drawRightString(A4[0] - 18 * mm, 12 * mm, f"page {canvas.getPageNumber()}")

    document.build(parts, onFirstPage=foot, onLaterPages=foot)
    return stream.getvalue()


@cache
def _register_fonts() -> None:
    import matplotlib as mpl

    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    pdfmetrics.registerFont(TTFont(BODY, str(folder / "DejaVuSans.ttf")))
    pdfmetrics.registerFont(TTFont(BOLD, str(folder / "DejaVuSans-Bold.ttf")))
    pdfmetrics.registerFontFamily(BODY, normal=BODY, bold=BOLD, italic=BODY, boldItalic=BOLD)


def _style(size: float, *, is_bold: bool = False, before: float = 0, after: float = 0) -> ParagraphStyle:
    return ParagraphStyle(
        f"s{size}{is_bold}{before}",
        fontName=BOLD if is_bold else BODY,
        fontSize=size,
        leading=size * 1.35,
        spaceBefore=before,
        spaceAfter=after,
    )


def _text(words: str, size: float = 8.5) -> Paragraph:
    return Paragraph(escape(words), _style(size))


def _title(words: str) -> Paragraph:
    return Paragraph(escape(words), _style(10.5, is_bold=True, before=9, after=3))


def _table(rows: list[list[str]], widths: list[float], *, has_head: bool = True) -> Table:
    cells = [[_text(cell) for cell in row] for row in rows]
    if has_head:
        cells[0] = [Paragraph(escape(cell), _style(8, is_bold=True)) for cell in rows[0]]
    style: list[Any] = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("TOPPADDING", (0, 0), (-1, -1), 2.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.8),
    ]
    return Table(cells, colWidths=[w * CONTENT_WIDTH for w in widths], style=style, repeatRows=int(has_head))


def _head(result: Result) -> list[Flowable]:
    case = result.case
    person = [f"{case.age_years:g} years" if case.age_years is not None else "", case.sex.value if case.sex else ""]
    rows = [["Case", result.assessment.case_id, "Assessed", f"{result.created_at:%Y-%m-%d %H:%M %Z}"]]
    rows.append(["Age, sex", ", ".join(p for p in person if p) or "-", "Region", _region(result)])
    rows += _patient_rows(result.identity)
    return [
        Paragraph("CT assessment", _style(16, is_bold=True, after=1)),
        _text(PRELIMINARY if result.report_in_force is None else BESIDE_SIGNED, 8.5),
        Spacer(1, 5),
        _table(rows, [0.13, 0.37, 0.13, 0.37], has_head=False),
    ]


def _signed(result: Result) -> list[Flowable]:
    """The clinician's own report, line by line as it was signed; it may run over pages."""
    report = result.report_in_force
    if report is None:
        return []
    lines = [_text(line) if line.strip() else Spacer(1, 4) for line in report.text.splitlines()]
    return [_title("Report"), *lines, Spacer(1, 3), Paragraph(escape(report.signature), _style(8.5, is_bold=True))]


def _region(result: Result) -> str:
    region = result.case.region
    if region is None:
        return "none marked"
    x, y, z = region.center_mm
    size = f", {region.diameter_mm:g} mm" if region.diameter_mm else ""
    return f"({x:.0f}, {y:.0f}, {z:.0f}) mm LPS{size}"


def _patient_rows(identity: StudyIdentity) -> list[list[str]]:
    source = identity.source
    if source is None:
        return []
    name = ", ".join(part for part in source.patient_name.split("=")[0].split("^") if part)
    day = source.study_date
    date = f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 and day.isdigit() else "-"
    return [
        ["Patient", name or "-", "Patient ID", identity.patient_id or "-"],
        ["Study date", date, "Accession", identity.accession_number or "-"],
    ]


def _findings(said: Assessment) -> list[Flowable]:
    rows = [["Finding", "Probability", "Ensemble", "Threshold", "Flag", "Conformal set"]]
    rows += [_finding_row(finding) for finding in said.findings]
    return [_title("Findings of the model"), _table(rows, [0.24, 0.14, 0.17, 0.13, 0.12, 0.2])]


def _finding_row(finding: FindingAssessment) -> list[str]:
    labels = finding.prediction_set
    verdict = "-" if labels is None else {0: "unlike calibration", 1: "".join(labels)}.get(len(labels), "too uncertain")
    return [
        finding.name.replace("_", " "),
        f"{100 * finding.probability:.0f} %",
        f"{100 * finding.low:.0f} to {100 * finding.high:.0f} %",
        f"{100 * finding.threshold:.0f} %",
        "flagged" if finding.is_flagged else "no",
        verdict,
    ]


def _evidence(said: Assessment) -> list[Flowable]:
    rows = [["Evidence", "Used", "Contribution (logits)", "Share"]]
    rows += [
        [
            MODALITY_TITLES[use.modality],
            "yes" if use.is_present else "absent",
            f"{use.shapley_logits:+.2f}" if use.is_present else "-",
            f"{100 * use.share:.0f} %" if use.is_present else "-",
        ]
        for use in said.modalities
    ]
    return [KeepTogether([_title("What each kind of evidence contributed"), _table(rows, [0.28, 0.2, 0.32, 0.2])])]


def _descriptors(said: Assessment) -> list[Flowable]:
    if not said.descriptors:
        return []
    cells = [[DESCRIPTOR_BY_NAME[d.name].display, f"{d.value:.1f}", d.wording] for d in said.descriptors]
    half = (len(cells) + 1) // 2
    right = [*cells[half:], *[["", "", ""]] * (2 * half - len(cells))]
    rows = [["Descriptor", "Rating", "Wording"] * 2, *(a + b for a, b in zip(cells[:half], right, strict=True))]
    return [KeepTogether([_title("Descriptors"), _table(rows, [0.18, 0.1, 0.22] * 2)])]


def _warnings(result: Result) -> list[Flowable]:
    withheld = result.explanation.withheld if result.explanation else ()
    found = [*result.remarks, *withheld]
    return [_title("To be noted"), *(_text(f"• {entry}") for entry in found)] if found else []


def _picture(result: Result) -> list[Flowable]:
    case, explanation = result.case, result.explanation
    if case.volume is None or case.region is None:
        return []
    png = region_panel(case.volume, case.region, explanation.volume if explanation else None)
    image = Image(io.BytesIO(png))
    ratio = min(CONTENT_WIDTH / image.imageWidth, MAX_PANEL_HEIGHT / image.imageHeight)
    image.drawWidth, image.drawHeight = image.imageWidth * ratio, image.imageHeight * ratio
    return [KeepTogether([_title("CT through the region"), image])]


def _texts(result: Result) -> list[Flowable]:
    case, explanation = result.case, result.explanation
    parts: list[Flowable] = []
    if case.note is not None:
        parts += [
            _title("Note"),
            _tinted(case.note.text, explanation.note.spans if explanation and explanation.note else ()),
        ]
    if case.voice_note is not None and case.voice_note.words:
        spans = explanation.voice.spans if explanation and explanation.voice else ()
        parts += [_title("Dictation (transcript)"), _tinted(case.voice_note.text, spans)]
    if parts and explanation is not None:
        parts.append(_text("Tinted words: orange speaks for the finding, blue against.", 7))
    return parts


def _tinted(text: str, spans: Sequence[TextSpan | SpeechSpan]) -> Paragraph:
    """The text with its words on a tint of their attribution, as the pages on screen show them."""
    scale = max((abs(span.value) for span in spans), default=0.0)
    shown, position, parts = text[:MAX_TEXT], 0, []
    ordered: list[TextSpan | SpeechSpan] = sorted(spans, key=lambda s: s.start)
    for span in ordered:
        if span.start < position or span.end > len(shown):
            continue
        word = escape(shown[span.start : span.end])
        is_strong = scale > 0 and abs(span.value) >= 0.05 * scale
        parts += [
            escape(shown[position : span.start]),
            f'<font backColor="{_tint(span.value, scale)}">{word}</font>' if is_strong else word,
        ]
        position = span.end
    cut = " … (cut)" if len(text) > MAX_TEXT else ""
    return Paragraph("".join([*parts, escape(shown[position:] + cut)]).replace("\n", "<br/>"), _style(8.5))


def _tint(value: float, scale: float) -> str:
    """The diverging scale laid over white."""
    opacity = 0.55 * float(strength(value, scale))
    rgb = FOR_RGB if value >= 0 else AGAINST_RGB
    return "#" + "".join(f"{round(255 + (channel - 255) * opacity):02x}" for channel in rgb)
