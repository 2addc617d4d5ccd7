"""The reader of free text: the mean of the BERT's states, and nothing else."""

from dataclasses import replace

import pytest
import torch

from diagnosis.errors import ConfigurationError
from diagnosis.networks.text_reader import TextReader, TextReaderConfig, TextSummary, make_text_reader

SUMMARY = TextReaderConfig(kind="summary", dropout=0.0)


def test_padding_changes_nothing_and_no_text_is_zeros():
    reader = make_text_reader(SUMMARY, 8, 4)
    assert isinstance(reader, TextSummary)
    states = torch.randn(2, 5, 8)
    states[0, 3:] = 1000.0
    mask = torch.tensor([[True] * 3 + [False] * 2, [False] * 5])
    answers = reader(states, mask).answers
    assert answers.shape == (2, *reader.answer_shape) == (2, 1, 8)
    torch.testing.assert_close(answers[0, 0], states[0, :3].mean(dim=0))
    assert not answers[1].any()


def test_tokens_follow_from_the_kept_answers():
    reader = make_text_reader(SUMMARY, 8, 4).eval()
    reading = reader(torch.randn(3, 5, 8), torch.ones(3, 5, dtype=torch.bool))
    assert reading.tokens.shape == (3, 1, 4)
    torch.testing.assert_close(reader.interpret(reading.answers).tokens, reading.tokens)
    assert reading.level_logits == ()


def test_only_the_layers_to_the_tokens_have_weights():
    reader = make_text_reader(SUMMARY, 8, 4)
    assert all(name.startswith("tokens.") for name, _ in reader.named_parameters())


def test_questions_are_the_default_and_another_kind_is_refused():
    assert isinstance(make_text_reader(TextReaderConfig(), 8, 16), TextReader)
    with pytest.raises(ConfigurationError, match="text reader: 'words' is not known; use questions or summary"):
        make_text_reader(replace(SUMMARY, kind="words"), 8, 4)
