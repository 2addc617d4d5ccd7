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
from clinician_ui.services import FolderWatch, assess_case, find_case, watch_of
from clinician_ui.state import Workplace
from diagnosis import settings
from diagnosis.errors import DiagnosisError
from diagnosis.store.worklist import Order, Shown, WorklistPage, WorklistQuery, read_worklist, waiting_tokens
from diagnosis.vocabulary import MODALITIES

PAGE_LENGTH = 20
QUERY = "worklist-query"
_TELL_REST_FROM = 5
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
    _render_head(place, page, watch)
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


def _render_head(place: Workplace, page: WorklistPage, watch: FolderWatch) -> None:
    title, news, button = st.columns([3, 1.4, 1], vertical_alignment="bottom")
    counts = page.counts
    with title:
        st.title("Worklist", anchor=False)
        words = (
            f"{counts[Shown.ALL]:,} cases, {counts[Shown.WAITING]:,} not assessed, {counts[Shown.FLAGGED]:,} flagged"
        )
        st.caption(f"{words}, {counts[Shown.TO_REVIEW]:,} to review.")
    if watch.is_running:
        with news:
            _await(watch)
    # Always there, so that what lies below stays in its place while the cases are assessed.
    progress = st.container(key="assessing")
    if not may(Permission.ASSESS):
        return
    label = "Assess all" if counts[Shown.WAITING] != 1 else "Assess the last"
    if button.button(label, type="primary", disabled=not counts[Shown.WAITING], width="stretch", shortcut="A"):
        _assess_all(place, progress)


@st.fragment(run_every="1s")
def _await(watch: FolderWatch) -> None:
    """Says that the folder is being read, and draws the page anew when that is done."""
    if watch.is_running:
        st.caption("Looking for new and changed cases …")
    else:
        st.rerun()


def _assess_all(place: Workplace, progress: DeltaGenerator) -> None:
    waiting = waiting_tokens(open_archive(), collection_of(place.cases_dir))
    words, stop = progress.columns([5, 1], vertical_alignment="bottom")
    bar = words.progress(0.0, "Loading the model")
    # Any control of the page ends this run of it; the button is there so that nobody has to know that.
    stop.button("Stop", key="stop-assessing", width="stretch", help="What was assessed so far is kept")
    begun = time.monotonic()
    for done, token in enumerate(waiting):
        bar.progress(done / len(waiting), _progress_words(done, len(waiting), time.monotonic() - begun))
        try:
            entry = find_case(place.cases_dir, token)
            if entry is not None:
                assess_case(entry, place.bundle_dir)
        except DiagnosisError as error:  # the model, not the case: the next one would fail in the same way
            bar.empty()
            progress.error(str(error))
            return
    bar.empty()
    st.rerun()


def _progress_words(done: int, total: int, elapsed_s: float) -> str:
    """Which case it is, and about how long the rest takes once that can be told."""
    words = f"Assessing case {done + 1:,} of {total:,}"
    if done < _TELL_REST_FROM:
        return words
    left_s = elapsed_s / done * (total - done)
    return f"{words}; about {f'{left_s:.0f} s' if left_s < 90 else f'{left_s / 60:.0f} min'} left"


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
