"""What the page must remember: where things lie, and which case is open."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import final

import streamlit as st

from diagnosis import settings

CASE_PARAMETER = "case"
"""Name of the address parameter that holds the opaque token of the open case; it survives a refresh."""
_LAST = "last-case"


@final
@dataclass(frozen=True)
class Workplace:
    """Where the cases and the bundle lie.

    Attributes:
        cases_dir: folder of case folders, or one case folder.
        bundle_dir: bundle used for all of them.
    """

    cases_dir: Path
    bundle_dir: Path


def workplace() -> Workplace:
    """Folders named on the command line (`app.py CASES_DIR BUNDLE_DIR`), else the samples and the default bundle."""
    named = [Path(argument) for argument in sys.argv[1:3]]
    cases = named[0] if named else settings.data_samples_dir()
    bundle = named[1] if len(named) > 1 else settings.bundle_dir()
    return Workplace(cases, bundle)


def open_token() -> str | None:
    """Token of the open case, from the page's address; the case last open where the address names none."""
    token = st.query_params.get(CASE_PARAMETER) or st.session_state.get(_LAST)
    if token is not None and st.query_params.get(CASE_PARAMETER) != token:
        st.query_params[CASE_PARAMETER] = token
    st.session_state[_LAST] = token
    return token
