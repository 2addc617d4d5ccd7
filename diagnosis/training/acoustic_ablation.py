"""What the sound of a dictation adds to its words: the acoustic branch on and off, on the same cases and folds.

Every scored dictation is spoken by its synthetic voice. Off: the bundle's logit of the words as they were spoken, each
case's from the member of its own held-out fold, scaled by a logistic regression on the other folds. On: the same plus a
head on the token of an `AcousticEncoder`, trained on the other folds to say what the words leave open. The difference
of the two AUROCs, patients resampled, is what the sound adds. The branch can hear something of the words themselves, if
only how long they are; how a synthetic voice says them tells nothing of the patient. Whether people's voices do is not
measured by this.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from diagnosis.bundle.folder import load_bundle
from diagnosis.errors import ConfigurationError
from diagnosis.evaluation.calibration import fit_calibrator, logit
from diagnosis.evaluation.metrics import weighted_auroc
from diagnosis.evaluation.resampling import PatientResampling, WeightedMetric
from diagnosis.ingest.audio import read_audio
from diagnosis.networks.acoustic_encoder import AcousticEncoder, AcousticEncoderConfig
from diagnosis.networks.classifier import DiagnosisNetwork
from diagnosis.networks.model_input import ModalityTokens
from diagnosis.networks.text_encoder import load_tokenizer
from diagnosis.phantom.speech import speak
from diagnosis.preprocessing.audio import prepare_mel
from diagnosis.progress import OnProgress, OpenBar
from diagnosis.training.config import TrainConfig
from diagnosis.training.dictations import voice_of
from diagnosis.training.lidc import ScoredDictation, scored_dictations
from diagnosis.training.text_bank import encode_texts

EPOCHS, BATCH_SIZE, LEARNING_RATE, EMBED = 8, 32, 2e-3, 32
FRAMES_JOINED = 4
"""Log-mel frames (10 ms) averaged into one before the encoder, whose convolutions join four more."""


@final
@dataclass(frozen=True, eq=False)
class Heard:
    """Dictations as the branch meets them.

    Attributes:
        labels: (case,) 0 or 1.
        folds, patient_ids: of each case.
        word_logits: (case,) of the words alone, out of fold.
        sounds: (mel,frame) of each case.
    """

    labels: npt.NDArray[np.int64]
    folds: npt.NDArray[np.str_]
    patient_ids: tuple[str, ...]
    word_logits: npt.NDArray[np.float64]
    sounds: tuple[Tensor, ...]


def measure_acoustic_branch(config: TrainConfig, open_bar: OpenBar) -> dict[str, Any]:
    """AUROC of words, of words and sound, of the sound alone, and the difference that the sound makes.

    The document is kept in the bundle's `eval`, where the card finds it.

    Raises:
        ConfigurationError: another cohort than LIDC-IDRI.
        InputError: the data set is not where the configuration says.
        BundleError: there is no bundle at `config.out`.
        MissingDependencyError: no synthetic voice is installed.
    """
    if config.data.kind != "lidc":
        msg = (
            "compare: the sound is compared on the dictations of LIDC-IDRI, which are spoken for it; with recordings "
            "of your own, train with network.acoustic_encoder and without it"
        )
        raise ConfigurationError(msg)
    cases = scored_dictations(Path(config.data.root))
    mels = _sounds(cases, open_bar("Speaking dictations"))
    network = load_bundle(Path(config.out)).network
    words = _word_logits(network, cases, open_bar("Reading dictations"))
    heard = Heard(
        np.array([case.label for case in cases]),
        np.array([case.fold for case in cases]),
        tuple(case.patient_id for case in cases),
        words,
        mels,
    )
    off, on, alone = (_out_of_fold(heard, part, config.seed) for part in ("words", "both", "sound"))
    draws = PatientResampling.draw(heard.patient_ids)

    def area(scores: npt.NDArray[np.float64]) -> WeightedMetric:
        return lambda weights: weighted_auroc(scores, heard.labels, weights)

    document = {
        "cases": len(cases),
        "seed": config.seed,
        "words": draws.interval(area(off)).to_json(),
        "words and sound": draws.interval(area(on)).to_json(),
        "sound alone": draws.interval(area(alone)).to_json(),
        "difference": draws.interval(lambda weights: area(on)(weights) - area(off)(weights)).to_json(),
    }
    kept = Path(config.out) / "eval" / "acoustic_branch.json"
    kept.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return document


def _sounds(cases: Sequence[ScoredDictation], on_progress: OnProgress) -> tuple[Tensor, ...]:
    """Log-mel frames of each dictation, `FRAMES_JOINED` averaged into one."""
    sounds = []
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / "dictation.wav"
        for done, case in enumerate(cases):
            voice, words_per_minute = voice_of(case.case_id)
            speak(case.text, voice, recording, words_per_minute=words_per_minute)
            mel = prepare_mel(read_audio(recording), AcousticEncoderConfig().n_mels)
            whole = mel[:, : mel.shape[1] // FRAMES_JOINED * FRAMES_JOINED]
            sounds.append(torch.from_numpy(whole.reshape(len(mel), -1, FRAMES_JOINED).mean(axis=2)))
            on_progress(done + 1, len(cases))
    return tuple(sounds)


@torch.inference_mode()
def _word_logits(
    network: DiagnosisNetwork, cases: Sequence[ScoredDictation], on_progress: OnProgress
) -> npt.NDArray[np.float64]:
    """The dictation's logit from its words as they were spoken, by the member that has not met the case."""
    encoder = network.config.text_encoder
    bank = encode_texts(
        [case.text for case in cases], network.bert, load_tokenizer(encoder), encoder.max_tokens, on_progress
    )
    logits = np.zeros(len(cases))
    for member, fold in zip(network.classifiers(), sorted({case.fold for case in cases}), strict=True):
        rows = [i for i, case in enumerate(cases) if case.fold == fold]
        tokens = member.text_reader(*bank.batch(rows)).tokens
        none = torch.zeros(len(rows), 1, tokens.shape[2])
        present = torch.tensor([[False, False, True]]).expand(len(rows), -1)
        logits[rows] = member.fuse(ModalityTokens(none, none, tokens, present)).logits[:, 0].numpy()
    return logits


