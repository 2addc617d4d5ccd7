"""Cases whose answer is known, and a small network trained on them in seconds."""

from dataclasses import replace

import numpy as np
import torch

from diagnosis.networks.classifier import DiagnosisNetwork, NetworkConfig
from diagnosis.networks.fusion import FusionConfig
from diagnosis.networks.text_reader import TextReaderConfig
from diagnosis.networks.volume_encoder import VolumeEncoderConfig
from diagnosis.preprocessing.batch import InputContract, prepare_case, stack_cases
from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.record import (
    Case,
    ClinicalNote,
    RegionOfInterest,
    SpeechSegment,
    VoiceNote,
    Volume,
    Word,
)

VIEW = FieldOfView((7, 40, 40), (1.25, 0.7, 0.7), (-1000.0, 400.0))
CONTRACT = InputContract(VIEW, 64)
CONFIG = NetworkConfig(
    embed_dim=32,
    n_members=2,
    volume_encoder=VolumeEncoderConfig(widths=(8, 8, 16, 16), dropout=0.0),
    text_reader=TextReaderConfig(n_free_queries=1, n_rounds=1, dropout=0.0),
    fusion=FusionConfig(dropout=0.0),
)
NOTE = "CT chest, 2.2 x 1.8 cm.\nThe nodule is spiculated. Dr. Smith was informed."
PLAIN_NOTE = "CT chest, 2.2 x 1.8 cm.\nThe nodule is smooth. Dr. Smith was informed."
DICTATION = "There is a twenty two millimeter nodule in the right lung."


def make_volume(offset_mm: tuple[float, float, float] | None, rng: np.random.Generator) -> tuple[Volume, np.ndarray]:
    """Lung with noise and, where an offset from the center is given, a ball of 4 mm radius; (volume, mask)."""
    shape = (24, 60, 60)
    affine = np.array([[0, 0, 0.7, -20.65], [0, 0.7, 0, -20.65], [1.25, 0, 0, -14.375], [0, 0, 0, 1.0]])
    hu = rng.normal(-850, 25, shape).astype(np.float32)
    mask = np.zeros(shape, dtype=bool)
    if offset_mm is not None:
        grid = np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
        mask = np.linalg.norm(grid - np.asarray(offset_mm), axis=-1) <= 4
        hu[mask] = rng.normal(30, 25, int(mask.sum()))
    return Volume(hu, affine), mask


def make_voice(text: str) -> VoiceNote:
    words = tuple(Word(word, 0.4 * i, 0.4 * i + 0.3, 0.9) for i, word in enumerate(text.split()))
    return VoiceNote((SpeechSegment(words),), 0.4 * len(words) + 1, "test")


def make_case(offset_mm: tuple[float, float, float] | None, note: str | None, voice: str | None, seed: int = 0) -> Case:
    volume, _ = make_volume(offset_mm, np.random.default_rng(seed))
    return Case(
        "case",
        volume,
        RegionOfInterest((0.0, 0.0, 0.0), 9.0),
        None if note is None else ClinicalNote(note),
        None if voice is None else make_voice(voice),
    )


def prepared_batch(case: Case, tokenizer):
    prepared = prepare_case(case, CONTRACT, tokenizer)
    return prepared, stack_cases([prepared], CONTRACT)


def train_on_truth(tokenizer, informative: str) -> DiagnosisNetwork:
    torch.manual_seed(0)
    network = DiagnosisNetwork(CONFIG)
    rng = np.random.default_rng(0)
    cases, labels = [], []
    for row in range(96):
        has_ball, has_word = bool(rng.integers(2)), bool(rng.integers(2))
        offset = (*rng.uniform(-7, 7, 2), rng.uniform(-2, 2)) if has_ball else None
        cases.append(make_case(offset, NOTE if has_word else PLAIN_NOTE, DICTATION, seed=row))
        labels.append(has_ball if informative == "ct" else has_word)
    batch = stack_cases([prepare_case(case, CONTRACT, tokenizer) for case in cases], CONTRACT)
    with torch.no_grad():
        encoded = network.encode_text(batch)
    target = torch.tensor(labels).float()
    optimizer = torch.optim.AdamW(network.members.parameters(), 4e-3, weight_decay=0.01)
    network.train()
    for _ in range(100):
        rows = torch.from_numpy(rng.choice(96, 24, replace=False))
        fields = {name: value[rows] for name, value in vars(encoded).items() if value is not None}
        # Parts are left out at times: the absence of one that tells nothing tells nothing either, and without the one
        # that tells the others are guesses.
        present = torch.rand(24, 3) < torch.tensor([0.85, 0.6, 0.6] if informative == "ct" else [0.6, 0.8, 0.6])
        some = replace(encoded, **{**fields, "is_present": present})
        logits = torch.stack([member(some).logits[:, 0] for member in network.classifiers()])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target[rows].expand_as(logits))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    with torch.no_grad():
        answers = network.forward_encoded(encoded).logits[:, 0] > 0
    assert (answers == target.bool()).float().mean() > 0.95, "the planted truth was not learned"
    return network
