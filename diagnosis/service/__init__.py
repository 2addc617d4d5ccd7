"""The engine behind HTTP: submit a study, ask for its state, fetch assessment, explanation and exports, delete.

================  ===================================================================================================
`configuration`   `ServiceConfiguration`: refuses what would be unsafe (an open address without token or certificates)
`jobs`            `JobFolder`: everything of a study under one folder, so that a restart goes on where it was
`uploads`         a body streamed to disk within its limit, and unpacked under names of our own
`worker`          one thread that works through the queue with one engine
`problems`        errors as `application/problem+json` with the one sentence that the command line would print
`metrics`         counts for Prometheus; no label holds an identifier
`head_requests`   HEAD for every route that answers GET
`schemas`         what is accepted and answered; unknown fields are refused
`app`             `create_app`: the routes; OpenAPI at `/openapi.json`
================  ===================================================================================================

Who may call: with a token every route but `/health` and `/ready` wants `Authorization: Bearer ...`, compared in
constant time; with a client CA the TLS layer refuses strangers before any route is reached; with neither the service
binds to this machine alone, and refuses what pages of other sites send through a browser here (by Origin and Host). A
study by reference has to lie below the folder that was allowed at the start, links resolved. Identifiers of jobs are
random. Nothing of a patient is logged, measured or answered but by the routes that exist for it; a study and all that
came of it is gone after DELETE. One service at a time works in a folder.

A CT without a marked region is searched, as by `diagnosis assess`. A study that ended the service three times is given
up.

Results wait on disk (owner only, mode 700) until they are deleted: let the folder lie on an encrypted volume.
"""
