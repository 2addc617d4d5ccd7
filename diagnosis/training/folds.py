"""All stages on all folds: one member a fold, and what each says of the patients it has not seen."""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from diagnosis.networks.classifier import DiagnosisNetwork, FusionClassifier
from diagnosis.networks.text_encoder import TextEncoderConfig, load_tokenizer
from diagnosis.networks.text_reader import TextReader, TextSummary
from diagnosis.progress import OnProgress, OpenBar
from diagnosis.training.cohort import Cohort, TrainingCase
from diagnosis.training.config import TrainConfig
from diagnosis.training.encoders import (
    load_volume_encoder,
    read_regions,
    train_text_reader,
    train_volume_encoders,
)
from diagnosis.training.fusion_stage import (
    CaseTexts,
    CtReadouts,
    FusionBatch,
    FusionBatches,
    FusionStage,
    sounds_of,
    tokens_of,
)
from diagnosis.training.lidc import describe
from diagnosis.training.processes import first_process_first
from diagnosis.training.text_bank import encode_texts
from diagnosis.training.text_stage import render, render_free
from diagnosis.training.trainer import FirstEpoch, fit_stage, save_tensors, validation_patients
from diagnosis.training.volume_stage import finding_logits
from diagnosis.vocabulary import MODALITIES, NON_EMPTY_SUBSETS, Modality, subset_name

N_VIEWS = 6
"""Random views of each training region that the fusion draws from."""


@final
@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What networks say of cases they were not trained on.

    Attributes:
        logits: by subset name, (case,finding); NaN where a case lacks a part of the subset. `ct-no-diameter` is the CT
            with the diameter not told; `ct-encoder` the volume encoder's own answer before any fusion.
        descriptors: by subset name, (case,descriptor).
    """

    logits: Mapping[str, npt.NDArray[np.float64]]
    descriptors: Mapping[str, npt.NDArray[np.float64]]


@final
@dataclass(frozen=True, eq=False)
class CohortTexts:
    """Every text of a cohort as the text reader's answers (text,query,embed), and whose they are.

    Attributes:
        answers: all texts.
        training: for each case the texts its fusion may be trained on.
        scored: for each case the rows of its scored note and dictation, -1 where it has none.
    """

    answers: Tensor
    training: tuple[CaseTexts, ...]
    scored: tuple[tuple[int, int], ...]


def read_texts(
    config: TrainConfig, cohort: Cohort, network: DiagnosisNetwork, reader: TextReader | TextSummary, open_bar: OpenBar
) -> CohortTexts:
    """Write training texts, and put all texts through BERT and reader once; kept in the work folder."""
    texts: list[str] = []
    training = tuple(_training_texts(config, case, texts) for case in cohort.cases)
    scored = _add_scored(cohort, texts)
    for case, own, (note, voice) in zip(cohort.cases, training, scored, strict=True):
        _add_scored_texts(case, own, note, voice)
    return CohortTexts(_kept_answers(config, texts, network, reader, open_bar), training, scored)


def read_scored_texts(
    config: TrainConfig, cohort: Cohort, network: DiagnosisNetwork, reader: TextReader | TextSummary, open_bar: OpenBar
) -> CohortTexts:
    """Only the notes and dictations that cases are scored with, for networks that are trained already."""
    texts: list[str] = []
    scored = _add_scored(cohort, texts)
    return CohortTexts(_kept_answers(config, texts, network, reader, open_bar), (), scored)


def _add_scored(cohort: Cohort, texts: list[str]) -> tuple[tuple[int, int], ...]:
    """Append each case's scored note and dictation; their rows, -1 where there is none."""
    scored = []
    for case in cohort.cases:
        rows = []
        for text in (case.note, case.voice):
            rows.append(len(texts) if text else -1)
            texts += [text] if text else []
        scored.append((rows[0], rows[1]))
    return tuple(scored)


