"""The hospital's archive (PACS): fetch studies, receive them, send results.

====================  =======================================================================================
`config`              one YAML file for both protocols; secrets from the environment alone
`archive`             what an archive can do, whichever protocol it speaks
`dicomweb`            QIDO, WADO, STOW; `dimse` C-ECHO, C-FIND, C-GET, C-MOVE, C-STORE
`pull`                `pull_studies`: find, fetch, count; `open_archive` by configuration
`receiver`            a C-STORE receiver that only known callers reach
`inbox`               studies that are coming in, and when one counts as complete
`outgoing`            files that are sent: as they are where the archive takes that, else decompressed
`instance_folder`     images on disk under names that say nothing
`associations`        what is negotiated; `attempts` what is tried again; `tls` certificates
====================  =======================================================================================

Every wait has a limit. What fails in passing (out of reach, busy, out of time) is tried again with waits that double;
what is refused is not. A series counts as whole when as many images lie here as the archive says it has; one that does
not is never handed on. Messages and logs hold no identifier; the libraries below, which log them, are silenced.
"""
