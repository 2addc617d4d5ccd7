"""How familiar a case is to a model: calm warnings on what its training cases were not like. Never blocks.

`ct` asks of a region whether its HU statistics and the lung around it are those of training regions; `text` whether a
note or a transcript reads like a clinical one. `model` holds both: `fit_familiarity` fits, `FamiliarityModel` is saved
as `models/familiarity.json` in a bundle. A bundle without that file has no alarm.

Measured for the text alarm with the shipped bundle, on random samples (seed 0): no alarm on 120 chest X-ray findings of
the Open-i reports, on 120 notes and on 120 transcripts of the LIDC cohort; 4 alarms on 120 histories of MedPix cases; 8
of 8 texts of other kinds found (verse, recipe, code, another language, random letters, business, a message, filler).

Measured for the CT alarm with `diagnosis familiarity-benchmark` (seed 2024). Real nodules, 60 of each LIDC fold against
an alarm fitted to the other folds: 5 false alarms on 300 (1.7 %, 0.7 to 3.8). The same nodules with wrong values, by
appearance alone: intercept subtracted twice 300 of 300, slope doubled 300, noise alone 300, noise of 150 HU added 294,
inverted 269, voxels shuffled 151, no intercept (+1024 HU) 37, 8-bit gray values 2. Without an intercept and in 8 bits
no value is below -500 HU, so that there is no lung: the question for lung around the region finds both. Places in other
scans: 12 of 12 in a phantom scanned as a head, 12 of 12 in a body CT without lungs. One real chest at its marked mass:
no alarm as it is; every kind of wrong value found but the added noise. Places in that chest outside the lungs: 9 of 12
at 20 to 60 mm (5 before the distance to the nearest lung was asked), 8 of 12 farther away.
"""
