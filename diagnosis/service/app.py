"""The routes."""

import hmac
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from diagnosis.errors import DiagnosisError, OutputError, system_reason
from diagnosis.service import jobs as names
from diagnosis.service import problems
from diagnosis.service.configuration import ServiceConfiguration
from diagnosis.service.head_requests import HeadAsGet
from diagnosis.service.jobs import NO_ROOM, JobFolder
from diagnosis.service.metrics import CONTENT_TYPE, Metrics
from diagnosis.service.problems import MEDIA_TYPE, RefusedError
from diagnosis.service.schemas import Exported, Job, JobStatus, Problem, Reference, Wishes
from diagnosis.service.uploads import resolve_reference, unpack_case, write_stream
from diagnosis.service.worker import Worker
from diagnosis.settings import is_loopback
from diagnosis.version import __version__
from diagnosis.vocabulary import NOT_A_MEDICAL_DEVICE, ExportFormat

if TYPE_CHECKING:
    from diagnosis.engine import DiagnosisEngine

MAX_JSON_BYTES = 64 * 2**10
UPLOAD = "/v1/studies/upload"
_bearer = HTTPBearer(auto_error=False)
_PROBLEM: dict[str, Any] = {"model": Problem, "content": {MEDIA_TYPE: {}}}
_REFUSED: dict[int | str, dict[str, Any]] = {
    status: _PROBLEM | {"description": HTTPStatus(status).phrase}
    for status in (400, 401, 403, 404, 409, 413, 415, 422, 503, 507)
}


