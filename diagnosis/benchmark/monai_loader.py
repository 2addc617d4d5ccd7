"""MONAI's `LoadImage`, made without its words about decoders for graphics cards that no one asked for.

It sets up every reader it knows, whichever one is named, and the one for nvImageCodec complains where there is no card.
"""

import logging
import warnings
from typing import Any


def monai_loader(reader: str, **options: bool) -> Any:  # noqa: ANN401 - MONAI's own type is loaded late
    """`LoadImage` with one reader and further options of its own."""
    from monai.transforms import LoadImage

    log = logging.getLogger("monai.data.nvimgcodec_pydicom_plugin")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="NvImgCodecPydicomReader")
            return LoadImage(reader=reader, image_only=True, **options)
    finally:
        log.setLevel(level)
