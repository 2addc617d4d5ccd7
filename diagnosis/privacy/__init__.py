"""De-identification: DICOM objects, notes, transcripts and whole case folders, without what tells who it is.

===================  ===============================================================================================
`secret`             the key by which new UIDs, pseudonyms and shifts of dates stay the same in every run
`profile_table`      PS3.15 table E.1-1, edition 2026c: what happens to each of its 655 attributes (`table_e1_1.csv`)
`dicom_header`       a data set by that table, at every depth, and what no table names; `dicom_values` dummies, dates
`dicom_pixels`       text in pixels: blanked where its place is known, else a reason to withhold the object
`dicom_files`        files and folders: new names, new meta information, what is withheld and why
`text`               free text: `text_patterns`, `addresses`, `names`, `recognizer`, `known_identifiers`
`case_folder`        `deidentify_path`: whatever a path stands for
`text_benchmark`     the measurement below
===================  ===============================================================================================

DICOM. The basic profile always; on request clean descriptors, retain longitudinal with modified dates, and retain
patient characteristics. Where the table leaves a choice (X/Z/D), the alternative that is conformant in every kind of
object is taken. The tests fill every attribute of the table and compare each result with its rule.

Pixels. Ultrasound is blanked outside its calibrated regions, known devices where their text stands; any other picture
in which text may remain is withheld. Faces in a head scan are warned of, not removed.

Free text, measured by `python -m diagnosis.privacy.text_benchmark` (seed 7; found means: every letter and digit of the
gold span is covered). Sentences: all 1,500 of Presidio's synthetic set, general English, names and addresses of many
countries. Reports: 1,284 chest reports with 10,244 identifiers planted in them.

=================================  =====================  =====================  ==========================
found of                           rules and dictionary   with the model         note
=================================  =====================  =====================  ==========================
sentences: people                  587 of 857 (.685)      725 of 857 (.846)
sentences: streets                 400 of 598 (.669)      421 of 598 (.704)      mostly foreign, many lines
sentences: towns and countries     132 of 411             254 of 411             countries need not go
sentences: phone; post codes       89 of 92; 27 of 37     89 of 92; 27 of 37
sentences: dates, mail, web, IP,   all of 397             all of 397
card, account, SSN, licence
sentences: precision               .921                   .927
reports: people                    3,835 of 3,864 (.992)  3,854 of 3,864 (.997)
reports: dates, numbers, phone,    all of 5,766           all of 5,766
mail, web, SSN, ages above 89
reports: towns                     111 of 313             257 of 313
reports: addresses                 195 of 301             222 of 301
reports: all                       .967                   .986
reports: precision; words lost     .996; 2.2 %            .995; 2.3 %
=================================  =====================  =====================  ==========================

Hence the model is used for notes and transcripts, and not for the short technical phrases of headers. Organizations,
occupations and nationalities are not looked for as such. On top of it, every identifier that stands in the headers of a
case is removed from its note wherever it stands. No figure here is 1: de-identified text still has to be read by a
person before it is given away.
"""
