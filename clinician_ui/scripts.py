"""Scripts for the browser: our own, and NiiVue as an installed package brings it. Nothing comes from the internet."""

import hashlib
import importlib.util
from functools import cache
from pathlib import Path

from diagnosis.errors import MissingDependencyError

STATIC = Path(__file__).parent / "static"
NIIVUE_PACKAGE = "niivue_component"
NIIVUE_FILE = "frontend/build/assets/index.js"
NIIVUE_SHA256 = "81b491131ef598200aaa9740d7c6d8bea0e68c3078c39c2b72495a7421b315d7"
"""NiiVue 0.68.1 (BSD-2-Clause) within niivue-streamlit 0.3.0 (MIT)."""
_STARTS_ITS_OWN_PAGE = 'const Kb=document.getElementById("root");Kb&&Y(K(Gb,{}),Kb);'
_EXPORTS_THE_CLASS = "export{pv as Niivue};"


@cache
def own_scripts() -> dict[str, bytes]:
    """Our own scripts by file name."""
    return {path.name: path.read_bytes() for path in sorted(STATIC.glob("*.js"))}


@cache
def version() -> str:
    """Changes with any of our scripts: part of their addresses, so that a browser never mixes two versions."""
    digest = hashlib.sha256()
    for name, text in own_scripts().items():
        digest.update(name.encode() + text)
    return digest.hexdigest()[:12]


@cache
def niivue_script() -> bytes:
    """NiiVue as a module that exports its class `Niivue`.

    The package holds a whole page around NiiVue. Its last statement, which would draw that page into ours, is replaced
    by an export. The file is known by its SHA-256: another version is refused rather than patched by luck.

    Raises:
        MissingDependencyError: the package is not installed, or is another version.
    """
    found = importlib.util.find_spec(NIIVUE_PACKAGE)
    if found is None or found.origin is None:
        msg = "NiiVue: the package niivue-streamlit is not installed; run pip install niivue-streamlit==0.3.0"
        raise MissingDependencyError(msg)
    text = (Path(found.origin).parent / NIIVUE_FILE).read_bytes()
    if hashlib.sha256(text).hexdigest() != NIIVUE_SHA256:
        msg = "NiiVue: the installed file is not the one of niivue-streamlit 0.3.0; install that version"
        raise MissingDependencyError(msg)
    return text.replace(_STARTS_ITS_OWN_PAGE.encode(), _EXPORTS_THE_CLASS.encode())
