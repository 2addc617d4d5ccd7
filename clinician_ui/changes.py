"""What the probability of a case would be if something of it were changed: asked once, kept in the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from clinician_ui.access import require
from clinician_ui.archive import open_archive
from clinician_ui.explanations import explanation_key, known_explanation
from clinician_ui.permissions import Permission
from clinician_ui.services import ONE_AT_A_TIME, CaseEntry
from clinician_ui.what_if import open_what_if
from diagnosis.errors import ExplanationError
from diagnosis.record import Counterfactual, TextAttribution
from diagnosis.store.results import ResultKind, read_result, save_result
from diagnosis.vocabulary import Modality


@final
@dataclass(frozen=True)
class Changes:
    """Every change that was tried.

    Attributes:
        tried: with their answers.
        smallest: the fewest words or sentences of the note without which the flag changes; None where none were found.
        has_note: whether there is a note.
    """

    tried: tuple[Counterfactual, ...]
    smallest: Counterfactual | None
    has_note: bool


def known_changes(entry: CaseEntry, bundle_dir: Path, finding: str) -> Changes | None:
    """What was found of the case as it is now, by whomever; or None.

    Raises:
        AccessError: the visitor may not see the case.
    """
    require(Permission.SEE_CASE)
    key = _key(entry, bundle_dir, finding, _texts(entry, bundle_dir, finding))
    return None if key is None else read_result(open_archive(), ResultKind.CHANGES, key, Changes)


def try_changes(entry: CaseEntry, bundle_dir: Path, finding: str) -> Changes:
    """Try every change: seconds of work. Words are negated where an explanation says which of them weigh most.

    Raises:
        DiagnosisError: the case or the model cannot be used.
        AccessError: the visitor may not.
        StoreError: it cannot be kept.
    """
    require(Permission.EXPLAIN)
    texts = _texts(entry, bundle_dir, finding)
    store, key = open_archive(), _key(entry, bundle_dir, finding, texts)
    asked = open_what_if(entry, bundle_dir, finding)
    if key is None or key != _key(entry, bundle_dir, finding, texts):
        msg = "what if: the case has changed since it was assessed; open it again"
        raise ExplanationError(msg)
    from diagnosis.explanation.counterfactual import explain_counterfactuals, smallest_change

    with ONE_AT_A_TIME:
        tried = explain_counterfactuals(asked.case, asked.scorer, texts)
        smallest = smallest_change(asked.case, asked.scorer, Modality.NOTE, texts.get(Modality.NOTE))
    changes = Changes(tried, smallest, asked.case.note is not None)
    save_result(store, ResultKind.CHANGES, key, changes)
    return changes


def _texts(entry: CaseEntry, bundle_dir: Path, finding: str) -> dict[Modality, TextAttribution]:
    explanation = known_explanation(entry, bundle_dir, finding)
    if explanation is None:
        return {}
    parts = {Modality.NOTE: explanation.note, Modality.VOICE: explanation.voice}
    return {part: words for part, words in parts.items() if words is not None}


def _key(
    entry: CaseEntry, bundle_dir: Path, finding: str, texts: Mapping[Modality, TextAttribution]
) -> dict[str, Any] | None:
    key = explanation_key(entry, bundle_dir, finding)
    return None if key is None else key | {"words": sorted(part.value for part in texts)}
