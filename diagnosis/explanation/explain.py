"""All explanations of one finding on one case, each with its proof; what fails its proof is withheld."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar, final

import numpy as np
import numpy.typing as npt

from diagnosis.errors import ExplanationError
from diagnosis.explanation.baselines import HuBaseline
from diagnosis.explanation.case_scorer import NetworkScorer
from diagnosis.explanation.counterfactual import explain_counterfactuals, fewest_sentences, fewest_words
from diagnosis.explanation.modality import attribute_modalities
from diagnosis.explanation.parts import held_still
from diagnosis.explanation.proof import Subject, prove_text, prove_volume
from diagnosis.explanation.side_by_side import side_by_side
from diagnosis.explanation.speech import attribute_sound, attribute_voice
from diagnosis.explanation.text import TextMap, attribute_note, integrate_text
from diagnosis.explanation.volume import VolumeMethod, VolumeQuestion, attribute_volume
from diagnosis.networks.classifier import DiagnosisNetwork
from diagnosis.networks.text_encoder import load_tokenizer
from diagnosis.preprocessing.batch import InputContract, PreparedCase, stack_cases
from diagnosis.preprocessing.text import PreparedText
from diagnosis.record import Case, Counterfactual, Explanation, SoundAttribution, TextAttribution, VolumeAttribution
from diagnosis.record.attribution import PART_ALONE
from diagnosis.vocabulary import Modality

_Map = TypeVar("_Map", VolumeAttribution, TextAttribution)


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
    texts, volumes = _wishes_of_texts(case, prepared, asked), _wishes_of_volumes(prepared, asked)
    readings = subject.readings  # which all maps share
    # Texts take longest.
    wishes: list[_Wish[Any]] = [*texts, *volumes]
    made: list[tuple[Any, str]] = side_by_side([partial(_shown, wish, subject) for wish in wishes])
    of_texts, of_volumes = made[: len(texts)], made[len(texts) :]
    words = {wish.part: shown for wish, (shown, _) in zip(texts, of_texts, strict=True)}
    voxels = [shown for shown, _ in of_volumes]
    explanation = Explanation(
        case_id=case.case_id,
        finding=finding,
        modality_shares=attribute_modalities(subject.network, subject.batch, subject.finding, readings),
        volume=voxels[0] if voxels else None,
        note=words.get(Modality.NOTE),
        voice=words.get(Modality.VOICE),
        sound=_sound(subject, prepared),
        other_volumes=tuple(shown for shown in voxels[1:] if shown is not None),
        withheld=tuple(told for _, told in (*of_volumes, *of_texts) if told),
    )
    if asked.has_counterfactuals:
        explanation = _with_counterfactuals(explanation, subject, contract, case, asked)
    return explanation


@final
@dataclass(frozen=True, eq=False)
class _Wish(Generic[_Map]):
    """A map that is asked for.

    Attributes:
        part: which part it explains.
        name: in words.
        make: makes it, with its proof, of a subject.
    """

    part: Modality
    name: str
    make: Callable[[Subject], _Map]


def _wishes_of_volumes(prepared: PreparedCase, asked: ExplainOptions) -> list[_Wish[VolumeAttribution]]:
    if prepared.region is None:
        return []
    of_region = partial(_volume, prepared.region.affine_lps, asked)
    questions = [VolumeQuestion(method, asked.baseline) for method in asked.methods]
    return [_Wish(Modality.CT, f"CT by {question.method}", partial(of_region, question)) for question in questions]


def _wishes_of_texts(case: Case, prepared: PreparedCase, asked: ExplainOptions) -> list[_Wish[TextAttribution]]:
    wishes: list[_Wish[TextAttribution]] = []
    if prepared.note is not None and case.note is not None:
        in_note = partial(attribute_note, text=case.note.text)
        make = partial(_text, Modality.NOTE, prepared.note, in_note, asked)
        wishes.append(_Wish(Modality.NOTE, "words of the note", make))
    if prepared.voice is not None and case.voice_note is not None:
        in_voice = partial(attribute_voice, voice_note=case.voice_note)
        make = partial(_text, Modality.VOICE, prepared.voice, in_voice, asked)
        wishes.append(_Wish(Modality.VOICE, "words of the dictation", make))
    return wishes


def _shown(wish: _Wish[_Map], subject: Subject) -> tuple[_Map | None, str]:
    """The map of the whole case's logit; where that one fails its proof, the map of what the part says alone.

    Parts say the same thing more than once: beside telling words and a told diameter the voxels may move the answer by
    next to nothing, and a map of nothing is withheld. A reader still has to see what the network saw in each part.
    Beside the map stands what is to be told of one that is withheld.
    """
    whole = wish.make(subject)
    if whole.faithfulness.is_trustworthy:
        return whole, ""
    failures = "; ".join(whole.faithfulness.failures)
    alone = wish.make(subject.with_only(wish.part))
    if not alone.faithfulness.is_trustworthy:
        return None, f"Withheld, {wish.name}: {failures}."
    told = f"Withheld for the whole case, {wish.name}: {failures}. Shown instead: {PART_ALONE[wish.part]}."
    return replace(alone, explains=PART_ALONE[wish.part]), told


def _volume(
    affine_lps: npt.NDArray[np.float64], asked: ExplainOptions, question: VolumeQuestion, subject: Subject
) -> VolumeAttribution:
    function = subject.volume()
    made = attribute_volume(function, subject.view, affine_lps, question)
    return prove_volume(subject, function, made, question) if asked.is_proved else made


def _text(
    part: Modality,
    prepared: PreparedText,
    attribute: Callable[[TextMap], TextAttribution],
    asked: ExplainOptions,
    subject: Subject,
) -> TextAttribution:
    function = subject.text(part)
    text_map = integrate_text(function, prepared)
    made = attribute(text_map)
    return prove_text(subject, function, text_map, made) if asked.is_proved else made


def _sound(subject: Subject, prepared: PreparedCase) -> SoundAttribution | None:
    if prepared.mel is None or subject.network.config.acoustic_encoder is None:
        return None
    return attribute_sound(subject.sound())


def _with_counterfactuals(
    explanation: Explanation, subject: Subject, contract: InputContract, case: Case, asked: ExplainOptions
) -> Explanation:
    tokenizer = load_tokenizer(subject.network.config.text_encoder)
    texts = {m: a for m, a in ((Modality.NOTE, explanation.note), (Modality.VOICE, explanation.voice)) if a is not None}
    # One for all: what a version of a text says is asked once, whoever needs it.
    scorer = NetworkScorer(subject.network, contract, tokenizer, subject.finding, asked.threshold, asked.to_probability)

    def words() -> Counterfactual | None:
        strongest = explanation.note
        return None if strongest is None else fewest_words(case, scorer, Modality.NOTE, strongest)

    def sentences() -> Counterfactual | None:
        return fewest_sentences(case, scorer, Modality.NOTE)

    def changes() -> tuple[Counterfactual, ...]:
        return explain_counterfactuals(case, scorer, texts)

    works: list[Callable[[], Any]] = [words, sentences, changes]
    of_words, of_sentences, counterfactuals = side_by_side(works)
    return replace(explanation, counterfactuals=counterfactuals, smallest_change=of_words or of_sentences)
