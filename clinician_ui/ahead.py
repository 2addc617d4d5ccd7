"""What the first opening of a case needs, imported as soon as the server runs and while nobody waits for it."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from diagnosis.errors import DiagnosisError
from diagnosis.kept_imports import kept_for_good, kept_imports


@asynccontextmanager
async def prepared_ahead(_app: Any) -> AsyncIterator[None]:  # noqa: ANN401 - Streamlit's own signature
    """The server's life: it begins with imports in the background, which pages that are asked for meanwhile share."""
    threading.Thread(target=import_ahead, name="import ahead", daemon=True).start()
    yield


def import_ahead() -> None:
    """Import the readers of files, load the speech model, and import what the model is made with, in this order.

    A case that is opened meanwhile asks for the readers first, and finds them there. What cannot be used, is not
    installed or does not fit is said when a case asks for it.
    """
    with suppress(DiagnosisError, ImportError), kept_imports():
        import diagnosis.ingest.dicom_volume
        import diagnosis.ingest.notes  # noqa: F401
        from diagnosis.ingest.transcription import load_recognizer

        load_recognizer()
    with suppress(DiagnosisError, ImportError), kept_for_good():
        from diagnosis import DiagnosisEngine  # noqa: F401
