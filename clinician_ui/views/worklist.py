"""The worklist: every case with what is there and what was found, most pressing first, a page at a time."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clinician_ui.access import current_visitor, may
from clinician_ui.archive import collection_of, open_archive
from clinician_ui.components.modality_bar import MODALITY_TITLES
from clinician_ui.components.worklist_rows import render_rows
from clinician_ui.permissions import Permission
from clinician_ui.rounds import Round, begin_round, forget_round, latest_round
from clinician_ui.services import FolderWatch, warm_up, watch_of
from clinician_ui.state import Workplace
from diagnosis import settings
from diagnosis.errors import DiagnosisError
from diagnosis.store.worklist import Order, Shown, WorklistPage, WorklistQuery, read_worklist, steps_from
from diagnosis.vocabulary import MODALITIES, counted

PAGE_LENGTH = 20
QUERY = "worklist-query"
FOLLOWED = "round-followed"
REDRAW_AFTER_S = 4.0
"""How often the rows are drawn anew while cases are assessed in the background."""
PRIORITY_WORDS = (
    "Priority: flagged cases that wait for a reader, the most probable first; then cases that were not assessed, that "
    "are not flagged, and that have a problem; last what a reader has closed."
)
_ORDER_WORDS = {
    Order.PRIORITY: "Priority",
    Order.CASE: "Case",
    Order.AGE: "Age",
    Order.SEX: "Sex",
    Order.DATE: "Date",
    Order.PARTS: "Parts",
    Order.PROBABILITY: "Probability",
    Order.REVIEW: "Review",
}
_SHOWN_WORDS = {
    Shown.ALL: "All",
    Shown.FLAGGED: "Flagged",
    Shown.NOT_FLAGGED: "Not flagged",
    Shown.TO_REVIEW: "To review",
    Shown.REVIEWED: "Reviewed",
    Shown.WAITING: "Not assessed",
    Shown.UNMARKED: "To mark",
    Shown.PROBLEMS: "Problems",
}
_PART_WORDS = {"": "Any"} | {modality.value: MODALITY_TITLES[modality] for modality in MODALITIES}


def render_worklist(place: Workplace, open_case: Callable[[str], None]) -> None:
    """Draw the page.

    Args:
        place: where cases and bundle lie.
        open_case: leads to the page of the case with a token.
    """
    st.session_state.pop("viewed", None)
    try:
        watch = watch_of(place.cases_dir, settings.store_url())
        watch.look(current_visitor().actor)
        query = current_query(collection_of(place.cases_dir))
        page = read_worklist(open_archive(), query)
    except DiagnosisError as error:
        st.error(str(error))
        return
    if watch.problem is not None:
        st.error(watch.problem)
        return
    _render_head(place, query, page, watch, open_case)
    for ask in (_render_controls, _render_paging):
        asked = ask(query, page)
        if asked != query:
            query, page = asked, read_worklist(open_archive(), asked)
    _remember(query)
    if page.lines:
        render_rows(page.lines, open_case)
        st.caption("Date: of the study; with a star, the day on which the case was first seen here.")
    elif watch.is_running:
        st.info("The folder is being read.")
    else:
        st.info(
            "No case fits. Change the search or the filter."
            if page.counts[Shown.ALL]
            else "The folder holds no case folders."
        )
    if may(Permission.ASSESS):
        warm_up(place.bundle_dir)  # the list is there: whoever reads it opens a case next


def current_query(collection: str) -> WorklistQuery:
    """What was last asked of the worklist: in this session, else by the page's address."""
    kept = st.session_state.get(QUERY)
    if isinstance(kept, WorklistQuery) and kept.collection == collection:
        return kept
    return query_of_address(collection, st.query_params.to_dict())


def query_of_address(collection: str, parameters: Mapping[str, str]) -> WorklistQuery:
    """The question that an address holds; what it does not say or says wrongly is as by default."""
    query = WorklistQuery(collection, page_length=PAGE_LENGTH)
    if parameters.get("show") in set(Shown):
        query = replace(query, shown=Shown(parameters["show"]))
    if parameters.get("order") in set(Order):
        query = replace(query, order=Order(parameters["order"]))
    if parameters.get("part") in _PART_WORDS:
        query = replace(query, part=parameters["part"])
    number = parameters.get("page", "")
    page = max(int(number) - 1, 0) if number.isdecimal() and len(number) < 6 else 0
    return replace(query, is_descending=parameters.get("down") == "1", page=page)


