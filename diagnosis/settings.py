"""The only reader of the environment, and the only place that knows where things lie on this machine.

=============================  ==========================================================================
variable                       meaning
=============================  ==========================================================================
`DIAGNOSIS_BUNDLE`             bundle folder used where none is named (default: `models/lung_nodule`)
`DIAGNOSIS_CACHE`              user cache, for joined weights (default: `~/.cache/diagnosis`)
`DIAGNOSIS_WHISPER`            folder of a CTranslate2 Whisper model used for dictation
`DIAGNOSIS_THREADS`            threads for the networks (default: all processors this process may use)
=============================  ==========================================================================
"""

import os
import sys
from pathlib import Path

DEFAULT_BUNDLE_NAME = "lung_nodule"


def _installed_or_checkout(folder: str) -> Path:
    """Folder of the checkout where one is run from, else the copy that was installed with the package."""
    candidates = (
        Path.cwd() / folder,
        Path(__file__).resolve().parent.parent / folder,
        Path(sys.prefix) / "share" / "diagnosis" / folder,
    )
    return next((c for c in candidates if c.is_dir()), candidates[0])


def bundle_dir() -> Path:
    """Bundle folder used where none is named."""
    named = os.environ.get("DIAGNOSIS_BUNDLE")
    return Path(named) if named else _installed_or_checkout("models") / DEFAULT_BUNDLE_NAME


def data_samples_dir() -> Path:
    """Folder of the synthetic sample cases."""
    return _installed_or_checkout("data_samples")


def cache_dir() -> Path:
    """User cache; holds weights only, never anything of a patient."""
    return Path(os.environ.get("DIAGNOSIS_CACHE") or Path.home() / ".cache" / "diagnosis")


def whisper_dir() -> Path | None:
    """Folder of a Whisper model named by the user, if any."""
    named = os.environ.get("DIAGNOSIS_WHISPER")
    return Path(named) if named else None


def thread_count() -> int:
    """Threads for the networks: what was asked for, else the processors this process may run on."""
    asked = os.environ.get("DIAGNOSIS_THREADS", "")
    return int(asked) if asked.isdigit() and int(asked) > 0 else len(os.sched_getaffinity(0))
