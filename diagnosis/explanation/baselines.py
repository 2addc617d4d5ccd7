"""What "nothing there" means: the point from which a path of attribution starts.

A baseline is a statement about the patient and is therefore given in HU. Captum's default of zero in network space
would mean the lower end of the bundle's HU range, whatever that happens to be.

===============  ====================================================================================================
`air`            -1000 HU everywhere: asks about the tissue as a whole, chest wall and vessels included
`parenchyma`     -850 HU everywhere: normally aerated lung (-860 to -700 HU in quantitative CT at full inspiration)
`blurred`        the region itself, blurred: asks about detail and form, and hardly about size and mass
===============  ====================================================================================================
"""

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from diagnosis.errors import ExplanationError
from diagnosis.explanation.parts import TextFunction
from diagnosis.networks.text_encoder import load_tokenizer
from diagnosis.preprocessing.volume import FieldOfView

AIR_HU = -1000.0
PARENCHYMA_HU = -850.0
BLUR_MM = 8.0
"""Standard deviation of the blur: a nodule of 30 mm is still spread beyond its border."""

HuBaseline = Literal["air", "parenchyma", "blurred"]
HU_BASELINES: tuple[HuBaseline, ...] = ("air", "parenchyma", "blurred")
TextBaseline = Literal["neutral", "mask", "pad", "unknown", "stop"]


def hu_baseline(values: Tensor, view: FieldOfView, name: HuBaseline) -> Tensor:
    """The baseline of a region, in the shape and units of `values`, (1,1,depth,height,width) in [0,1].

    Raises:
        ExplanationError: unknown name.
    """
    if name == "blurred":
        sigma = [BLUR_MM / spacing for spacing in view.spacing_mm]
        blurred = ndimage.gaussian_filter(values[0, 0].numpy(), sigma, mode="nearest")
        return torch.from_numpy(blurred)[None, None]
    if name not in {"air", "parenchyma"}:
        msg = f"explanation: {name!r} is not a baseline; use one of {', '.join(HU_BASELINES)}"
        raise ExplanationError(msg)
    hu = np.full((1,), AIR_HU if name == "air" else PARENCHYMA_HU, dtype=np.float32)
    return torch.full_like(values, float(view.to_unit(hu)[0]))


def baseline_words(name: HuBaseline) -> str:
    """The baseline as the reader should see it."""
    words = {
        "air": f"air ({AIR_HU:.0f} HU)",
        "parenchyma": f"lung parenchyma ({PARENCHYMA_HU:.0f} HU)",
        "blurred": f"the region blurred by {BLUR_MM:.0f} mm",
    }
    return words[name]


@final
@dataclass(frozen=True, eq=False)
class TextStart:
    """Where the path of a text starts: embeddings (1,token,bert), and the token in words."""

    embeddings: Tensor
    words: str


def text_baseline(function: TextFunction, is_special: Tensor, name: TextBaseline = "pad") -> TextStart:
    """A text of the same length in which every word is one token that says nothing; special tokens are kept.

    No token says nothing to every network: to the shipped model a text of masks alone looks like bad news (2.6 logits
    above no text, padding 0.7), and from a text of full stops the path is so kinked that 128 gradients leave 4 %.
    Padding is the default for both reasons. `neutral` tries the four, each as the only evidence, and takes the one
    closest to the answer to no evidence at all.

    Args:
        function: the text's own embeddings and its BERT.
        is_special: (token,) True where a token stands for no characters.
        name: `neutral`, or one of the four: `mask`, `pad`, `unknown`, `stop`.
    """
    tokenizer = load_tokenizer(function.network.config.text_encoder)
    ids = {
        "mask": tokenizer.mask_token_id,
        "pad": tokenizer.pad_token_id,
        "unknown": tokenizer.unk_token_id,
        "stop": tokenizer.convert_tokens_to_ids("."),
    }
    names = list(ids) if name == "neutral" else [name]
    starts = []
    with torch.no_grad():
        for one in names:
            replaced = torch.where(is_special[None], function.ids, torch.full_like(function.ids, int(ids[one])))
            starts.append(function.network.bert.word_embeddings(replaced))
        distances = [0.0]
        if len(starts) > 1:
            distances = (function.logits_alone(torch.cat(starts)) - function.logit_of_nothing()).abs().tolist()
    best = int(np.argmin(distances))
    return TextStart(starts[best], f"every word replaced by the {_TOKEN_WORDS[names[best]]}")


_TOKEN_WORDS = {"mask": "mask token", "pad": "padding token", "unknown": "unknown-word token", "stop": "full stop"}
