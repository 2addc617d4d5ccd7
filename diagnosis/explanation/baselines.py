"""What "nothing there" means: the point from which a path of attribution starts.

A baseline is a statement about the patient and is therefore given in HU. Captum's default of zero in network space
would mean the lower end of the bundle's HU range, whatever that happens to be.

===============  ====================================================================================================
`air`            -1000 HU everywhere: asks about the tissue as a whole, chest wall and vessels included
`parenchyma`     -850 HU everywhere: normally aerated lung (-860 to -700 HU in quantitative CT at full inspiration)
`blurred`        the region itself, blurred: asks about detail and form, and hardly about size and mass
===============  ====================================================================================================
"""

from typing import Literal

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
TextBaseline = Literal["mask", "pad"]


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


def text_baseline(function: TextFunction, is_special: Tensor, name: TextBaseline) -> Tensor:
    """Embeddings of the same length in which every word is the mask (or padding) token; special tokens are kept.

    Args:
        function: the text's own embeddings and its BERT.
        is_special: (token,) True where a token stands for no characters.
        name: `mask`, which the BERT was trained to meet, or `pad`.

    Returns:
        (1,token,bert).
    """
    tokenizer = load_tokenizer(function.network.config.text_encoder)
    replacement = tokenizer.mask_token_id if name == "mask" else tokenizer.pad_token_id
    ids = torch.where(is_special[None], function.ids, torch.full_like(function.ids, int(replacement)))
    with torch.no_grad():
        return function.network.bert.word_embeddings(ids)
