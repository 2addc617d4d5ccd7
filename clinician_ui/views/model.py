"""The model: its card, what was measured, whether its probabilities mean what they say, and drift."""

import streamlit as st

from clinician_ui.access import require
from clinician_ui.archive import collection_of
from clinician_ui.components.finding_table import display_name
from clinician_ui.components.model_figures import calibration_figure, drift_html, input_words, performance_table
from clinician_ui.model_facts import (
    MIN_CASES,
    PSI_CHANGED,
    PSI_WATCH,
    DriftTable,
    ModelFacts,
    drift_of,
    read_model_facts,
)
from clinician_ui.permissions import Permission
from clinician_ui.state import Workplace
from diagnosis.errors import DiagnosisError


def render_model_page(place: Workplace) -> None:
    """Draw the page."""
    try:
        require(Permission.SEE_MODEL)
        facts = read_model_facts(place.bundle_dir)
        drift = drift_of(facts, collection_of(place.cases_dir))
    except DiagnosisError as error:
        st.error(str(error))
        return
    st.title(f"{facts.metadata.get('name', 'Model')} {facts.metadata.get('version', '')}", anchor=False)
    st.caption(f"SHA-256 {facts.sha256[:16]}… · {facts.metadata.get('task', '')}")
    _render_performance(facts)
    _render_drift(drift)
    with st.expander("Model card", icon=":material/description:"):
        st.markdown(facts.card or "This bundle has no card.")


def _render_performance(facts: ModelFacts) -> None:
    if not facts.subsets:
        st.info("This bundle has no measured figures: how well it works is not known.")
        return
    with st.container(key="figures"):
        left, right = st.columns([1.7, 1], gap="medium")
    with left:
        st.header(f"Performance: {display_name(facts.finding).lower()}", anchor=False)
        st.html(performance_table(facts.subsets))
    with right:
        st.header("Calibration", anchor=False)
        names = list(facts.subsets)
        usual = names.index("ct+note+voice") if "ct+note+voice" in names else 0
        subset = st.selectbox("Input", names, usual, format_func=input_words, key="calibration-subset")
        st.html(calibration_figure(facts.subsets[subset]))


def _render_drift(drift: DriftTable) -> None:
    st.header("Drift", anchor=False)
    if not drift.n_cases:
        st.info("No case of this folder was assessed by this bundle yet: drift is not known.")
        return
    rows = "".join(drift_html(row.title, row.reference, row.values) for row in drift.rows)
    first, last = drift.spans[0][0].date(), drift.spans[-1][1].date()
    st.html(
        '<section class="dx-card" tabindex="0" role="region" aria-label="Drift"><table class="dx-table"><caption>'
        f"Cases: {drift.n_cases:,}, from {first} to {last}, each at its first assessment. Periods of equally many: "
        f"{len(drift.spans)}.</caption><thead><tr><th>Variable and reference</th><th>Latest period</th><th>Periods</th>"
        f"<th>Verdict</th></tr></thead><tbody>{rows}</tbody></table></section>"
    )
    st.caption(
        f"PSI from {PSI_WATCH} is to be watched, from {PSI_CHANGED} a change (Siddiqi 2006), and only where chance "
        f"would give it in fewer than 1 of 1,000 looks (chi-squared test; exact binomial test for shares). "
        f"Below {MIN_CASES} cases nothing is said."
    )
