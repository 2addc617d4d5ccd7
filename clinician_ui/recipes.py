"""What a kept result depends on besides its inputs: the program that computed it.

Told apart by the text of its modules, so that nobody has to remember to raise a number when they change.
"""

import hashlib
import importlib.util
from functools import cache
from pathlib import Path

SPEECH_MODULES = (
    "diagnosis.ingest.audio",
    "diagnosis.ingest.misheard_terms",
    "diagnosis.ingest.speech_models",
    "diagnosis.ingest.spoken_punctuation",
    "diagnosis.ingest.transcription",
)
PROPOSAL_MODULES = (
    "diagnosis.candidates",
    "diagnosis.networks",
    "diagnosis.preprocessing",
    "diagnosis.spoken_numbers",
)
EXPLANATION_MODULES = (
    "diagnosis.explanation",
    "diagnosis.networks",
    "diagnosis.preprocessing",
    "diagnosis.reading.sentences",
    "diagnosis.spoken_numbers",
)


@cache
def source_sha256(*modules: str) -> str:
    """SHA-256 over the source text of modules and of all within packages, without importing them."""
    digest = hashlib.sha256()
    for module in modules:
        found = importlib.util.find_spec(module)
        if found is None or found.origin is None:
            continue
        path = Path(found.origin)
        files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
        for file in files:
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()