def create_app(configuration: ServiceConfiguration, load_engine: "Callable[[], DiagnosisEngine]") -> FastAPI:
    """The service; its worker starts and stops with it."""
    folder, metrics = JobFolder(configuration.work_dir), Metrics()
    folder.claim()
    worker = Worker(folder, load_engine, configuration.studies_root, configuration.max_waiting, metrics)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        worker.start()
        yield
        await run_in_threadpool(worker.stop)
        folder.release()

    app = FastAPI(title="diagnosis", version=__version__, description=NOT_A_MEDICAL_DEVICE, lifespan=lifespan,
                  docs_url=None, redoc_url=None)  # fmt: skip
    app.add_exception_handler(DiagnosisError, problems.on_diagnosis_error)
    app.add_exception_handler(RequestValidationError, problems.on_invalid_request)
    app.add_exception_handler(HTTPException, problems.on_http_error)
    app.include_router(_state_routes(worker, metrics, configuration))
    app.include_router(_study_routes(folder, worker, configuration))

    app.add_middleware(HeadAsGet)

    @app.middleware("http")
    async def _watch(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        refusal = _refusal(request, configuration)
        answer: Response = await call_next(request) if refusal is None else refusal
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        metrics.request(request.method, answer.status_code)
        return answer

    return app


def _refusal(request: Request, configuration: ServiceConfiguration) -> Response | None:
    """Why a request is not looked at, or None."""
    if not _is_trusted(request, configuration):
        detail = (
            "request: without a token only programs of this machine are served, by 127.0.0.1 or localhost; start the "
            "service with a token"
        )
        return problems.problem(HTTPStatus.FORBIDDEN, detail)
    is_small = request.url.path != UPLOAD
    limit = MAX_JSON_BYTES if is_small else configuration.max_upload_bytes
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > limit:
        size = f"{limit / 2**20:.0f} MiB" if limit >= 2**20 else f"{limit / 2**10:.0f} KiB"
        return problems.problem(413, f"request: the body is larger than the {size} that are taken; send less")
    if is_small and "transfer-encoding" in request.headers:
        return problems.problem(400, "request: the length of the body has to be stated here; send Content-Length")
    return None


def _is_trusted(request: Request, configuration: ServiceConfiguration) -> bool:
    """Without token and client certificates a page in the user's browser must not speak to the service in his name.

    A page of another site names its origin; one that points its own name at this machine (DNS rebinding) names itself
    as the host.
    """
    if configuration.token is not None or configuration.client_ca is not None:
        return True
    origin = request.headers.get("origin")
    try:
        names = [request.url.hostname, *([] if origin is None else [urlsplit(origin).hostname])]
    except ValueError:  # brackets that hold no address
        return False
    return all(name is not None and is_loopback(name) for name in names)


def _authorize(configuration: ServiceConfiguration) -> Callable[..., None]:
    """A dependency that lets a request pass with the right token, or where none is set."""

    def check(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        if configuration.token is None:
            return
        given = credentials.credentials if credentials is not None else ""
        if not hmac.compare_digest(given.encode(), configuration.token.encode()):
            detail = "request: the token is missing or wrong; send Authorization: Bearer ..."
            raise RefusedError(HTTPStatus.UNAUTHORIZED, detail)

    return check


def _require_json(request: Request) -> None:
    if not _media_type(request).endswith("json"):
        detail = "request: the body has to be JSON; send Content-Type: application/json"
        raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)


def _require_bare_body(request: Request) -> None:
    """Refuse forms, in which several files may lie, and JSON; other types are as good as none for a zip archive."""
    media_type = _media_type(request)
    if media_type.startswith("multipart/") or media_type.endswith("json"):
        detail = "upload: the body has to be the zip archive itself; send Content-Type: application/zip, and no form"
        raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def _state_routes(worker: Worker, metrics: Metrics, configuration: ServiceConfiguration) -> APIRouter:
    router = APIRouter()

    @router.get("/health")
    def health() -> dict[str, str]:
        """Whether the service answers at all."""
        return {"status": "ok", "version": __version__}

    @router.get("/ready", responses={503: _REFUSED[503]})
    def ready() -> JSONResponse:
        """Whether the model is loaded."""
        if worker.is_ready:
            return JSONResponse({"status": "ready"})
        return problems.problem(
            503, "service: the model is not loaded" if worker.failure else "service: it is starting"
        )

    protected = [Depends(_authorize(configuration))]

    @router.get("/metrics", dependencies=protected, responses={401: _REFUSED[401]}, response_class=Response)
    def prometheus() -> Response:
        """Counts in Prometheus' text format."""
        return Response(metrics.exposition(worker.n_waiting), media_type=CONTENT_TYPE)

    return router


def _study_routes(folder: JobFolder, worker: Worker, configuration: ServiceConfiguration) -> APIRouter:
    router = APIRouter(prefix="/v1/studies", dependencies=[Depends(_authorize(configuration))], responses=_REFUSED)
    _submission_routes(router, folder, worker, configuration)
    _result_routes(router, folder)
    return router


async def _received(request: Request, home: Path, limit: int) -> int:
    """Keep and unpack an upload, or leave nothing of it; returns how many of its files are no part of a case."""
    try:
        await write_stream(request.stream(), home / "upload.zip", limit)
        return await run_in_threadpool(unpack_case, home / "upload.zip", home / names.INPUT)
    except BaseException as error:
        shutil.rmtree(home, ignore_errors=True)
        if isinstance(error, ClientDisconnect):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "upload: it broke off; send it again") from None
        if isinstance(error, OSError):
            raise OutputError(NO_ROOM.format(why=system_reason(error))) from error
        raise


@contextmanager
def _room_for(folder: JobFolder, job: Job) -> Iterator[None]:
    """Leave nothing of a study that cannot be written down: nobody would know its identifier."""
    try:
        yield
    except OSError as error:
        folder.delete(job.id)
        raise OutputError(NO_ROOM.format(why=system_reason(error))) from error


