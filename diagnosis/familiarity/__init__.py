"""How familiar a case is to a model: calm warnings on what its training cases were not like. Never blocks.

`ct` asks of a region whether its HU statistics and the lung around it are those of training regions; `text` whether a
note or a transcript reads like a clinical one. `model` holds both: `fit_familiarity` fits, `FamiliarityModel` is saved
as `models/familiarity.json` in a bundle. A bundle without that file has no alarm.

Measured for the text alarm with the shipped bundle, on random samples (seed 0): no alarm on 120 chest X-ray findings of
the Open-i reports, on 120 notes and on 120 transcripts of the LIDC cohort; 4 alarms on 120 histories of MedPix cases; 8
of 8 texts of other kinds found (verse, recipe, code, another language, random letters, business, a message, filler).
The limits of the CT alarm are the 99th percentile of training regions held out fold by fold: about one in a hundred
familiar regions is warned of by construction. Its rate on other anatomy has not been measured with the shipped bundle.
"""
