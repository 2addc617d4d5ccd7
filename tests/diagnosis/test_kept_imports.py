"""The collector rests while packages are imported, works afterward, and leaves what a program keeps alone."""

import gc
import subprocess
import sys
from contextlib import suppress

import pytest

from diagnosis.kept_imports import kept_imports


@pytest.mark.parametrize("is_on", [True, False])
def test_the_collector_rests_and_is_then_as_it_was(is_on):
    was_on = gc.isenabled()
    try:
        (gc.enable if is_on else gc.disable)()
        with suppress(ImportError), kept_imports():
            assert not gc.isenabled()
            raise ImportError
        assert gc.isenabled() is is_on
    finally:
        (gc.enable if was_on else gc.disable)()


def test_a_program_keeps_what_it_has_loaded_and_collects_what_comes_later():
    """In a process of its own: this one's objects are not to be kept for good."""
    program = (
        "import gc, weakref\n"
        "from diagnosis.kept_imports import kept_for_good\n"
        "class Ring:\n"
        "    def __init__(self): self.itself = self\n"
        "with kept_for_good(): pass\n"
        "assert gc.isenabled() and gc.get_freeze_count() > 1000\n"
        "ring = weakref.ref(Ring())\n"
        "gc.collect()\n"
        "assert ring() is None\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
