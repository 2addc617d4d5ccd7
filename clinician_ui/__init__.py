"""The clinician's dashboard, started by `diagnosis ui` and served on the loopback address only.

==========================  ============================================================================================
`app`                       navigation: which page is shown, and how one leads to another
`views/worklist`            all cases in order of priority; opens one
`views/case`                one case: CT, findings, note, dictation, reasons and their proof
`components/viewer`         CT viewer: three linked planes, windows, overlay; pictures are made by `planes`
`components/planes`         CT and attribution to PNG: aspect ratio in mm, orientation letters, scale bar, region (pure)
`components/finding_table`  calibrated probability, range over the ensemble, threshold, prediction set, descriptors
`components/modality_bar`   what CT, note and dictation contributed
`components/note_highlight` the note with its words tinted
`components/waveform`       the dictation: player, waveform, words that play when clicked
`components/proof_table`    figures that say whether an explanation can be believed
`components/banner`         the standing notice, warnings, page style
`services`                  the only file that reaches the engine and the readers of files; keeps what they gave
`state`                     where the cases and the bundle lie, and which case is open
==========================  ============================================================================================

Imports point one way: app > views > components | services | state. Components know records and words, nothing else:
they can be shown in a test with records made by hand. The dashboard never imports torch, and the page paints before any
model is loaded.

Privacy: an address holds an opaque token made from the folder's path, the page's title is constant, nothing of a
patient is logged, and the identity behind a pseudonym is dropped as soon as a case is read.

Why pictures are rendered by the server: a slice with its overlay is 50 to 500 kB and takes 10 to 40 ms of processor
time; a whole CT would be 100 MB in the browser before the first picture. Each picture is kept for the session. The
price is a round trip: a change of slice was seen in the browser after 200 to 300 ms (median).
"""
