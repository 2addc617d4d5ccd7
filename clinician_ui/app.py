"""Navigation of the dashboard. Run by `diagnosis ui`, or `streamlit run app.py -- CASES_DIR BUNDLE_DIR`."""

import streamlit as st

from clinician_ui.components.banner import apply_style, page_icon, render_banner
from clinician_ui.state import CASE_PARAMETER, open_token, workplace
from clinician_ui.views.case import render_case_page
from clinician_ui.views.worklist import render_worklist


def main() -> None:
    """Draw the page that the address asks for."""
    st.set_page_config(page_title="Diagnosis", page_icon=page_icon(), layout="wide")
    apply_style()
    place = workplace()

    def open_case(token: str) -> None:
        st.switch_page(case_page, query_params={CASE_PARAMETER: token})

    def open_worklist() -> None:
        st.switch_page(worklist_page)

    worklist_page = st.Page(
        lambda: render_worklist(place, open_case),
        title="Worklist",
        icon=":material/list_alt:",
        url_path="worklist",
        default=True,
    )
    case_page = st.Page(
        lambda: render_case_page(place, open_token(), open_case, open_worklist),
        title="Case",
        icon=":material/radiology:",
        url_path="case",
    )
    page = st.navigation([worklist_page, case_page], position="top")
    render_banner()
    page.run()


main()
