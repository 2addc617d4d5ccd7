"""Whether the packages of this room are installed: they are an extra, for many users have no archive."""

import importlib.util

from diagnosis.errors import MissingDependencyError

_PACKAGES = {
    "pynetdicom": "pynetdicom",
    "dicomweb_client": "dicomweb-client",
    "requests": "requests",
    "tenacity": "tenacity",
}


def require_packages() -> None:
    """Check that they are.

    Raises:
        MissingDependencyError: one is not.
    """
    missing = [name for module, name in _PACKAGES.items() if importlib.util.find_spec(module) is None]
    if missing:
        msg = f'pacs: {", ".join(missing)} is not installed; run pip install ".[pacs]"'
        raise MissingDependencyError(msg)
