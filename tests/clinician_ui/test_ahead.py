"""What the first opening of a case needs is imported when the server starts, and a fault there is nobody's yet."""

import asyncio
import subprocess
import sys
import threading

from clinician_ui import ahead, server


def test_readers_speech_model_and_engine_are_there_before_anybody_asks():
    program = (
        "import sys\n"
        "from clinician_ui.ahead import import_ahead\n"
        "assert 'torch' not in sys.modules\n"
        "import_ahead()\n"
        "from diagnosis.ingest.transcription import _loaded\n"
        "assert _loaded.cache_info().currsize == 1\n"
        "assert {'diagnosis.engine', 'diagnosis.ingest.dicom_volume', 'onnxruntime'} <= sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)


def test_a_speech_model_that_is_missing_is_said_when_a_dictation_is_opened_and_not_before(monkeypatch):
    monkeypatch.setenv("DIAGNOSIS_WHISPER", "/nowhere")
    ahead.import_ahead()


def test_it_begins_with_the_life_of_the_server(monkeypatch):
    begun = threading.Event()
    monkeypatch.setattr(ahead, "import_ahead", begun.set)

    async def live():
        async with server.app._user_lifespan(server.app):
            assert await asyncio.to_thread(begun.wait, 10)

    asyncio.run(live())