def _submission_routes(
    router: APIRouter, folder: JobFolder, worker: Worker, configuration: ServiceConfiguration
) -> None:
    def queued(job: Job) -> Job:
        with _room_for(folder, job):
            folder.save(job)
        if not worker.submit(job.id):
            folder.delete(job.id)
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "service: too many studies wait; try again later")
        return job

    @router.post("", status_code=202, dependencies=[Depends(_require_json)])
    def submit(reference: Reference) -> Job:
        """Submit a case folder that lies below the folder of studies."""
        resolve_reference(configuration.studies_root, reference.path)
        job = folder.create(reference)
        with _room_for(folder, job):
            (folder.folder(job.id) / names.REFERENCE).write_text(reference.path, encoding="utf-8")
        return queued(job)

    body = {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}, "required": True}

    @router.post(
        "/upload", status_code=202, openapi_extra={"requestBody": body}, dependencies=[Depends(_require_bare_body)]
    )
    async def upload(
        request: Request,
        explain: bool = False,
        formats: Annotated[list[ExportFormat], Query(max_length=6)] = [],  # noqa: B006 - FastAPI copies it
    ) -> Job:
        """Submit a zip archive of a case folder, or of DICOM."""
        job = folder.create(Wishes(explain=explain, formats=tuple(formats)))
        n_unused = await _received(request, folder.folder(job.id), configuration.max_upload_bytes)
        return queued(job.model_copy(update={"n_unused": n_unused}))

    @router.get("")
    def listed() -> list[Job]:
        """All studies, oldest first."""
        return folder.all()

    @router.get("/{study_id}")
    def status(study_id: str) -> Job:
        """Where a study stands."""
        return _known(folder, study_id)

    @router.delete("/{study_id}", status_code=204)
    def delete(study_id: str) -> Response:
        """Remove a study and all that came of it."""
        _known(folder, study_id)
        folder.delete(study_id)
        return Response(status_code=204)


def _result_routes(router: APIRouter, folder: JobFolder) -> None:
    @router.get("/{study_id}/assessment", response_class=FileResponse)
    def assessment(study_id: str) -> FileResponse:
        """The assessment, as `diagnosis assess --json` prints it; of a CT without region, with its candidates."""
        return _file(folder, study_id, names.ASSESSMENT)

    @router.get("/{study_id}/explanation", response_class=FileResponse)
    def explanation(study_id: str) -> FileResponse:
        """The explanation, where it was asked for."""
        return _file(folder, study_id, names.EXPLANATION)

    @router.get("/{study_id}/exports")
    def exports(study_id: str) -> Exported:
        """Which files were written, and what was refused."""
        import json

        home = _done(folder, study_id) / names.EXPORTS
        if not (home / "export.json").is_file():
            raise RefusedError(HTTPStatus.NOT_FOUND, "study: no exports were asked for; submit it with formats")
        record = json.loads((home / "export.json").read_bytes())
        return Exported(files=sorted(record["files"]), refused=record["refused"])

    @router.get("/{study_id}/exports/{name}", response_class=FileResponse)
    def export(study_id: str, name: str) -> FileResponse:
        """One exported file."""
        home = _done(folder, study_id) / names.EXPORTS
        found = {path.name: path for path in home.iterdir()} if home.is_dir() else {}
        if name not in found:
            raise RefusedError(HTTPStatus.NOT_FOUND, "study: there is no such export; ask for the list")
        return FileResponse(found[name])


def _known(folder: JobFolder, study_id: str) -> Job:
    job = folder.get(study_id)
    if job is None:
        raise RefusedError(HTTPStatus.NOT_FOUND, "study: there is none with this identifier")
    return job


def _done(folder: JobFolder, study_id: str) -> Path:
    job = _known(folder, study_id)
    if job.status is not JobStatus.DONE:
        raise RefusedError(
            HTTPStatus.CONFLICT, f"study: it is {job.status.value} and has no results; ask for its state"
        )
    return folder.folder(study_id)


def _file(folder: JobFolder, study_id: str, name: str) -> FileResponse:
    path = _done(folder, study_id) / name
    if not path.is_file():
        raise RefusedError(HTTPStatus.NOT_FOUND, "study: this was not asked for; submit it with explain")
    return FileResponse(path, media_type="application/json")
