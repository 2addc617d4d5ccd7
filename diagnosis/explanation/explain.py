"""All explanations of one finding on one case, each with its proof; what fails its proof is withheld."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, final

from diagnosis.errors import ExplanationError
from diagnosis.explanation.baselines import HuBaseline
from diagnosis.explanation.case_scorer import NetworkScorer
from diagnosis.explanation.counterfactual import explain_counterfactuals, smallest_change
from diagnosis.explanation.modality import attribute_modalities
from diagnosis.explanation.parts import held_still
from diagnosis.explanation.proof import Subject, prove_text, prove_volume
from diagnosis.explanation.speech import attribute_sound, attribute_voice
from diagnosis.explanation.text import attribute_note, integrate_text
from diagnosis.explanation.volume import VolumeMethod, VolumeQuestion, attribute_volume
from diagnosis.networks.classifier import DiagnosisNetwork
from diagnosis.networks.text_encoder import load_tokenizer
from diagnosis.preprocessing.batch import InputContract, PreparedCase, stack_cases
from diagnosis.record import Case, Explanation, SoundAttribution, TextAttribution, VolumeAttribution
from diagnosis.record.attribution import PART_ALONE
from diagnosis.vocabulary import Modality

_Shown = TypeVar("_Shown", VolumeAttribution, TextAttribution)


@final
@dataclass(frozen=True)
class ExplainOptions:
    """What is explained, and how thoroughly.

    Attributes:
        methods: maps of the voxels; the first is the main one.
        baseline: what "nothing there" means in the CT.
        is_proved: whether the checks are made; without them only completeness is known.
        has_counterfactuals: whether changed cases are asked about.
        threshold: probability at which the finding is flagged.
        to_probability: calibration: (name of the subset of modalities, logit) to probability.
    """

    methods: tuple[VolumeMethod, ...] = ("integrated_gradients",)
    baseline: HuBaseline = "parenchyma"
    is_proved: bool = True
    has_counterfactuals: bool = False
    threshold: float = 0.5
    to_probability: Callable[[str, float], float] = lambda _subset, logit: 1 / (1 + math.exp(-logit))


def explain_case(
    network: DiagnosisNetwork,
    contract: InputContract,
    case: Case,
    prepared: PreparedCase,
    names: Sequence[str],
    finding: str,
    **options: Any,  # noqa: ANN401 - the fields of ExplainOptions
) -> Explanation:
    """Explain one finding on one case.

    Args:
        network: the bundle's.
        contract: what it eats.
        case: as it was read.
        prepared: the same, ready for the network.
        names: the bundle's findings, in the network's order.
        finding: which of them.
        options: fields of `ExplainOptions`.

    Raises:
        ExplanationError: unknown finding, method or baseline.
    """
    start = time.perf_counter()
    if finding not in names:
        msg = f"explanation: {finding!r} is not a finding of this bundle; use one of {', '.join(names)}"
        raise ExplanationError(msg)
    asked = ExplainOptions(**options)
    subject = Subject(network, stack_cases([prepared], contract), list(names).index(finding), contract.view)
    with held_still(network):
        explanation = _explain(subject, contract, case, prepared, finding, asked)
    return replace(explanation, seconds=time.perf_counter() - start)


def _explain(
    subject: Subject,
    contract: InputContract,
    case: Case,
    prepared: PreparedCase,
    finding: str,
    asked: ExplainOptions,
) -> Explanation:
    withheld: list[str] = []
    volumes = [
        _shown(lambda s, q=q: _volume(s, prepared, q, asked), subject, Modality.CT, f"CT by {q.method}", withheld)  # type: ignore[misc]
        for q in _questions(prepared, asked)
    ]
    words = {
        part: _shown(lambda s, part=part: _text(s, case, prepared, part, asked), subject, part, name, withheld)  # type: ignore[misc]
        for part, name in ((Modality.NOTE, "words of the note"), (Modality.VOICE, "words of the dictation"))
    }
    explanation = Explanation(
        case_id=case.case_id,
        finding=finding,
        modality_shares=attribute_modalities(subject.network, subject.batch, subject.finding, subject.readings),
        volume=volumes[0] if volumes else None,
        note=words[Modality.NOTE],
        voice=words[Modality.VOICE],
        sound=_sound(subject, prepared),
        other_volumes=tuple(v for v in volumes[1:] if v is not None),
        withheld=tuple(withheld),
    )
    if asked.has_counterfactuals:
        explanation = _with_counterfactuals(explanation, subject, contract, case, asked)
    return explanation


def _questions(prepared: PreparedCase, asked: ExplainOptions) -> list[VolumeQuestion]:
    if prepared.region is None:
        return []
    return [VolumeQuestion(method, asked.baseline) for method in asked.methods]


def _shown(
    make: Callable[[Subject], _Shown | None], subject: Subject, part: Modality, name: str, withheld: list[str]
) -> _Shown | None:
    """The map of the whole case's logit; where that one fails its proof, the map of what the part says alone.

    Parts say the same thing more than once: beside telling words and a told diameter the voxels may move the answer by
    next to nothing, and a map of nothing is withheld. A reader still has to see what the network saw in each part.
    """
    whole = make(subject)
    if whole is None or whole.faithfulness.is_trustworthy:
        return whole
    failures = "; ".join(whole.faithfulness.failures)
    alone = make(subject.with_only(part))
    if alone is None or not alone.faithfulness.is_trustworthy:
        withheld.append(f"Withheld, {name}: {failures}.")
        return None
    withheld.append(f"Withheld for the whole case, {name}: {failures}. Shown instead: {PART_ALONE[part]}.")
    return replace(alone, explains=PART_ALONE[part])


def _volume(
    subject: Subject, prepared: PreparedCase, question: VolumeQuestion, asked: ExplainOptions
) -> VolumeAttribution | None:
    if prepared.region is None:
        return None
    function = subject.volume()
    made = attribute_volume(function, subject.view, prepared.region.affine_lps, question)
    return prove_volume(subject, function, made, question) if asked.is_proved else made


def _text(
    subject: Subject, case: Case, prepared: PreparedCase, part: Modality, asked: ExplainOptions
) -> TextAttribution | None:
    """The map of a note or of a dictation; None where it is absent."""
    text = prepared.note if part is Modality.NOTE else prepared.voice
    if text is None:
        return None
    function = subject.text(part)
    text_map = integrate_text(function, text)
    if part is Modality.NOTE and case.note is not None:
        made = attribute_note(text_map, case.note.text)
    elif part is Modality.VOICE and case.voice_note is not None:
        made = attribute_voice(text_map, case.voice_note)
    else:
        return None
    return prove_text(subject, function, text_map, made) if asked.is_proved else made


def _sound(subject: Subject, prepared: PreparedCase) -> SoundAttribution | None:
    if prepared.mel is None or subject.network.config.acoustic_encoder is None:
        return None
    return attribute_sound(subject.sound())


def _with_counterfactuals(
    explanation: Explanation, subject: Subject, contract: InputContract, case: Case, asked: ExplainOptions
) -> Explanation:
    scorer = NetworkScorer(
        subject.network,
        contract,
        load_tokenizer(subject.network.config.text_encoder),
        subject.finding,
        asked.threshold,
        asked.to_probability,
    )
    texts = {m: a for m, a in ((Modality.NOTE, explanation.note), (Modality.VOICE, explanation.voice)) if a is not None}
    return replace(
        explanation,
        counterfactuals=explain_counterfactuals(case, scorer, texts),
        smallest_change=smallest_change(case, scorer, Modality.NOTE, explanation.note),
    )
