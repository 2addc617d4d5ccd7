"""A self-contained page: one section a case, with pictures inside. No script, no font, no address to load from."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from diagnosis.record import Assessment, Case, Explanation, FindingAssessment
from diagnosis.record.attribution import WHOLE_CASE
from diagnosis.reporting.candidate_rows import ReportCandidate, candidate_rows
from diagnosis.reporting.changes import changes_html
from diagnosis.reporting.highlights import highlight_html, scale_html
from diagnosis.reporting.panels import region_panel, waveform_panel
from diagnosis.version import __version__
from diagnosis.vocabulary import DESCRIPTOR_BY_NAME, NOT_A_MEDICAL_DEVICE, Modality

TEMPLATES = Path(__file__).parent / "templates"
MODALITY_TITLES = {Modality.CT: "CT", Modality.NOTE: "Note", Modality.VOICE: "Dictation"}


@final
@dataclass(frozen=True, eq=False)
class ReportCase:
    """What a section is made from; candidates where a program proposed the regions."""

    case: Case
    assessment: Assessment
    explanation: Explanation | None = None
    candidates: tuple[ReportCandidate, ...] = ()


def write_report(cases: list[ReportCase], path: Path) -> None:
    """Write the page; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_report(cases), encoding="utf-8")


def render_report(cases: list[ReportCase]) -> str:
    """The page as HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    template = environment.get_template("assessment.html.j2")
    first = cases[0].assessment
    return template.render(
        sections=[_section(item) for item in cases],
        bundle=f"{first.bundle_name} {first.bundle_version}",
        sha256=first.bundle_sha256,
        version=__version__,
        disclaimer=NOT_A_MEDICAL_DEVICE,
    )


def _section(item: ReportCase) -> dict[str, Any]:
    case, assessment, explanation = item.case, item.assessment, item.explanation
    return {
        "case_id": assessment.case_id,
        "patient": _patient(case),
        "findings": [_finding(finding) for finding in assessment.findings],
        "modalities": [
            {
                "title": MODALITY_TITLES[use.modality],
                "present": use.is_present,
                "logits": f"{use.shapley_logits:+.2f}",
                "share": round(100 * use.share),
                "speaks_for": use.shapley_logits >= 0,
            }
            for use in assessment.modalities
        ],
        "descriptors": [
            {"title": DESCRIPTOR_BY_NAME[d.name].display, "value": f"{d.value:.1f}", "wording": d.wording}
            for d in assessment.descriptors
        ],
        "warnings": [*assessment.warnings, *(explanation.withheld if explanation else ())],
        "candidates": candidate_rows(case.volume, item.candidates),
        "ct": _ct_picture(case, explanation),
        "note": _note_html(case, explanation),
        "note_scale": scale_html(explanation.note.spans) if explanation and explanation.note else "",
        "voice": _voice_html(case, explanation),
        "voice_scale": scale_html(explanation.voice.spans) if explanation and explanation.voice else "",
        "waveform": _waveform(case, explanation),
        "changes": _changes(item),
        "proof": _proof(explanation),
    }


def _patient(case: Case) -> str:
    parts = [f"{case.age_years:g} years" if case.age_years is not None else "", case.sex.value if case.sex else ""]
    if case.region is not None:
        x, y, z = case.region.center_mm
        size = f", {case.region.diameter_mm:g} mm" if case.region.diameter_mm else ""
        parts.append(f"region at ({x:.0f}, {y:.0f}, {z:.0f}) mm LPS{size}")
    return ", ".join(part for part in parts if part)


def _finding(finding: FindingAssessment) -> dict[str, Any]:
    sets = finding.prediction_set
    verdict = "" if sets is None else (sets[0] if len(sets) == 1 else "too uncertain to call")
    return {
        "name": finding.name.replace("_", " "),
        "percent": f"{100 * finding.probability:.0f} %",
        "position": f"{100 * finding.probability:.1f}",
        "low": f"{100 * finding.low:.1f}",
        "span": f"{100 * (finding.high - finding.low):.1f}",
        "range": f"{100 * finding.low:.0f} to {100 * finding.high:.0f} %",
        "threshold": f"{100 * finding.threshold:.1f}",
        "flagged": finding.is_flagged,
        "set": verdict,
    }


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _ct_picture(case: Case, explanation: Explanation | None) -> str | None:
    if case.volume is None or case.region is None:
        return None
    return _data_uri(region_panel(case.volume, case.region, explanation.volume if explanation else None))


def _note_html(case: Case, explanation: Explanation | None) -> str | None:
    if case.note is None:
        return None
    spans = explanation.note.spans if explanation and explanation.note else ()
    return highlight_html(case.note.text, spans)


def _voice_html(case: Case, explanation: Explanation | None) -> str | None:
    if case.voice_note is None:
        return None
    spans = explanation.voice.spans if explanation and explanation.voice else ()
    return highlight_html(case.voice_note.text, spans) or "No speech was found in the recording."


def _waveform(case: Case, explanation: Explanation | None) -> str | None:
    if case.voice_note is None or not case.voice_note.words:
        return None
    from diagnosis.record import SpeechSpan

    spans = explanation.voice.spans if explanation and explanation.voice else ()
    png = waveform_panel(case.voice_note, tuple(span for span in spans if isinstance(span, SpeechSpan)))
    return None if png is None else _data_uri(png)


def _changes(item: ReportCase) -> str:
    """What the probability would be if something were changed, as HTML; empty where nothing was asked about."""
    if item.explanation is None:
        return ""
    explained = next((f for f in item.assessment.findings if f.name == item.explanation.finding), item.assessment.main)
    changes, smallest = item.explanation.counterfactuals, item.explanation.smallest_change
    return changes_html(changes, smallest, explained.threshold, has_note=item.case.note is not None)


def _proof(explanation: Explanation | None) -> list[dict[str, str]]:
    """One row a map: what was checked and what it gave."""
    if explanation is None:
        return []
    maps = (("CT", explanation.volume), ("Note", explanation.note), ("Dictation", explanation.voice))
    rows = []
    for title, attribution in maps:
        if attribution is None:
            continue
        proof = attribution.faithfulness
        rows.append(
            {
                "title": title if attribution.explains == WHOLE_CASE else f"{title} ({attribution.explains})",
                "method": attribution.method.replace("_", " "),
                "gap": _number(proof.completeness_gap, "{:.2%}"),
                "deletion": _pair(proof.deletion_auc, proof.random_deletion_auc),
                "insertion": _pair(proof.insertion_auc, proof.random_insertion_auc),
                "randomization": _number(proof.randomization_correlation, "{:.2f}"),
            }
        )
    return rows


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _pair(own: float | None, random: float | None) -> str:
    return "-" if own is None else f"{own:.2f} (random {_number(random, '{:.2f}')})"
