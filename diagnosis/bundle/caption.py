"""The caption decoder that may lie beside a bundle: one file, bound to the bundle whose encoders it was trained on."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from diagnosis.bundle.folder import Bundle
from diagnosis.errors import BundleError
from diagnosis.networks.caption_decoder import CaptionConfig, CaptionDecoder
from diagnosis.networks.model_input import ModelInput
from diagnosis.networks.volume_encoder import standard_size

CAPTION = Path("caption/decoder.safetensors")


def save_caption(folder: Path, bundle_sha256: str, decoder: CaptionDecoder, quality: Mapping[str, Any]) -> None:
    """Write a decoder in half precision, with its shape, its bundle and what was measured in the file's header."""
    path = folder / CAPTION
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {
        "bundle_sha256": bundle_sha256,
        "config": json.dumps(asdict(decoder.config)),
        "quality": json.dumps(dict(quality)),
    }
    tensors = {name: tensor.detach().half().contiguous() for name, tensor in decoder.state_dict().items()}
    save_file(tensors, path, metadata=header)
    path.chmod(0o644)  # it is written for its owner alone, and other users install the bundle


def load_caption(bundle: Bundle) -> CaptionDecoder:
    """Load the decoder that lies beside a bundle.

    Raises:
        BundleError: there is none, it was made for another bundle, or it is damaged.
    """
    path = bundle.folder / CAPTION
    if not path.is_file():
        msg = f"caption {path}: there is none; make one with `diagnosis index`"
        raise BundleError(msg)
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - no mapping
        if header.get("bundle_sha256") != bundle.sha256:
            msg = f"caption {path}: it was made for another bundle; make it again with `diagnosis index`"
            raise BundleError(msg)
        stated = json.loads(header["config"])
        config = CaptionConfig(**{**stated, "words": tuple(stated["words"])})
        decoder = CaptionDecoder(config, bundle.metadata.network_config().volume_encoder)
        decoder.load_state_dict(tensors)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        msg = f"caption {path}: it cannot be used; make it again with `diagnosis index`"
        raise BundleError(msg) from error
    return decoder.eval()


@torch.inference_mode()
def caption_cases(bundle: Bundle, decoder: CaptionDecoder, batch: ModelInput) -> list[str]:
    """Captions of CTs; what the ensemble's members read is averaged. Empty where a case has no CT."""
    read = [m.volume_encoder(batch.volume, batch.diameter_mm) for m in bundle.network.classifiers()]
    readouts = torch.stack([r.readouts for r in read]).mean(dim=0)
    log_diameter = torch.stack([r.log_diameter for r in read]).mean(dim=0)
    captions = decoder.write(readouts, standard_size(batch.diameter_mm, log_diameter))
    return [text if bool(has_ct) else "" for text, has_ct in zip(captions, batch.is_present[:, 0], strict=True)]
