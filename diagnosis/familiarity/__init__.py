"""How familiar a case is to a model: calm warnings on what its training cases were not like. Never blocks.

`ct` asks of a region whether its HU statistics and the lung around it are those of training regions; `text` whether a
note or a transcript reads like a clinical one. `model` holds both: `fit_familiarity` fits, `FamiliarityModel` is saved
as `models/familiarity.json` in a bundle. A bundle without that file has no alarm.
"""
