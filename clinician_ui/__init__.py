"""The clinician's dashboard, started by `diagnosis ui`; without a login provider it is served on loopback only.

==========================  ============================================================================================
`app`                       navigation: which page is shown, and how one leads to another
`views/worklist`            all cases in order of priority, a page at a time, searched and ordered by the database
`views/case`                one case: the way to it and its neighbors, review and export beside its title
`views/reading`             what is read of a case: CT, findings, reasons and their proof; with `views/words` and
                            `views/what_if_panel`
`views/importing`           a zip archive or a folder becomes a case, after its series were judged
`views/proposals_panel`     a CT without a marked region is searched; `components/candidates` lists what was proposed
`views/review`              accept, override, defer; second reader; all that was said of the case before
`views/report`              the drafted report with its evidence, the clinician's text to edit and sign; set questions
`views/export`              the assessment in a hospital's forms, as a zip archive
`views/model`               the model's card, performance, calibration, drift
`views/trail`               the audit trail, for administrators
`exports`                   a case's assessment in a hospital's forms, as one zip archive
`access`, `permissions`     who is there, and the table of who may do what
`ahead`                     what a first opening needs, imported while nobody waits for it
`archive`, `folders`        the store; the folder of cases, read in the background, only what changed
`corrections`               a case with its clinicians' edits applied
`model_facts`               what a bundle says of itself, and drift against it
`components/viewer`         CT viewer: three linked planes, windows, distances, region, overlay; drawn in the browser
`components/scene`          a CT turned to the patient's axes, with what lies on it (pure)
`components/finding_table`  calibrated probability, range over the ensemble, threshold, prediction set, descriptors
`components/modality_bar`   what CT, note and dictation contributed
`components/note_highlight` the note with its words tinted
`components/waveform`       the dictation: player, waveform, words that play when clicked
`components/proof_table`    figures that say whether an explanation can be believed
`components/opinions`       Brock, Mayo, Fleischner 2017 and Lung-RADS v2022 on the stated facts
`components/report_sheet`   a draft and what each sentence rests on; a signed report and what was changed of its draft
`components/keys`           the keys of all pages, listed where they can be looked up
`components/worklist_rows`  a line of the worklist: who, when, what is there, what was found
`components/upload`         a file from the browser to the server's disk, with a bar; `components/series_table` what the
                            geometry gate says of what arrived
`components/review`         a reader's word on each finding; `components/review_history` all that was said before
`components/similar_table`  nodules like that of a case; `components/model_figures` figures of a model
`components/phrases`        small pieces of sentences that several pages need
`components/banner`         the standing notice, warnings, page style
`explanations`              made once, kept in the store under the hash of what they were made from
`transcripts`               a case from its folder; a recording that was heard before is not listened to again
`recipes`                   the program's own text as part of those hashes
`services`, `shelf`         the door to the engine and the readers of files; keeps what they gave, checks who asks
`rounds`                    all waiting cases assessed in the background, while the pages stay usable
`dictations`                recordings to words that a clinician has confirmed
`reports`                   a case's draft, what is kept of it, and who may sign
`proposals`                 regions that the product proposes, each assessed; none counts until it is confirmed
`changes`                   the probability for each single change of a case, asked once and kept
`what_if`                   the probability of a case that was changed, asked but not kept
`similar`                   nodules like that of a case, where an index lies beside the bundle
`imports`, `uploads`        new cases from a zip archive or a folder, streamed to disk and judged
`state`                     where the cases and the bundle lie, and which case is open
`server`                    the pages as they are served, and routes for what is too large for a page
`delivery`                  what waits to be fetched by the browser, under addresses that cannot be guessed
`scripts`                   the browser's scripts: ours in `static/`, and NiiVue out of an installed package
==========================  ============================================================================================

Imports point one way: app > views > exports > components | services | state > access | corrections | folders |
model_facts > archive | delivery | permissions | scripts. Components know records and words, nothing else: they can be
shown in a test with records made by hand. The dashboard never imports torch, and the page paints before any model is
loaded.

What outlives the server: cases, assessments, reviews, edits, reports, explanations, transcripts and the trail lie in
the store (`diagnosis.store`; SQLite in the user's data folder, or `DIAGNOSIS_STORE=postgresql://...`). A refresh, a
dropped connection or a killed server loses at most what was typed and not yet saved.

Login: `diagnosis ui --login FILE --host ADDRESS`, behind a server that speaks TLS. The file is TOML::

    [auth]                            # as st.login takes it
    redirect_uri = "https://dashboard.example/oauth2callback"
    cookie_secret = "..."             # at least 32 random signs
    client_id = "..."
    client_secret = "..."
    server_metadata_url = "https://login.example/.well-known/openid-configuration"
    [access]
    claim = "groups"                  # of the login's token
    viewer = ["students"]
    reader = ["radiologists"]
    admin = ["imaging-it"]
    idle_minutes = 30                 # then the page closes and a new login is needed

Privacy: an address holds an opaque token made from the folder's path, the page's title is constant, nothing of a
patient is logged, and the identity behind a pseudonym is dropped as soon as a case is read.

Why pictures are drawn in the browser: voxels travel once, as int16 slice by slice (a chest CT is 30 to 160 MB on the
loopback address), and nothing waits for the server after that. Why not always by NiiVue: it colors the whole volume
anew for each window. A graphics card takes milliseconds for that; without one (WebGL in software, two cores) a CT of
64 x 512 x 512 took 11 s to open and 6 s for a change of window, one of 300 slices 58 s and 21 s. Slices are quick
either way. So the viewer asks what draws WebGL: NiiVue on a graphics card, the processor without one; the reader can
choose. Everything laid over the picture is ours in both cases. A change of slice with its overlay, from the turn of
the wheel to the frame on the screen, took 24 ms (95th percentile) by the processor and 100 ms by NiiVue in software, on
two cores busy with other work (`tests/clinician_ui/test_browser.py` measures it).

What an upload costs: a zip archive of 2.0 GB (4,000 slices in five series), chosen in Chromium, raised the server's
memory by 46 MB at most from the first piece to the verdicts (resident memory sampled every 50 ms, and the kernel's own
peak); unpacking and judging say how far they are.

What keeps the first paint of 10,000 cases short: the database pages and counts; what a page needs is imported before
the first visitor comes; the model is loaded only once a list has been painted. A paint
takes 0.2 s of the server's processor; from the request to the twentieth row 1.3 s (median of 12; 0.9 to 2.9) were
measured beside fourteen other running programs.

Where the first opening after a start of the server spends its time, on two cores that nothing else used, for a case of
all three parts: importing torch, transformers and MONAI 3.5 s, the bundle 0.3 s, transcribing 30 s of dictation 2.4 s,
the CT 0.5 s, the assessment 0.3 s. What is imported is imported from the moment that the server runs (`ahead`), and the
bundle is loaded once the worklist was painted. With a browser on the same two cores, from the click to the probability:
opened at once 4.5 s (7.9 to 10.0 before that was so), after three seconds of looking at the list 3.5 s (5.6 to 7.0),
after eight 3.5 s (3.9 to 4.4); without a dictation 4.2 s, and from three seconds on 1.4 s (5.0 to 5.4, then 1.9). A
browser that is started together with the server has its first rows 0.6 s later for it. The page says what is being
waited for.
"""
