"""Which words of a note speak for a finding: integrated gradients over the word embeddings.

The path starts where every word is a token that says nothing (`baselines.text_baseline`); special tokens stay. Pieces
of words are summed to words and sentences, as characters of the text that was written; a length that was rewritten for
the network (`2.2 cm` to `22 mm`) answers as it stands in the note.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
import torch

from diagnosis.errors import ExplanationError
from diagnosis.explanation.baselines import TextBaseline, TextStart, text_baseline
from diagnosis.explanation.parts import TextFunction
from diagnosis.explanation.path import PathIntegral, Refinement, integrate_adaptively
from diagnosis.explanation.words import sum_to_sentences, text_spans
from diagnosis.preprocessing.text import PreparedText
from diagnosis.record import Faithfulness, TextAttribution

TEXT_METHOD = "integrated_gradients"
TEXT_REFINEMENT = Refinement(max_gradients=128, n_first=8, at_once=8)
"""A text costs little: eight points of the path in one pass."""


def special_tokens(prepared: PreparedText) -> torch.Tensor:
    """(token,) True where a token stands for no characters."""
    return torch.tensor([start == end for start, end in prepared.spans])


@final
@dataclass(frozen=True, eq=False)
class TextMap:
    """Attributions of the tokens of a text.

    Attributes:
        prepared: the tokens and their characters in the original text.
        start: where the path starts.
        integral: attributions of the elements of the embeddings, (1,token,bert).
    """

    prepared: PreparedText
    start: TextStart
    integral: PathIntegral

    @property
    def token_values(self) -> npt.NDArray[np.float64]:
        """Attribution of each token, (token,) in logits."""
        return np.asarray(self.integral.attributions[0].double().sum(dim=1).numpy())


def integrate_text(
    function: TextFunction,
    prepared: PreparedText,
    baseline: TextBaseline = "pad",
    refinement: Refinement = TEXT_REFINEMENT,
) -> TextMap:
    """Integrated gradients from a text of masks to the text.

    Args:
        function: the network as a function of the text's embeddings.
        prepared: the text that the batch was made of.
        baseline: what a word is replaced by at the start of the path.
        refinement: when the integral is complete enough.

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
    return TextMap(prepared, start, integrate_adaptively(function, function.values, start.embeddings, refinement))


def attribute_note(text_map: TextMap, text: str) -> TextAttribution:
    """Attributions of the tokens summed to the words and sentences of the note as it was written."""
    words = text_spans(text, text_map.token_values, text_map.prepared.spans)
    return TextAttribution(
        spans=words,
        method=TEXT_METHOD,
        faithfulness=Faithfulness(completeness_gap=text_map.integral.completeness_gap),
        sentences=sum_to_sentences(text, words),
        baseline=text_map.start.words,
    )
