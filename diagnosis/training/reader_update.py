"""A text reader that learns further wordings, beside fusions that were trained on its answers and stay as they are.

The reader goes on from its weights. It reads made-up descriptions in new words, and must give the descriptors and the
diameter back as in stage 2; and its answers to the questions must be those that it gave, before, to the same
description in words that it knew. So the fusions behind it meet what they were trained on, whatever the wording. It
sees no patient and no label, and one reader still serves all folds.
"""

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from diagnosis.bundle.folder import METRICS, load_bundle
from diagnosis.errors import ConfigurationError
from diagnosis.networks.text_encoder import FrozenBert, load_tokenizer
from diagnosis.networks.text_reader import TextReader
from diagnosis.progress import OpenBar
from diagnosis.training.config import StageConfig, TrainConfig
from diagnosis.training.folds import answer_cases, merged, read_scored_texts
from diagnosis.training.publish import publish
from diagnosis.training.run import fitted_to, read_cohort, save_out_of_fold
from diagnosis.training.text_bank import TextBank, encode_texts
from diagnosis.training.text_stage import (
    log_diameter_of,
    random_description,
    ratings_of,
    reading_loss,
    render,
    render_free,
)
from diagnosis.training.trainer import EpochBatches, Stage, fit_stage

KEPT_WEIGHT = 10.0
"""Weight of the squared distance to the kept answers (mean over an answer's numbers) beside the loss of stage 2."""


@final
@dataclass(frozen=True, eq=False)
class Retold:
    """Descriptions, each told in several wordings.

    Attributes:
        texts: all tellings.
        known: (text,) row of the telling, in known words, that tells the same.
        ratings: (text,8), NaN where not said.
        log_diameter: (text,), NaN where not said.
    """

    texts: tuple[str, ...]
    known: tuple[int, ...]
    ratings: Tensor
    log_diameter: Tensor


def make_retold(n_descriptions: int, seed: int) -> Retold:
    """Each description in known words, misheard, as a free note and as a free dictation, half of them misheard."""
    rng = random.Random(seed)  # noqa: S311 - not a secret
    texts: list[str] = []
    known, ratings, diameters = [], [], []
    for _ in range(n_descriptions):
        description, first = random_description(rng), len(texts)
        texts.append(render(description, rng, rng.choice(("note", "dictation")), "all"))
        if rng.random() < 0.5:
            texts.append(render(description, rng, "misheard", "all"))
        texts.append(render_free(description, rng, "note"))
        texts.append(render_free(description, rng, rng.choice(("dictation", "misheard"))))
        n = len(texts) - first
        known += [first] * n
        ratings += [ratings_of(description)] * n
        diameters += [log_diameter_of(description)] * n
    return Retold(tuple(texts), tuple(known), torch.tensor(ratings), torch.tensor(diameters))


@final
class RetoldBatches(EpochBatches):
    """Batches of tellings of similar length, in an order drawn from (seed, epoch)."""

    def __init__(self, bank: TextBank, told: Retold, kept: Tensor, schedule: StageConfig, seed: int) -> None:
        self.bank, self.told, self.kept, self.batch_size, self.seed = bank, told, kept, schedule.batch_size, seed

    def __len__(self) -> int:
        return len(self.bank) // self.batch_size

    def draw(self, epoch: int) -> Iterator[tuple[Tensor, ...]]:
        """The batches of an epoch."""
        rng = np.random.default_rng((self.seed, epoch))
        # Lengths blurred by a draw: neighbors differ from epoch to epoch.
        order = np.argsort(self.bank.lengths + rng.uniform(0, 12, len(self.bank)))
        starts = np.arange(0, len(order) - self.batch_size + 1, self.batch_size)
        for start in rng.permutation(starts):
            chosen = order[start : start + self.batch_size]
            states, mask = self.bank.batch(chosen.tolist())
            known = [self.told.known[i] for i in chosen]
            yield states, mask, self.told.ratings[chosen], self.told.log_diameter[chosen], self.kept[known].float()


