"""What was said of each case, by whom, and who looked: a database that outlives browser, server and mistakes.

=============  ==============================================================================================
`tables`       the tables, as typed classes; the only description of the schema besides the migrations
`database`     `Store.open(url)`: SQLite (WAL) by default, PostgreSQL by URL; brought up to date on opening
`actors`       `Actor`: the person who asks, and in which role
`documents`    canonical JSON, SHA-256 of rows, assessments to documents and back
`audit`        the chained trail: `record_event`, `read_events`, `verify_trail`
`verification` whether the trail, and all that it vouches for, is as it was written
`cases`        folders seen, kept in step with the disk: `sync_cases`
`assessments`  every assessment ever made: `save_assessment`, `assessments_of`
`reviews`      accept, override, defer; second readers: `save_review`, `reviews_of`
`review_state` what the reviews of a case amount to; `priority` the order of the worklist that follows
`edits`        changed notes, transcripts and regions with their originals: `save_edit`, `confirm_edit`
`reports`      reports as they were edited and signed, beside their drafts: `save_report`, `reports_of`
`proposals`    regions that a program proposed, confirmed or dismissed: `save_decision`, `decisions_of`
`recordings`   dictations that wait for their speakers: `keep_recording`, `waiting_recording`
`worklist`     one page of the worklist: search, filter, order, all done by the database
`history`      probabilities and inputs over time, for the watch on drift
`inputs`       what went into an assessment, as plain facts
`results`      what takes long to compute, kept under the hash of its inputs: `save_result`, `read_result`
`packing`      records with arrays to bytes and back
`ledger`       batch runs: which study is claimed, done or failed: `Ledger`
`migrations`   Alembic's steps from nothing to the schema of today
`migration`    from whatever schema a database has to the one of today, by these steps
=============  ==============================================================================================

**Privacy.** A case is an opaque token and a pseudonym; no name, no identifier of a hospital, no path (a folder's name
may be a patient's). Edited notes, transcripts, reports, recordings and the words of explanations are clinical: the file
is made for its owner's eyes (mode 600), and a PostgreSQL server must be guarded as any clinical database.

**Nothing is lost.** Assessments, reviews, edits, reports and decisions on proposals are only ever added. Each is
written in one transaction with an event of the audit trail that holds the SHA-256 of its row. An event holds the hash
of the one before, and a head row the last: `verify_trail` finds a row or event that was changed, taken away or put in.
Whoever can write to the database could compute the whole chain anew; against that, note the head's hash elsewhere from
time to time (`diagnosis audit verify` prints it, `--expect` compares). A recording that waits to be confirmed is no
part of the trail: it counts for nothing until it becomes an edit.

**What can be computed again** (`results`) is no part of the trail: it is bounded, the oldest gives way, and a damaged
row is computed anew.

**Several writers.** A write takes the head's lock first (SQLite: BEGIN IMMEDIATE; PostgreSQL: SELECT ... FOR UPDATE on
the head row), so that writers queue and the chain has no forks, whatever process or machine they run in.

**To add a table**

1. Write its class in a module of this room on `tables.Base` (its own module where another room owns it, such as a
   ledger of batch runs), and import that module in `migrations/env.py`, so that Alembic sees it.
2. Add `migrations/versions/NNNN_what.py` by hand, with `down_revision` naming the newest file there, and `upgrade()`
   and `downgrade()` in plain `op.create_table` calls; constraint names follow `tables.NAMES`.
3. `tests/diagnosis/store/test_migrations.py` then proves that migrations and classes agree, up and down, on both
   databases.
4. Read and write through `Store.reading()` and `Store.writing()`; times are `tables.UtcDateTime`.

No torch, no DICOM, no Streamlit here; a stranger to the rooms that read, learn and report.
"""
