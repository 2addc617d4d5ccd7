"""Navigation of the dashboard. Run by `diagnosis ui`, or `streamlit run server.py -- CASES_DIR BUNDLE_DIR`."""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from clinician_ui.access import admit, render_who
from clinician_ui.components.banner import apply_style, page_icon, render_banner
from clinician_ui.components.keys import render_keys
from clinician_ui.permissions import Permission, Visitor
from clinician_ui.state import CASE_PARAMETER, Workplace, open_token, workplace
from clinician_ui.views.case import render_case_page
from clinician_ui.views.importing import render_import_page
from clinician_ui.views.model import render_model_page
from clinician_ui.views.trail import render_trail
from clinician_ui.views.worklist import render_worklist
from diagnosis.errors import DiagnosisError


def main() -> None:
    """Draw the page that the address asks for, to whom it may be shown."""
    st.set_page_config(page_title="Diagnosis", page_icon=page_icon(), layout="wide")
    apply_style()
    try:
        visitor = admit()
    except DiagnosisError as error:
        st.error(str(error))
        visitor = None
    pages = _pages(workplace(), visitor)
    # Whoever is not let in keeps the address that they came by: after the login it leads where it should.
    page = st.navigation(pages, position="top" if visitor is not None else "hidden")
    if visitor is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        render_banner()
        render_keys()
    render_who(visitor)
    try:
        page.run()
    except DiagnosisError as error:  # wherever on a page the database is lost, or a session ends
        st.error(str(error))


def _pages(place: Workplace, visitor: Visitor | None) -> list[StreamlitPage]:
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
    model_page = st.Page(
        lambda: render_model_page(place), title="Model", icon=":material/monitoring:", url_path="model"
    )
    pages = [worklist_page, case_page]
    if visitor is not None and visitor.may(Permission.IMPORT):
        pages.append(
            st.Page(
                lambda: render_import_page(place, open_case),
                title="Import",
                icon=":material/upload:",
                url_path="import",
            )
        )
    pages.append(model_page)
    if visitor is not None and visitor.may(Permission.SEE_TRAIL):
        pages.append(st.Page(render_trail, title="Trail", icon=":material/history:", url_path="trail"))
    return pages


main()