def _kept_answers(
    config: TrainConfig,
    texts: list[str],
    network: DiagnosisNetwork,
    reader: TextReader | TextSummary,
    open_bar: OpenBar,
) -> Tensor:
    """Answers to all texts, from the work folder where the same reader has read the same before."""
    # Named by what was read and by whom: other words or another reader are read again.
    digest = hashlib.sha256("\0".join([*texts, str(reader.answer_shape)]).encode())
    for weights in reader.state_dict().values() if isinstance(reader, TextReader) else ():
        digest.update(weights.contiguous().numpy().tobytes())
    kept = Path(config.work) / f"answers_{digest.hexdigest()[:16]}.pt"
    if kept.is_file():
        known: Tensor = torch.load(kept, weights_only=True)
        return known
    encoder = config.network.text_encoder
    bar = open_bar("Reading notes and dictations with the BERT")
    answers: Tensor = _answers(texts, network, reader, encoder, bar)
    save_tensors(answers, kept)
    return answers


def _add_scored_texts(case: TrainingCase, own: CaseTexts, note: int, voice: int) -> None:
    """A training case's own note (first reader) and transcribed dictation (second reader) join the made-up ones.

    The transcript as often as all of those: only there are the transcriber's real mistakes, and how far to trust a
    dictation is learned from them.
    """
    if len(case.readers) < 2:
        return
    if note >= 0:
        own.notes[0].append(note)
    if voice >= 0:
        own.voices[1] += [voice] * len(own.voices[1])


