"""What is said of one case, whoever asks: at its marked region, or else at the best of the regions that are proposed.

The command line, the service and what arrives from the archive all ask here, so that a CT without a marked region gets
the same answer on each way, and the same JSON.
"""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, final

from diagnosis.errors import CaseError
from diagnosis.progress import OnProgress
from diagnosis.record.case import case_subject

if TYPE_CHECKING:  # what only passes the engine on does not wait for torch
    from diagnosis.candidates import Candidate
    from diagnosis.engine import DiagnosisEngine
    from diagnosis.reading import Contradiction, Fact, SecondOpinion
    from diagnosis.record import Assessment, Case


@final
@dataclass(frozen=True, eq=False)
class Answer:
    """The assessment to show first, and how it came about.

    Attributes:
        main: the assessment; of several candidates the one with the highest probability.
        case: what it is of: with the candidate for its region where none was marked, and with the warnings that say so.
        candidates: each proposed region with its own assessment, highest probability first; None where a region was
            marked or there is no CT, empty where nothing could be proposed.
    """

    main: "Assessment"
    case: "Case"
    candidates: "tuple[tuple[Candidate, Assessment], ...] | None" = None


def answer_case(engine: "DiagnosisEngine", case: "Case", on_progress: OnProgress | None = None) -> Answer:
    """Assess a case; a CT without a marked region is searched, and without candidates the other parts are assessed.

    Args:
        engine: with the bundle to use.
        case: any.
        on_progress: called with (done, total) steps of the search.

    Raises:
        CaseError: nothing in the case can be assessed.
    """
    if case.volume is None or case.region is not None:
        return Answer(engine.assess(case), case)
    from diagnosis.candidates import search_candidates

    search = search_candidates(case.volume, on_progress)
    if search.candidates:
        assessed = engine.assess_candidates(case, search.candidates)
        best, main = assessed[0]
        return Answer(main, replace(case, region=best.region, warnings=main.warnings), assessed)
    warned = without_region(case, search.reason)
    return Answer(engine.assess(warned), warned, ())


def without_region(case: "Case", reason: str | None) -> "Case":
    """A case in whose CT no region could be proposed, to be assessed by its other parts, with a warning that says why.

    Raises:
        CaseError: there are no other parts.
    """
    if not case.present:
        msg = (
            f"{case_subject(case.case_id)}: no region is marked and none can be proposed: {reason}; mark one, "
            "or add a note or a dictation"
        )
        raise CaseError(msg)
    return replace(case, warnings=(*case.warnings, f"No region could be proposed: {reason}."))


def answer_json(answer: Answer) -> dict[str, Any]:
    """The public JSON form; others rely on its keys."""
    from diagnosis.reporting.assessment_json import assessment_json

    found = {} if answer.candidates is None else {"candidates": candidates_json(answer)}
    return assessment_json(answer.main) | found | words_json(answer.case)


def candidates_json(answer: Answer) -> list[dict[str, Any]]:
    """The proposed regions."""
    return [
        {
            "center_mm": list(candidate.region.center_mm),
            "diameter_mm": candidate.region.diameter_mm,
            "strength": candidate.strength,
            "reason": candidate.reason,
            "finding": assessment.main.name,
            "probability": assessment.main.probability,
            "is_flagged": assessment.main.is_flagged,
        }
        for candidate, assessment in answer.candidates or ()
    ]


def words_json(case: "Case") -> dict[str, Any]:
    """Contradictions, second opinions and words to check of a case, to stand beside an assessment."""
    from diagnosis.reading import read_words

    words = read_words(case)
    report = report_json(case, words.facts, words.contradictions, words.opinions)
    told = {name: report[name] for name in ("contradictions", "second_opinions")}
    return told | {"words_to_check": words_to_check_json(case)}


def report_json(
    case: "Case",
    facts: "tuple[Fact, ...]",
    contradictions: "tuple[Contradiction, ...]",
    opinions: "tuple[SecondOpinion, ...]",
) -> dict[str, Any]:
    """The public JSON form of `diagnosis read`."""
    from diagnosis.reading.case_words import quoted
    from diagnosis.vocabulary import NOT_A_MEDICAL_DEVICE

    return {
        "case_id": case.case_id,
        "facts": [{**asdict(fact), "text": quoted(case, fact)} for fact in facts],
        "contradictions": [{**asdict(found), "sentence": found.sentence} for found in contradictions],
        "second_opinions": [{**asdict(opinion), "probability": opinion.probability} for opinion in opinions],
        "warnings": list(case.warnings),
        "disclaimer": NOT_A_MEDICAL_DEVICE,
    }


def words_to_check_json(case: "Case") -> list[dict[str, Any]]:
    """Words of the dictation that change the meaning and were not heard well, with their places."""
    from diagnosis.ingest.transcript_safety import words_to_check

    voice = case.voice_note
    if voice is None:
        return []
    spans = voice.word_spans
    return [{**asdict(voice.words[i]), "start": spans[i][0], "end": spans[i][1]} for i in words_to_check(voice)]
