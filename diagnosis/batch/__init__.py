"""Many studies at once: a ledger, a pipeline that keeps all processors busy, on one machine or a Ray cluster.

================  ============================================================================================
`studies`         which studies a source names; nothing of them is read
`job`             `BatchOptions`, what is asked of a run; `ScoringJob`, one machine's part of it
`run`             a run from end to end: `run_batch(BatchOptions(...))`
`local`           scoring on this machine
`cluster`         the same on many machines: `run_batch_on_ray`
`pipeline`        claim, read, encode, fuse, write, all at the same time
`reader_pool`     reading processes with a limit on time and memory; `reader_process` what runs in them,
                  `reader_messages` what it answers
`reading`         one study from files to `prepared`: decode, transcribe, prepare
`encoder`         prepared studies to findings, a batch of one shape at a time
`runtime`         what the heavy parts of a network run on; `choice` which of them is best here,
                  `compiled` those that are compiled for this processor
`full_disk`       which disk it is, where there is no room left
`cache`           transcripts and embeddings by content, verified when they are read
`results`         results.parquet, results.csv, timings.parquet; `summary` run.json and summary.html
================  ============================================================================================

**What may go wrong, and what then.** The process is killed: the same command goes on; what was done is done, what was
prepared is taken up from there. A study is damaged: it fails with its reason, alone. A study hangs, or eats memory: the
process that reads it is ended at the limit, the study fails. A process dies in a decoder: the study is tried three
times, then fails. A disk is full: the run stops and says which; with room the same command goes on. A machine of a
cluster is lost: what it held is claimed by the others. The results never depend on which of this happened: they are
equal byte for byte.

**Privacy.** Results, messages and logs hold pseudonyms alone. The ledger (tensors of studies that are under way) and
the cache (transcripts, embeddings) are made for their owner's eyes and can be deleted when the run is finished.

The costs of a million studies, and where the next bottleneck lies, are in `diagnosis/batch/README.md`.
"""
