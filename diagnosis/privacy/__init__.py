"""De-identification: DICOM objects, notes, transcripts and whole case folders, without what tells who it is.

===================  ===============================================================================================
`secret`             the key by which new UIDs, pseudonyms and shifts of dates stay the same in every run
`profile_table`      PS3.15 table E.1-1, edition 2026c: what happens to each of its 655 attributes (`table_e1_1.csv`)
`dicom_header`       a data set by that table, at every depth, and what no table names; `dicom_values` dummies, dates
`dicom_pixels`       text in pixels: blanked where its place is known, else a reason to withhold the object
`dicom_files`        files and folders: new names, new meta information, what is withheld and why
`text`               free text: `text_patterns`, `addresses`, `names`, `recognizer`, `known_identifiers`, `eponyms`
`name_dictionary`    which words are names, and which are words: two dictionaries that come as ordinary packages
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
countries. The rules were last changed with an eye on the even ones, so the odd ones stand beside. Reports: 1,284 chest
reports with 10,244 identifiers planted in them.

===============================  =======================  ========================  =========================
found of                         rules and dictionaries   with the model            model, the odd half
===============================  =======================  ========================  =========================
sentences: people                754 of 857 (.880)        797 of 857 (.930)         390 of 426 (.915)
sentences: streets               513 of 598 (.858)        527 of 598 (.881)         253 of 298 (.849)
sentences: towns and countries   302 of 411 (.735)        342 of 411 (.832)         172 of 209 (.823)
sentences: phone                 89 of 92                 89 of 92                  28 of 28
sentences: post codes            31 of 37                 31 of 37                  14 of 17
sentences: dates, mail, web,     all of 397               all of 397                all of 200
IP, card, IBAN, SSN, license
sentences: all of these          .872                     .913                      1,057 of 1,178 (.897)
sentences: precision             .946                     .941                      .938
reports: people                  3,838 of 3,864 (.993)    3,853 of 3,864 (.997)
reports: dates, numbers, phone,  all of 5,766             all of 5,766
mail, web, SSN, ages above 89
reports: towns                   271 of 313               292 of 313
reports: addresses               256 of 301               270 of 301
reports: all                     .989                     .994
reports: precision; words lost   .998; 2.2 %              .997; 2.4 %
===============================  =======================  ========================  =========================

Ages below 90, titles, occupations and nationalities identify nobody by themselves and are not looked for; of names of
organizations the model finds about half.

Hence the model is used for notes and transcripts, and not for the short technical phrases of headers. On top of it,
every identifier that stands in the headers of a case is removed from its note wherever it stands. No figure here is 1:
de-identified text still has to be read by a person before it is given away.
"""
