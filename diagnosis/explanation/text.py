"""Which words of a note speak for a finding: integrated gradients over the word embeddings.

The path starts where every word is the mask token, which the BERT was trained to meet, and special tokens stay. Pieces
of words are summed to words and sentences, as characters of the text that was written; a length that was rewritten for
the network (`2.2 cm` to `22 mm`) answers as it stands in the note.
"""

import numpy as np
import numpy.typing as npt
import torch

from diagnosis.errors import ExplanationError
from diagnosis.explanation.baselines import TextBaseline, text_baseline
from diagnosis.explanation.parts import TextFunction
from diagnosis.explanation.path import PathIntegral, Refinement, integrate_adaptively
from diagnosis.explanation.words import sum_to_sentences, text_spans
from diagnosis.preprocessing.text import PreparedText
from diagnosis.record import Faithfulness, TextAttribution

TEXT_METHOD = "integrated_gradients"
TEXT_REFINEMENT = Refinement(tolerance=0.005, max_gradients=128, at_once=8)
"""A text costs little: eight points of the path in one pass."""


def special_tokens(prepared: PreparedText) -> torch.Tensor:
    """(token,) True where a token stands for no characters."""
    return torch.tensor([start == end for start, end in prepared.spans])


def integrate_text(
    function: TextFunction,
    prepared: PreparedText,
    baseline: TextBaseline = "mask",
    refinement: Refinement = TEXT_REFINEMENT,
) -> tuple[npt.NDArray[np.float64], PathIntegral]:
    """Attribution of each token, (token,) in logits, and the integral it is the sum of.

    Raises:
        ExplanationError: the text does not belong to the batch.
    """
    if function.ids.shape[1] != len(prepared.spans):
        msg = (
            f"explanation: the batch has {function.ids.shape[1]} tokens, the prepared text {len(prepared.spans)}; "
            "pass the text that the batch was made of"
        )
        raise ExplanationError(msg)
    start = text_baseline(function, special_tokens(prepared), baseline)
    integral = integrate_adaptively(function, function.values, start, refinement)
    return integral.attributions[0].double().sum(dim=1).numpy(), integral


def attribute_note(
    function: TextFunction, prepared: PreparedText, text: str, baseline: TextBaseline = "mask"
) -> TextAttribution:
    """Attribution of the words of a note.

    Args:
        function: the network as a function of the note's embeddings.
        prepared: the tokens and their characters.
        text: the note as it was written.
        baseline: what a word is replaced by at the start of the path.
    """
    values, integral = integrate_text(function, prepared, baseline)
    words = text_spans(text, values, prepared.spans)
    return TextAttribution(
        spans=words,
        method=TEXT_METHOD,
        faithfulness=Faithfulness(completeness_gap=integral.completeness_gap),
        sentences=sum_to_sentences(text, words),
    )