def _remember(query: WorklistQuery) -> None:
    """Keep the question for this session, and in the address for a refresh.

    The search is not kept in the address: somebody may type a patient's name into it.
    """
    st.session_state[QUERY] = query
    asked = {
        "show": query.shown.value if query.shown is not Shown.ALL else "",
        "order": query.order.value if query.order is not Order.PRIORITY else "",
        "down": "1" if query.is_descending else "",
        "part": query.part,
        "page": str(query.page + 1) if query.page else "",
    }
    wanted = {key: value for key, value in asked.items() if value}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def _render_head(
    place: Workplace, query: WorklistQuery, page: WorklistPage, watch: FolderWatch, open_case: Callable[[str], None]
) -> None:
    line = st.container(horizontal=True, vertical_alignment="bottom")
    counts = page.counts
    with line.container():
        st.title("Worklist", anchor=False)
        words = (
            f"{counted(counts[Shown.ALL], 'case')}, {counts[Shown.WAITING]:,} not assessed, "
            f"{counts[Shown.UNMARKED]:,} to mark, {counts[Shown.FLAGGED]:,} flagged"
        )
        st.caption(f"{words}, {counts[Shown.TO_REVIEW]:,} to review.")
    if watch.is_running:
        with line.container(width="content"):
            _await(watch)
    _render_unread(query, line, open_case)
    # Always there, so that what lies below stays in its place while the cases are assessed.
    progress = st.container(key="assessing")
    if not may(Permission.ASSESS):
        return
    known = latest_round(place.cases_dir)
    is_running = known is not None and known.is_running
    label = "Assess all" if counts[Shown.WAITING] != 1 else "Assess the last"
    is_asked = line.button(
        label,
        type="primary",
        disabled=is_running or not counts[Shown.WAITING],
        shortcut="A",
        help="In the background: the page stays usable",
    )
    if is_asked:
        begin_round(place.cases_dir, place.bundle_dir)
        st.rerun()
    with progress:
        if known is not None and is_running:
            _follow(known)
        elif known is not None and known.problem is not None:
            st.error(known.problem)
            forget_round(place.cases_dir)


def _render_unread(query: WorklistQuery, line: DeltaGenerator, open_case: Callable[[str], None]) -> None:
    """Lead to the first case of the list that no reader has read; looked for when it is asked for."""
    if not line.button("Next unread", shortcut="U", help="The first that no reader has read"):
        return
    found = steps_from(open_archive(), query, None).unread_after
    if found is not None:
        open_case(found)
    st.toast("No case of this list waits for its first reading.", icon=":material/check:")


@st.fragment(run_every="1s")
def _await(watch: FolderWatch) -> None:
    """Says that the folder is being read, and draws the page anew when that is done."""
    if watch.is_running:
        st.caption("Looking for new and changed cases …")
    else:
        st.rerun()


@st.fragment(run_every="1s")
def _follow(running: Round) -> None:
    """Says how far a round is; the rows are drawn anew from time to time, and when it has ended."""
    seen = st.session_state.setdefault(FOLLOWED, (running.done, time.monotonic()))
    is_news = running.done != seen[0] and time.monotonic() - seen[1] > REDRAW_AFTER_S
    if is_news or not running.is_running:
        st.session_state[FOLLOWED] = running.done, time.monotonic()
        st.rerun()
    words, stop = st.columns([5, 1], vertical_alignment="bottom")
    words.progress(running.done / max(running.total, 1), running.words)
    if stop.button(
        "Stop",
        key="stop-assessing",
        width="stretch",
        disabled=running.is_stopping,
        help="What was assessed so far is kept",
    ):
        running.stop()
        st.rerun(scope="fragment")


def _render_controls(query: WorklistQuery, page: WorklistPage) -> WorklistQuery:
    """Search, filter, order; the question that they ask, from its first page where it is another one."""
    search, part, order, direction = st.columns([3, 1, 1, 1], vertical_alignment="bottom")
    text = search.text_input("Search case", query.search, placeholder="part of a case name", key="worklist-search")
    parts, orders, kinds = list(_PART_WORDS), list(Order), list(_SHOWN_WORDS)
    chosen_part = part.selectbox(
        "With", parts, parts.index(query.part), format_func=_PART_WORDS.__getitem__, key="worklist-part"
    )
    by = order.selectbox(
        "Order by",
        orders,
        orders.index(query.order),
        format_func=_ORDER_WORDS.__getitem__,
        key="worklist-order",
        help=PRIORITY_WORDS,
    )
    descending = direction.toggle(
        "Largest first", query.is_descending, key="worklist-down", disabled=by is Order.PRIORITY
    )
    kind = st.segmented_control(
        "Show",
        kinds,
        default=query.shown,
        format_func=lambda shown: f"{_SHOWN_WORDS[shown]} {page.counts[shown]:,}",
        key="worklist-shown",
        required=True,
        label_visibility="collapsed",
    )
    asked = replace(query, search=text, shown=kind, part=chosen_part, order=by, is_descending=descending)
    return asked if asked == query else replace(asked, page=0)


def _render_paging(query: WorklistQuery, page: WorklistPage) -> WorklistQuery:
    """Which page; nothing is drawn where there is one only."""
    pages = -(-page.n_fitting // PAGE_LENGTH)
    if pages <= 1:
        return replace(query, page=0)
    words, back, number, on = st.columns([6, 1, 1.2, 1], vertical_alignment="center")
    at = page.page
    if back.button("Back", key="page-back", disabled=at == 0, width="stretch", shortcut="P"):
        at -= 1
    if on.button("On", key="page-on", disabled=at >= pages - 1, width="stretch", shortcut="N"):
        at += 1
    first = at * PAGE_LENGTH + 1
    words.caption(f"{first:,} to {min(first + PAGE_LENGTH - 1, page.n_fitting):,} of {page.n_fitting:,}")
    number.caption(f"Page {at + 1:,} of {pages:,}")
    return replace(query, page=at)
