"""Small networks that have learned one planted truth each."""

import pytest
import torch
from planted_truth import CONFIG, train_on_truth

from diagnosis.networks.classifier import DiagnosisNetwork
from diagnosis.networks.text_encoder import load_tokenizer


@pytest.fixture(scope="session")
def tokenizer():
    return load_tokenizer(CONFIG.text_encoder)


@pytest.fixture(scope="session")
def untrained() -> DiagnosisNetwork:
    torch.manual_seed(1)
    return DiagnosisNetwork(CONFIG).eval()


@pytest.fixture(scope="session")
def trained(tokenizer) -> DiagnosisNetwork:
    """Has learned one thing: a ball anywhere in the CT, and nothing from the note or the dictation."""
    return train_on_truth(tokenizer, informative="ct")


@pytest.fixture(scope="session")
def reader(tokenizer) -> DiagnosisNetwork:
    """Has learned one thing: the word `spiculated` in the note."""
    return train_on_truth(tokenizer, informative="note")