def _out_of_fold(heard: Heard, part: str, seed: int) -> npt.NDArray[np.float64]:
    """Logits of each fold from what was fitted on the others: `words`, `sound`, or `both`."""
    scores = np.zeros(len(heard.labels))
    for fold in np.unique(heard.folds):
        own = heard.folds == fold
        words = np.zeros(len(own))
        if part != "sound":
            fitted = fit_calibrator(heard.word_logits[~own], heard.labels[~own], "platt")
            words = logit(fitted.probability(heard.word_logits))
        scores[own] = words[own]
        if part != "words":
            scores[own] += _heard_beyond(heard, words, own, seed)
    return scores


def _heard_beyond(
    heard: Heard, words: npt.NDArray[np.float64], own: npt.NDArray[np.bool_], seed: int
) -> npt.NDArray[np.float64]:
    """What a branch trained on the other folds adds to the logit of the words, on its own fold."""
    torch.manual_seed(seed)
    encoder = AcousticEncoder(AcousticEncoderConfig(), EMBED)
    head = nn.Linear(EMBED, 1)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    branch = nn.Sequential(encoder, head)
    rows = np.flatnonzero(~own)
    batches = [rows[i : i + BATCH_SIZE] for i in range(0, len(rows), BATCH_SIZE)]
    optimizer = torch.optim.AdamW(branch.parameters(), LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, EPOCHS * len(batches))
    rng = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        for batch in np.array_split(rng.permutation(rows), len(batches)):
            said = torch.from_numpy(words[batch]).float()
            target = torch.from_numpy(heard.labels[batch]).float()
            heard_beyond = branch(_padded([heard.sounds[i] for i in batch]))[:, 0, 0]
            loss = nn.functional.binary_cross_entropy_with_logits(said + heard_beyond, target)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call] # torch's own
            optimizer.step()
            schedule.step()
    branch.eval()
    with torch.inference_mode():
        found = [branch(heard.sounds[i][None])[0, 0, 0].item() for i in np.flatnonzero(own)]
    return np.array(found)


def _padded(sounds: Sequence[Tensor]) -> Tensor:
    """Recordings of one batch (batch,mel,frame), silence (the mean of each band) after the shorter ones."""
    longest = max(sound.shape[1] for sound in sounds)
    return torch.stack([nn.functional.pad(sound, (0, longest - sound.shape[1])) for sound in sounds])
