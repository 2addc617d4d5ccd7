"""Errors as `application/problem+json` (RFC 9457)."""

from http import HTTPStatus

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from diagnosis.errors import DiagnosisError, InputError, LimitExceededError, OutputError
from diagnosis.service.schemas import Reference

MEDIA_TYPE = "application/problem+json"
PLACES = frozenset({"body", "query", "path", *Reference.model_fields})
"""Names that may be repeated: a caller's own field name may be anything."""
INVALID = "request: {place} is not valid{why}; see /openapi.json for what is taken"
REASONS = {
    "json_invalid": ": it is not JSON",
    "missing": ": it is missing",
    "extra_forbidden": ": it has a field that is not known",
    "too_long": ": it has too many entries",
    "bool_parsing": ": it is true or false",
}


class RefusedError(InputError):
    """A request that is refused with a status of its own."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def problem(status: int, detail: str) -> JSONResponse:
    """One problem as an answer."""
    title = HTTPStatus(status).phrase
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def on_diagnosis_error(_: Request, error: Exception) -> JSONResponse:
    """A designed error: its own sentence."""
    if isinstance(error, RefusedError):
        return problem(error.status, str(error))
    if isinstance(error, OutputError):
        return problem(HTTPStatus.INSUFFICIENT_STORAGE, str(error))
    if isinstance(error, LimitExceededError):
        return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(error, InputError) else HTTPStatus.INTERNAL_SERVER_ERROR
    return problem(status, str(error) if isinstance(error, DiagnosisError) else status.phrase)


def on_invalid_request(_: Request, error: Exception) -> JSONResponse:
    """A request that does not fit the schema: the place is named, the value is not repeated."""
    place, why = "it", ""
    if isinstance(error, RequestValidationError) and error.errors():
        first = error.errors()[0]
        parts = [str(part) for part in first["loc"]]
        place = ".".join(part for part in parts if part in PLACES) or "it"
        why = REASONS.get(first["type"], "")
        if first["type"] == "enum":  # what is expected is ours, what was given is not repeated
            why = f": it is one of {first['ctx']['expected']}"
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, INVALID.format(place=place, why=why))


def on_http_error(_: Request, error: Exception) -> JSONResponse:
    """What the framework itself refuses: an unknown path, a wrong method."""
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    answer = problem(status, f"request: {HTTPStatus(status).phrase.lower()}; see /openapi.json for what is served")
    if isinstance(error, HTTPException) and error.headers:
        answer.headers.update(error.headers)
    return answer