@torch.inference_mode()
def _answers(
    texts: list[str],
    network: DiagnosisNetwork,
    reader: TextReader | TextSummary,
    encoder: TextEncoderConfig,
    on_progress: OnProgress,
) -> Tensor:
    """The reader's answers to all texts, (text,query,embed) in half precision; texts of like length go together."""
    bank = encode_texts(texts, network.bert, load_tokenizer(encoder), encoder.max_tokens, on_progress)
    answers = torch.zeros(len(texts), *reader.answer_shape, dtype=torch.float16)
    order = np.argsort(bank.lengths)
    for chosen in np.array_split(order, max(1, len(order) // 128)):
        answers[chosen] = reader(*bank.batch(chosen.tolist())).answers.half()
    return answers


def _training_texts(config: TrainConfig, case: TrainingCase, texts: list[str]) -> CaseTexts:
    """Append the texts that a case's fusion may be trained on, and say where they stand.

    Each reader's descriptors in several wordings, the last of them free prose; for a case without readers its own note
    and dictation.
    """
    notes: dict[int, list[int]] = {}
    voices: dict[int, list[int]] = {}
    rng = random.Random(f"{config.seed} {case.case_id}")  # noqa: S311 - not a secret
    for index, reader in enumerate(case.readers):
        for rows, kind in ((notes, "note"), (voices, "misheard")):
            for left in reversed(range(config.data.renderings)):
                rows.setdefault(index, []).append(len(texts))
                # Free prose belongs to no family of wordings, and would give away one that is kept out of training.
                is_free = left == 0 and config.data.renderings > 1 and config.family == "all"
                said = describe(reader)
                texts.append(render_free(said, rng, kind) if is_free else render(said, rng, kind, config.family))
    if not case.readers:
        for rows, own in ((notes, case.note), (voices, case.voice)):
            if own:
                rows[-1] = [len(texts)]
                texts.append(own)
    return CaseTexts(notes, voices)


def train_folds(config: TrainConfig, cohort: Cohort, open_bar: OpenBar) -> tuple[DiagnosisNetwork, OutOfFold]:
    """Train everything; the network's members are the folds' networks, in the order of the folds."""
    network_config = replace(config.network, n_members=len(cohort.folds), n_findings=len(cohort.findings))
    torch.manual_seed(config.seed)  # the first weights of every member follow from the seed, resumed or not
    network = DiagnosisNetwork(network_config)
    reader = train_text_reader(config, network.bert, open_bar)
    has_ct = any(case.region is not None for case in cohort.cases)
    if has_ct:
        train_volume_encoders(config, cohort, open_bar)
    with first_process_first():
        texts = read_texts(config, cohort, network, reader, open_bar)
    parts: list[OutOfFold] = []
    bar = open_bar("Training fusions")
    for done, fold in enumerate(cohort.folds):
        member = network.classifiers()[done]
        parts.append(_train_member(config, cohort, fold, member, reader, texts))
        bar(done + 1, len(cohort.folds))
    return network.eval(), merged(parts)


def _train_member(
    config: TrainConfig,
    cohort: Cohort,
    fold: str,
    member: FusionClassifier,
    reader: TextReader | TextSummary,
    texts: CohortTexts,
) -> OutOfFold:
    torch.manual_seed(config.seed)
    for module in (member.fusion, member.branch_heads, member.descriptor_head, member.align, member.acoustic_encoder):
        if module is not None:
            _reset(module)
    member.text_reader.load_state_dict(reader.state_dict())
    own = load_volume_encoder(config, (fold,)) if _has_ct(cohort) else None
    if own is not None:
        member.volume_encoder.load_state_dict(own.state_dict())
    inside, outside = cohort.inside(fold), cohort.outside(fold)
    cases = [cohort.cases[i] for i in outside]
    ct = training_readouts(config, cohort, fold, outside) if own is not None else _no_readouts(config, len(cases))
    own_texts = [texts.training[i] for i in outside]
    kept: set[str] = set()
    if config.fusion.patience:
        kept = validation_patients([case.patient_id for case in cases], config.seed)

    def batches_of(rows: list[int]) -> FusionBatches:
        options = (config.fusion_loss, config.seed)
        chosen = ([cases[i] for i in rows], ct.select(rows), [own_texts[i] for i in rows])
        return FusionBatches(*chosen, texts.answers, config.fusion, options)

    batches = batches_of([i for i, case in enumerate(cases) if case.patient_id not in kept])
    watched = [i for i, case in enumerate(cases) if case.patient_id in kept]
    validation = FirstEpoch(batches_of(watched)) if watched else None
    stage = FusionStage(member, config.fusion, config.fusion_loss, config.seed)
    name = f"{config.network.fusion.method}_{config.fusion_loss.alignment}"
    fit_stage(stage, batches, config, Path(config.work) / "fusion" / name / fold, lambda _done, _all: None, validation)
    member.eval()
    return answer_cases(config, cohort, inside, member, texts)


def _reset(module: torch.nn.Module) -> None:
    """Draw the weights again, so that a member's start does not depend on how many were made before it."""
    for part in module.modules():
        reset = getattr(part, "reset_parameters", None) or getattr(part, "_reset_parameters", None)
        if callable(reset):
            reset()


def _has_ct(cohort: Cohort) -> bool:
    return any(case.region is not None for case in cohort.cases)


def training_readouts(config: TrainConfig, cohort: Cohort, fold: str, outside: list[int]) -> CtReadouts:
    """Readouts of the training cases, each by the encoder that has seen neither its fold nor the held-out one."""
    kept = Path(config.work) / "readouts" / f"{fold}.pt"
    if kept.is_file():
        return CtReadouts(**torch.load(kept, weights_only=True))
    readouts: CtReadouts | None = None
    for other in cohort.folds:
        if other == fold:
            continue
        rows = [position for position, i in enumerate(outside) if cohort.cases[i].fold == other]
        encoder = load_volume_encoder(config, tuple(sorted((fold, other))))
        part = read_regions(encoder, [cohort.cases[outside[row]] for row in rows], config, N_VIEWS)
        if readouts is None:
            readouts = _empty_like(part, len(outside))
        readouts.readouts[rows], readouts.log_diameter[rows] = part.readouts, part.log_diameter
        readouts.is_there[rows] = part.is_there
    if readouts is None:
        return _no_readouts(config, len(outside))
    kept.parent.mkdir(parents=True, exist_ok=True)
    save_tensors(vars(readouts), kept)
    return readouts


def _empty_like(part: CtReadouts, n_cases: int) -> CtReadouts:
    return CtReadouts(
        torch.zeros(n_cases, *part.readouts.shape[1:]),
        torch.zeros(n_cases, *part.log_diameter.shape[1:]),
        torch.zeros(n_cases, dtype=torch.bool),
    )


def _no_readouts(config: TrainConfig, n_cases: int) -> CtReadouts:
    """A cohort without CT: zeros behind the presence mask."""
    encoder = config.network.volume_encoder
    places = 1 + encoder.grid**2
    return CtReadouts(
        torch.zeros(n_cases, 2, 1, places, encoder.n_readouts),
        torch.zeros(n_cases, 1),
        torch.zeros(n_cases, dtype=torch.bool),
    )


@torch.inference_mode()
def answer_cases(
    config: TrainConfig, cohort: Cohort, rows: list[int], member: FusionClassifier, texts: CohortTexts
) -> OutOfFold:
    """A member's answers on some cases, for every subset of what they have."""
    cases = [cohort.cases[i] for i in rows]
    ct = read_regions(member.volume_encoder, cases, config, 1)
    scored = torch.tensor([texts.scored[i] for i in rows])
    is_there = torch.stack([ct.is_there, scored[:, 0] >= 0, scored[:, 1] >= 0], dim=1)
    diameters = torch.tensor([case.diameter_mm or np.nan for case in cases]).float()
    told = torch.isfinite(diameters).long()
    every = torch.arange(len(rows))
    batch = FusionBatch(
        readouts=ct.readouts[every, told, 0],
        log_diameter=ct.log_diameter[:, 0],
        diameter_mm=diameters,
        note=texts.answers[scored[:, 0].clamp_min(0)].float(),
        voice=texts.answers[scored[:, 1].clamp_min(0)].float(),
        is_present=is_there,
        targets=torch.zeros(0),
        branch_targets=torch.zeros(0),
        descriptors=torch.zeros(0),
        sounds=sounds_of(cases),
    )
    untold = batch._replace(readouts=ct.readouts[:, 0, 0], diameter_mm=torch.full_like(diameters, torch.nan))
    logits: dict[str, npt.NDArray[np.float64]] = {}
    descriptors: dict[str, npt.NDArray[np.float64]] = {}
    asked = [(subset_name(s), s, batch) for s in NON_EMPTY_SUBSETS]
    asked.append(("ct-no-diameter", frozenset({Modality.CT}), untold))
    for name, subset, seen in asked:
        mask = torch.tensor([m in subset for m in MODALITIES])
        output = member.fuse(tokens_of(member, seen).with_presence(is_there & mask))
        complete = (is_there | ~mask).all(dim=1)
        logits[name] = _only(output.logits, complete, len(cohort.cases), rows)
        descriptors[name] = _only(output.descriptors, complete, len(cohort.cases), rows)
    n_steps = config.network.volume_encoder.n_rating_steps
    encoder_logits = finding_logits(batch.readouts[:, 0, :n_steps], len(cohort.findings))
    logits["ct-encoder"] = _only(encoder_logits, ct.is_there, len(cohort.cases), rows)
    return OutOfFold(logits, descriptors)


def _only(values: Tensor, is_complete: Tensor, n_cases: int, rows: list[int]) -> npt.NDArray[np.float64]:
    """Values at their rows among all cases, NaN elsewhere."""
    full = np.full((n_cases, values.shape[1]), np.nan)
    full[rows] = torch.where(is_complete[:, None], values.float(), torch.nan).double().numpy()
    return full


def merged(parts: list[OutOfFold]) -> OutOfFold:
    """Each case's answers from the one part that has them."""

    def merge(tables: list[Mapping[str, npt.NDArray[np.float64]]]) -> dict[str, npt.NDArray[np.float64]]:
        whole = {}
        for name in tables[0]:
            stacked = np.stack([table[name] for table in tables])
            known = np.isfinite(stacked)
            whole[name] = np.where(known.any(axis=0), np.where(known, stacked, 0).sum(axis=0), np.nan)
        return whole

    return OutOfFold(merge([p.logits for p in parts]), merge([p.descriptors for p in parts]))