@final
class RetoldStage(Stage):
    """Trains a `TextReader` further."""

    def training_step(self, batch: tuple[Tensor, ...], _index: int) -> Tensor:
        """What the text says, and the answers that were given to the same in known words."""
        states, mask, ratings, log_diameter, kept = batch
        reading = self.network(states, mask)
        loss = reading_loss(reading, ratings, log_diameter)
        loss = loss + KEPT_WEIGHT * nn.functional.mse_loss(reading.answers.float(), kept)
        self.log("loss", loss, batch_size=len(states))
        return loss


def update_text_reader(
    reader: TextReader, bert: FrozenBert, config: TrainConfig, folder: Path, open_bar: OpenBar
) -> TextReader:
    """The reader, having learned free prose; its token layers, which belong to a fusion, are as they were.

    Args:
        reader: of a trained bundle; not changed.
        bert: that it reads the states of.
        config: `text` is the schedule, `synthetic_texts` the number of tellings (about), `seed` the seed.
        folder: for checkpoints; a run that was stopped goes on there.
        open_bar: opens a progress bar.
    """
    told = make_retold(round(config.synthetic_texts / 3.5), config.seed)
    encoder = config.network.text_encoder
    bar = open_bar("Reading made-up descriptions with the BERT")
    bank = encode_texts(told.texts, bert, load_tokenizer(encoder), encoder.max_tokens, bar)
    reader.eval()
    kept = _answers(reader, bank, sorted(set(told.known)))
    updated = copy.deepcopy(reader)
    updated.tokens.requires_grad_(requires_grad=False)
    stage = RetoldStage(updated, config.text, config.seed)
    batches = RetoldBatches(bank, told, kept, config.text, config.seed)
    fit_stage(stage, batches, config, folder, open_bar("Training the text reader"))
    return updated.eval()


@torch.inference_mode()
def _answers(reader: TextReader, bank: TextBank, rows: list[int]) -> Tensor:
    """Answers (text,query,embed) as float16, zero in rows that were not asked for."""
    answers = torch.zeros(len(bank), *reader.answer_shape, dtype=torch.float16)
    for start in range(0, len(rows), 128):
        chosen = rows[start : start + 128]
        answers[chosen] = reader(*bank.batch(chosen)).answers.half()
    return answers


def update_bundle(config: TrainConfig, open_bar: OpenBar) -> dict[str, Any]:
    """Train the text reader of the bundle at `config.out` further, measure the whole again, and write it.

    Volume encoders, token layers and fusions stay as they are; calibration, thresholds, figures and card are made
    again from the answers of each member on its own held-out fold.

    Raises:
        ConfigurationError: a bundle whose reader asks no questions.
        BundleError: no bundle that can be read.
    """
    config = replace(config, work=str(Path(config.work) / "reader_update"))
    folder = Path(config.out)
    network = load_bundle(folder).network
    reader = network.classifiers()[0].text_reader
    if not isinstance(reader, TextReader):
        msg = f"reader update: the text reader of {folder} is a summary, which has nothing to learn; train the whole"
        raise ConfigurationError(msg)
    cohort = read_cohort(config, open_bar)
    config = fitted_to(config, cohort)
    updated = update_text_reader(reader, network.bert, config, Path(config.work) / "text", open_bar)
    learned = {name: value for name, value in updated.state_dict().items() if not name.startswith("tokens.")}
    for member in network.classifiers():
        member.text_reader.load_state_dict(learned, strict=False)
    texts = read_scored_texts(config, cohort, network.eval(), updated, open_bar)
    members = zip(cohort.folds, network.classifiers(), strict=True)
    parts = [answer_cases(config, cohort, cohort.inside(fold), member, texts) for fold, member in members]
    answers = merged(parts)
    save_out_of_fold(Path(config.work) / "out_of_fold.npz", answers)
    open_bar("Calibrating and measuring")
    compared = json.loads((folder / METRICS).read_text(encoding="utf-8")).get("fusions")
    return publish(config, cohort, network, answers, compared)
