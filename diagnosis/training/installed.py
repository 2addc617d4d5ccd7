"""Whether the trainer is installed: it is an extra, for a hospital that only assesses trains nothing."""

import importlib.util

from diagnosis.errors import MissingDependencyError

_PACKAGES = ("lightning", "tensorboard")


def require_trainer() -> None:
    """Check that it is.

    Raises:
        MissingDependencyError: it is not.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        msg = f'training: {", ".join(missing)} is not installed; run pip install ".[train]"'
        raise MissingDependencyError(msg)
