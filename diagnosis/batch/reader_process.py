"""What runs in a reading process: `python -m diagnosis.batch.reader_process FD`, the end of a pipe.

It gets `ReaderSettings` once, then a `Study` at a time, and answers with what became of it. It ends when the pipe does,
and at once when the process that began it is gone, so that a killed run leaves nobody behind.
"""

import os
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from diagnosis.batch.cache import CacheError, FullCacheError
from diagnosis.batch.reader_messages import Halted, Prepared, Ready, Refused
from diagnosis.errors import DiagnosisError, unforeseen_reason

if TYPE_CHECKING:
    from diagnosis.batch.reading import ReaderSettings, StudyReader
    from diagnosis.batch.studies import Study

PARENT_CHECK_S = 0.5


def serve(connection: Connection) -> None:
    """Answer studies until the pipe ends."""
    from diagnosis.batch.reading import StudyReader

    try:
        settings: ReaderSettings = connection.recv()
        reader = StudyReader(settings)
        connection.send(Ready())
        while True:
            study: Study = connection.recv()
            connection.send(_answer(reader, study, connection))
    except EOFError:
        return


def _answer(reader: "StudyReader", study: "Study", connection: Connection) -> Prepared | Refused | Halted:
    try:
        prepared, seconds = reader.read(study)
    except CacheError as error:
        return Halted(str(error), isinstance(error, FullCacheError))
    except DiagnosisError as error:
        return Refused(study.case_id, str(error))
    except MemoryError:
        return Refused(study.case_id, "the study needs more memory than there is; read it on a larger machine")
    except Exception as error:
        # An error that nobody foresaw may have left anything behind: the process says what it was and goes.
        connection.send(Refused(study.case_id, unforeseen_reason(error), is_designed=False))
        raise
    return Prepared(study.case_id, prepared.to_bytes(), seconds)


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(1)


def main() -> None:
    """Entry point of the process."""
    sys.excepthook = lambda *_: None  # what happened has been sent; a traceback may hold the patient's data
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    import torch

    torch.set_num_threads(1)
    serve(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()
