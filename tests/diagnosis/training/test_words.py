"""What is learned on top of the frozen encoders: the aligned space, captions, the index."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from factories import make_tiny_bundle

from diagnosis.drafting.wording import PHRASES, describe, levels_said
from diagnosis.errors import BundleError, ConfigurationError
from diagnosis.networks.caption_decoder import CaptionConfig, CaptionDecoder
from diagnosis.networks.volume_encoder import VolumeEncoderConfig
from diagnosis.retrieval.quality import recall_of
from diagnosis.training import alignment_stage, caption_stage
from diagnosis.training.alignment_stage import AlignmentCases, fit_space
from diagnosis.training.caption_quality import caption_quality, is_finding
from diagnosis.training.caption_stage import CaptionCases, caption_of, fit_decoder, vocabulary, write_captions
from diagnosis.training.cohort import Reader, TrainingCase
from diagnosis.training.fusion_stage import CtReadouts
from diagnosis.training.index_stage import judgment_of, labels_of, told_of

ENCODER = VolumeEncoderConfig()
PLAIN = (5.0, 1.0, 6.0, 4.0, 4.0, 1.0, 1.0, 5.0)


def make_readouts(latent: torch.Tensor) -> CtReadouts:
    """Readouts that repeat a latent value at every place, in two views."""
    n = len(latent)
    at = latent[:, None, None, None].expand(-1, 2, 2, 10, -1)
    pad = torch.zeros(n, 2, 2, 10, ENCODER.n_readouts - latent.shape[1])
    return CtReadouts(torch.cat([at, pad], dim=-1), torch.full((n, 2), 2.0), torch.ones(n, dtype=torch.bool))


@pytest.fixture
def pairs():
    """Latent values of nodules, seen by a CT and told by a text with little noise."""
    generator = torch.Generator().manual_seed(0)
    latent = torch.randn(400, 5, generator=generator)
    text = torch.zeros(400, 18)
    text[:, :5] = latent @ torch.linalg.qr(torch.randn(5, 5, generator=generator))[0]
    return make_readouts(latent), torch.full((400,), 8.0), text


def test_alignment_finds_the_text_of_nodules_it_has_not_seen(pairs, monkeypatch):
    monkeypatch.setattr(alignment_stage, "EPOCHS", 120)
    ct, diameters, text = pairs
    first = CtReadouts(ct.readouts[:300], ct.log_diameter[:300], ct.is_there[:300])
    cases = AlignmentCases(first, diameters[:300], tuple((i,) for i in range(300)), text)
    space = fit_space(cases, "contrastive", 0)
    with torch.inference_mode():
        from diagnosis.networks.projection import ct_reading

        seen = space.ct(ct_reading(ct.readouts[300:, 1, 0, 0], ct.log_diameter[300:, 0], diameters[300:]))
        found = recall_of((space.text(text[300:]) @ seen.T).numpy(), np.arange(100))
    assert found.times_chance(5) > 10


def test_the_same_seed_gives_the_same_space(pairs, monkeypatch):
    monkeypatch.setattr(alignment_stage, "EPOCHS", 2)
    ct, diameters, text = pairs
    cases = AlignmentCases(ct, diameters, tuple((i,) for i in range(400)), text)
    first, second = (fit_space(cases, "triplet", 3).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_an_unknown_loss_is_refused(pairs):
    ct, diameters, text = pairs
    cases = AlignmentCases(ct, diameters, tuple((i,) for i in range(400)), text)
    with pytest.raises(ConfigurationError, match="'hinge' is not known"):
        fit_space(cases, "hinge", 0)


def test_the_vocabulary_holds_every_word_of_every_caption():
    words = set(vocabulary())
    for name, levels in PHRASES.items():
        for level in range(1, len(levels) + 1):
            assert set(describe({"texture": 5, name: level}).split()) <= words
    decoder = CaptionDecoder(CaptionConfig(vocabulary()), ENCODER)
    longest = describe(
        {name: max(range(1, len(p) + 1), key=lambda i: len(p[i - 1].split())) for name, p in PHRASES.items()}
    )
    assert len(decoder.numbers_of(longest)) <= decoder.config.longest
    with pytest.raises(ValueError, match="1 are not in the vocabulary"):
        decoder.numbers_of("a banana")


def test_a_decoder_learns_to_say_what_it_is_shown(monkeypatch):
    monkeypatch.setattr(caption_stage, "EPOCHS", 60)
    spiculated = torch.arange(96) % 2
    ct = make_readouts(spiculated[:, None].float() * 2 - 1)
    plain, marked = (describe({"texture": 5, "spiculation": level}) for level in (1, 5))
    captions = tuple(((marked if s else plain),) for s in spiculated.tolist())
    decoder = fit_decoder(CaptionCases(ct, torch.full((96,), 8.0), captions), ENCODER, 0)
    assert write_captions(decoder, ct, torch.full((96,), 8.0)) == [c[0] for c in captions]


def make_case(*ratings: tuple[float, ...]) -> TrainingCase:
    readers = tuple(Reader(own, 8.0, 4.0) for own in ratings)
    return TrainingCase("c", "p", "fold0", (1,), (1.0,), None, 8.4, readers, None, None)


def test_quality_counts_what_no_reader_saw():
    pytest.importorskip("sacrebleu")
    pytest.importorskip("rouge_score")
    case = make_case(PLAIN, PLAIN)
    spiculated = list(PLAIN)
    spiculated[6] = 5.0
    right = caption_of(case.readers[0])
    wrong = caption_of(Reader(tuple(spiculated), 8.0, 4.0))
    perfect = caption_quality([right, right], [case, case])
    assert perfect["descriptor_accuracy"] == perfect["rouge_l"] == 1
    assert perfect["bleu"] == pytest.approx(100)
    assert perfect["invented_findings_per_caption"] == perfect["missed_findings_per_caption"] == 0
    half = caption_quality([right, wrong], [case, case])
    assert half["invented_findings_per_caption"] == half["captions_with_an_invented_finding"] == 0.5
    assert half["descriptor_accuracy"] == pytest.approx(1 - 1 / 16)
    missed = caption_quality([right], [make_case(tuple(spiculated), tuple(spiculated))])
    assert missed["missed_findings_per_caption"] == 1


def test_what_counts_as_a_finding():
    assert is_finding("calcification", 5)
    assert not is_finding("calcification", 6)
    assert is_finding("texture", 3)
    assert not is_finding("margin", 1)


def test_a_caption_is_bound_to_its_bundle(tmp_path):
    from diagnosis.bundle.caption import caption_cases, load_caption, save_caption
    from diagnosis.engine import DiagnosisEngine
    from diagnosis.ingest.notes import note_from_text
    from diagnosis.preprocessing.batch import stack_cases
    from diagnosis.record import Case

    make_tiny_bundle(tmp_path)
    engine = DiagnosisEngine.load(tmp_path)
    with pytest.raises(BundleError, match="there is none; make one with `diagnosis index`"):
        load_caption(engine.bundle)
    decoder = CaptionDecoder(CaptionConfig(vocabulary()), engine.bundle.network.config.volume_encoder)
    save_caption(tmp_path, engine.bundle.sha256, decoder, {})
    batch = stack_cases([engine.prepare(Case("c", note=note_from_text("nodule")))], engine.contract)
    assert caption_cases(engine.bundle, load_caption(engine.bundle), batch) == [""]
    with pytest.raises(BundleError, match="it was made for another bundle"):
        load_caption(replace(engine.bundle, sha256="0" * 64))


def test_what_an_index_tells_of_a_case():
    told = told_of(7, make_case(PLAIN, (*PLAIN[:7], 2.0)), ("malignancy",))
    assert told.name == "nodule-0007"
    assert told.descriptors["texture"] == 4  # 3.5 is rounded up
    assert told.diameter_mm == 8
    assert told.outcome == "judged malignant by 2 readers"
    assert judgment_of([1]) == "judged benign by 1 reader"
    assert labels_of((1, None, 0), ("malignancy", "fat", "pleural_contact")) == "malignancy: yes, pleural contact: no"
    assert labels_of((None,), ("malignancy",)) == "not judged"
    assert levels_said(describe(told.descriptors))["texture"] == {4}
