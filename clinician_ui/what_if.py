"""What the probability would be: without a part, without a sentence, with the region elsewhere.

Each part is encoded once in each of its forms; only the fusion runs anew for a question. Nothing is kept: these are
questions, not assessments.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, final

import streamlit as st

from clinician_ui.access import require
from clinician_ui.permissions import Permission
from clinician_ui.services import ONE_AT_A_TIME, CaseEntry, engine_of, load_case, revision_of
from clinician_ui.shelf import Shelf
from diagnosis.errors import CaseError, ExplanationError
from diagnosis.record import Case, RegionOfInterest
from diagnosis.vocabulary import Modality

if TYPE_CHECKING:
    from diagnosis.explanation.case_scorer import CaseScorer

Span = tuple[int, int]
MOST_KEPT = 3


@final
@dataclass(frozen=True)
class Question:
    """A changed case.

    Attributes:
        kept: kinds of evidence that are left in.
        removed: sentences taken out, as characters `[start, end)` of note or transcript.
        region: another region, or None for the case's own.
    """

    kept: frozenset[Modality]
    removed: tuple[tuple[Modality, Span], ...] = ()
    region: RegionOfInterest | None = None


@final
@dataclass(frozen=True, eq=False)
class WhatIf:
    """One case, ready to be asked about.

    Attributes:
        case: as it was assessed.
        scorer: what answers.
    """

    case: Case
    scorer: "CaseScorer"

    def sentences(self, part: Modality) -> tuple[tuple[Span, str], ...]:
        """Place and words of each sentence of the note or the transcript."""
        from diagnosis.explanation.counterfactual import text_of
        from diagnosis.explanation.words import sentence_spans

        text = text_of(self.case, part)
        return tuple((span, text[span[0] : span[1]]) for span in sentence_spans(text)) if text else ()

    def probabilities(self, questions: Sequence[Question]) -> list[float]:
        """Calibrated probability for each question.

        Raises:
            CaseError: a question leaves nothing to assess.
            RegionError: a region outside the CT.
        """
        cases = [self.changed(question) for question in questions]
        with ONE_AT_A_TIME:
            return self.scorer.probabilities(cases)

    def changed(self, question: Question) -> Case:
        """The case that a question is about."""
        from diagnosis.explanation.counterfactual import without_text

        kept = question.kept & self.case.present
        case: Case | None = self.case.restricted_to(kept) if kept else None
        if question.region is not None and case is not None and case.volume is not None:
            case = replace(case, region=question.region)
        for part in kept & {Modality.NOTE, Modality.VOICE}:
            spans = [span for other, span in question.removed if other is part]
            if spans and case is not None:
                case = without_text(case, part, spans)
        if case is None or not case.present:
            msg = "what if: nothing would be left to assess; leave something in"
            raise CaseError(msg)
        return case


@st.cache_resource(show_spinner=False)
def _kept() -> Shelf[WhatIf]:
    return Shelf(MOST_KEPT)


def open_what_if(entry: CaseEntry, bundle_dir: Path, finding: str) -> WhatIf:
    """The case with its scorer; kept while the case stays as it is.

    Raises:
        DiagnosisError: the case or the model cannot be used.
        AccessError: the visitor may not.
    """
    require(Permission.EXPLAIN)
    key = (entry.token, entry.fingerprint, str(revision_of(entry)), str(bundle_dir), finding)
    known = _kept().get(key)
    if known is None:
        known = WhatIf(load_case(entry), _scorer(bundle_dir, finding))
        _kept().put(key, known)
    return known


def _scorer(bundle_dir: Path, finding: str) -> "CaseScorer":
    from diagnosis.explanation.case_scorer import NetworkScorer

    with ONE_AT_A_TIME:
        engine = engine_of(bundle_dir)
    declared = engine.bundle.metadata.findings
    index = next((i for i, known in enumerate(declared) if known.name == finding), None)
    if index is None:
        msg = "what if: the bundle does not know this finding; choose one of its own"
        raise ExplanationError(msg)
    return NetworkScorer(
        network=engine.bundle.network,
        contract=engine.contract,
        tokenizer=engine.tokenizer,
        finding=index,
        threshold=declared[index].threshold,
        to_probability=partial(engine.probability, finding),
    )
