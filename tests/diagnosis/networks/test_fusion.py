import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.errors import ConfigurationError
from diagnosis.networks.fusion import FUSIONS, FusionConfig, make_fusion
from diagnosis.networks.model_input import ModalityTokens

EMBED = 16
METHODS = sorted(FUSIONS)


def make_tokens(presence: list[list[bool]], seed: int = 0) -> ModalityTokens:
    generator = torch.Generator().manual_seed(seed)
    batch = len(presence)
    parts = [torch.randn(batch, n, EMBED, generator=generator) for n in (5, 3, 4)]
    return ModalityTokens(*parts, is_present=torch.tensor(presence))


def make_one(method: str):
    torch.manual_seed(1)
    return make_fusion(FusionConfig(method, n_heads=4, n_layers=2), EMBED, 2).eval()


@pytest.mark.parametrize("method", METHODS)
@given(
    presence=st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=4),
    seed=st.integers(0, 9),
)
@settings(max_examples=20, deadline=None)
def test_absent_tokens_never_reach_the_output(method, presence, seed):
    fusion = make_one(method)
    tokens = make_tokens(presence, seed)
    noisy = ModalityTokens(
        *(
            torch.where(tokens.is_present[:, m, None, None], part, 1e3 * torch.randn_like(part))
            for m, part in enumerate(tokens.by_modality())
        ),
        is_present=tokens.is_present,
    )
    with torch.no_grad():
        expected, found = fusion(tokens), fusion(noisy)
    assert torch.isfinite(found.logits).all()
    torch.testing.assert_close(found.logits, expected.logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_weights_sum_to_one_over_what_is_present(method):
    presence = [[True, True, True], [True, False, True], [False, True, False], [False, False, False]]
    with torch.no_grad():
        weights = make_one(method)(make_tokens(presence)).weights
    torch.testing.assert_close(weights.sum(dim=1), torch.tensor([1.0, 1.0, 1.0, 0.0]))
    assert (weights[~torch.tensor(presence)] == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_order_of_tokens_within_a_modality_is_irrelevant(method):
    tokens = make_tokens([[True, True, True]])
    shuffled = ModalityTokens(*(part.flip(1) for part in tokens.by_modality()), is_present=tokens.is_present)
    fusion = make_one(method)
    with torch.no_grad():
        torch.testing.assert_close(fusion(tokens).logits, fusion(shuffled).logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_a_sample_does_not_depend_on_its_batch(method):
    fusion = make_one(method)
    tokens = make_tokens([[True, True, False], [False, True, True], [True, True, True]])
    alone = ModalityTokens(*(part[1:2] for part in tokens.by_modality()), is_present=tokens.is_present[1:2])
    with torch.no_grad():
        torch.testing.assert_close(fusion(tokens).logits[1:2], fusion(alone).logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_every_present_modality_receives_gradient(method):
    tokens = make_tokens([[True, True, True]])
    parts = [part.clone().requires_grad_() for part in tokens.by_modality()]
    make_one(method)(ModalityTokens(*parts, is_present=tokens.is_present)).logits.sum().backward()
    assert all(part.grad is not None and part.grad.abs().sum() > 0 for part in parts)


def test_an_unknown_method_is_named_with_the_known_ones():
    with pytest.raises(ConfigurationError, match="fusion: 'magic' is not known; use one of attention, concat"):
        make_fusion(FusionConfig("magic"), EMBED, 1)


def test_heads_must_divide_the_width():
    with pytest.raises(ConfigurationError, match="5 heads do not divide a width of 16"):
        make_fusion(FusionConfig(n_heads=5), EMBED, 1)


def test_weighted_fusion_is_the_stated_convex_combination():
    fusion = make_one("weighted")
    tokens = make_tokens([[True, True, True]])
    with torch.no_grad():
        fusion.scores.copy_(torch.tensor([0.0, 1.0, 2.0]))
        out = fusion(tokens)
        share = torch.softmax(torch.tensor([0.0, 1.0, 2.0]), 0)
        projected = [layer(tokens.pooled()[:, m]) for m, layer in enumerate(fusion.project)]
    torch.testing.assert_close(out.weights[0], share)
    torch.testing.assert_close(out.fused, sum(w * h for w, h in zip(share, projected, strict=True)))
