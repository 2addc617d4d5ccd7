"""Findings with calibrated probability, range, threshold and prediction set; descriptors in plain words."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from diagnosis.record import DescriptorAssessment, FindingAssessment
from diagnosis.vocabulary import DESCRIPTOR_BY_NAME


def set_words(prediction_set: tuple[str, ...] | None) -> str:
    """A prediction set as a reader would say it."""
    if prediction_set is None:
        return "not available"
    if len(prediction_set) == 1:
        return f"{prediction_set[0]} only"
    return "both answers possible: too uncertain to call" if prediction_set else "neither answer fits: atypical case"


def display_name(name: str) -> str:
    """`lung_nodule` as `Lung nodule`."""
    return name.replace("_", " ").capitalize()


def probability_bar(finding: FindingAssessment) -> str:
    """HTML: a bar from 0 to 100 % with the ensemble's range, the probability and the threshold."""
    label = (
        f"probability {finding.probability:.0%}, ensemble {finding.low:.0%} to {finding.high:.0%}, "
        f"threshold {finding.threshold:.0%}"
    )
    return (
        f'<div class="dx-bar" role="img" aria-label="{label}">'
        f'<span class="range" style="left:{100 * finding.low:.1f}%;width:{100 * (finding.high - finding.low):.1f}%">'
        f'</span><span class="limit" style="left:{100 * finding.threshold:.1f}%"></span>'
        f'<span class="point" style="left:{100 * finding.probability:.1f}%"></span></div>'
    )


def flag_chip(finding: FindingAssessment) -> str:
    """HTML: whether the finding is flagged, in words and color."""
    return (
        '<span class="dx-chip flagged">Flagged</span>'
        if finding.is_flagged
        else '<span class="dx-chip calm">Not flagged</span>'
    )


def render_findings(findings: Sequence[FindingAssessment]) -> None:
    """A card for each finding, the main one first."""
    for finding in findings:
        st.html(_card(finding))


def _card(finding: FindingAssessment) -> str:
    return (
        f'<section class="dx-card"><div class="dx-card-head"><h3>{escape(display_name(finding.name))}</h3>'
        f"{flag_chip(finding)}</div>"
        f'<div class="dx-probability"><b>{finding.probability:.0%}</b><span>calibrated probability</span></div>'
        f"{probability_bar(finding)}"
        '<div class="dx-axis"><span>0 %</span><span>50 %</span><span>100 %</span></div>'
        '<dl class="dx-facts">'
        f"<dt>Range</dt><dd>{finding.low:.0%} to {finding.high:.0%} "
        "<span class='dx-quiet'>(over the ensemble)</span></dd>"
        f"<dt>Flag from</dt><dd>{finding.threshold:.0%} <span class='dx-quiet'>(dashed line)</span></dd>"
        f"<dt>Prediction set</dt><dd>{_set_html(finding.prediction_set)}</dd>"
        "</dl></section>"
    )


def _set_html(prediction_set: tuple[str, ...] | None) -> str:
    """The prediction set in words; a doubt stands out."""
    words = escape(set_words(prediction_set))
    is_doubt = prediction_set is not None and len(prediction_set) != 1
    return f'<span class="dx-doubt">{words}</span>' if is_doubt else words


def render_descriptors(descriptors: Sequence[DescriptorAssessment]) -> None:
    """Each descriptor in the wording of its scale, with its place on it."""
    if descriptors:
        rows = "".join(_descriptor_row(descriptor) for descriptor in descriptors)
        st.html(
            '<section class="dx-card"><h3>Descriptors</h3><table class="dx-table"><thead><tr><th>Descriptor</th>'
            f"<th>Reading</th><th>On its scale</th></tr></thead><tbody>{rows}</tbody></table></section>"
        )


def _descriptor_row(descriptor: DescriptorAssessment) -> str:
    known = DESCRIPTOR_BY_NAME[descriptor.name]
    steps = len(known.levels)
    place = 100 * (min(max(descriptor.value, 1.0), steps) - 1) / (steps - 1)
    label = f"{descriptor.value:.1f} on a scale of 1 to {steps}"
    return (
        f"<tr><td>{escape(known.display)}</td><td><b>{escape(descriptor.wording)}</b></td>"
        f'<td><div class="dx-scale" role="img" aria-label="{label}" title="{label}">'
        f'<span style="left:{place:.0f}%"></span></div></td></tr>'
    )
