"""Importing heavy packages without the garbage collector.

Torch, MONAI and transformers make a million objects while they are imported, and nearly all of them stay. The collector
looks through them again and again: 0.9 s of the 4.4 s that importing the engine took, 0.3 s soon after, and 1.4 s when
the interpreter ends.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_imports() -> Iterator[None]:
    """Nothing is collected inside the `with`, in any thread; for imports and loading alone."""
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_collecting:
            gc.enable()


@contextmanager
def kept_for_good() -> Iterator[None]:
    """The same for a program of ours: the collector never looks at what was there in the end.

    Not for libraries, in whose process others have objects too.
    """
    with kept_imports():
        yield
        gc.freeze()
