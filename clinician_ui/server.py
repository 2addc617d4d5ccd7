"""The dashboard as it is served: Streamlit's pages from `app`, and routes for what is too large for a page.

Started by `diagnosis ui`, or `streamlit run server.py -- CASES_DIR BUNDLE_DIR`.
"""

from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from clinician_ui import scripts
from clinician_ui.ahead import prepared_ahead
from clinician_ui.delivery import COUNTER, ROUTE
from clinician_ui.uploads import DESK
from clinician_ui.views import case, importing, model, trail, worklist  # noqa: F401 - before the first visitor waits
from diagnosis.errors import InputError, MissingDependencyError

_PLAIN = {"content-encoding": "identity", "x-content-type-options": "nosniff"}
"""Compressing 100 MB for the loopback address would cost seconds of processor time."""
_FOREVER = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}
_PRIVATE = {"cache-control": "no-store", **_PLAIN}
SCRIPT = "text/javascript; charset=utf-8"


def give_script(request: Request) -> Response:
    """One of our own scripts. The version in the address is for the browser's cache."""
    text = scripts.own_scripts().get(request.path_params["name"])
    return _not_found() if text is None else Response(text, media_type=SCRIPT, headers=_FOREVER)


def give_niivue(_request: Request) -> Response:
    """NiiVue."""
    try:
        return Response(scripts.niivue_script(), media_type=SCRIPT, headers=_FOREVER)
    except MissingDependencyError as error:
        return PlainTextResponse(str(error), status_code=503)


def give_offer(request: Request) -> Response:
    """What a page has laid out under a token."""
    offer = COUNTER.find(request.path_params["token"])
    if offer is None:
        return _not_found()
    headers = {"content-length": str(offer.size), **_PRIVATE}
    return StreamingResponse(offer.chunks(), media_type=offer.media_type, headers=headers)


async def take_piece(request: Request) -> Response:
    """A piece of a file for a slot that a page has opened."""
    offset = request.query_params.get("offset", "")
    if not offset.isdecimal():
        return PlainTextResponse("the piece does not say where it belongs", status_code=400)
    try:
        size = await DESK.append(request.path_params["token"], int(offset), request.stream())
    except InputError as error:
        return PlainTextResponse(str(error), status_code=409)
    return JSONResponse({"size": size})


def _not_found() -> Response:
    return PlainTextResponse("not found, or no longer", status_code=404)


app = st.App(
    Path(__file__).parent / "app.py",
    lifespan=prepared_ahead,
    routes=[
        Route(f"/{ROUTE}/script/{{version}}/{{name}}", give_script),
        Route(f"/{ROUTE}/niivue/{{version}}.js", give_niivue),
        Route(f"/{ROUTE}/offer/{{token}}", give_offer),
        Route(f"/{ROUTE}/upload/{{token}}", take_piece, methods=["PUT"]),
    ],
)
