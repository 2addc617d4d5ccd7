"""How familiar a case is to a model: calm warnings on what its training cases were not like. Never blocks.

`ct` asks of a region whether its HU statistics and the lung around it are those of training regions; `text` whether a
note or a transcript reads like a clinical one. `model` holds both: `fit_familiarity` fits, `FamiliarityModel` is saved
as `models/familiarity.json` in a bundle. A bundle without that file has no alarm.

The alarm for words learns from `reference_texts`, clinical ones and others, written for this room.

`language` tells texts in six other languages by their function words; it needs no fit (`limits`).

Measured for texts with the shipped bundle, on random samples (seed 1): no alarm on 300 findings and 300 impressions of
the Open-i chest reports; 24 on 200 of their indications, mostly where the age was blanked to XXXX and few words remain;
on MedPix cases 2 of 120 histories, 8 of 120 examinations ("Within normal limits", lists of laboratory values) and none
of 120 findings. Found: recipe, novels, contract, mail, song, code, lorem ipsum, random letters, a lame horse, five
sentences of an audio book as dictation. Missed: a sentence on a nodule of gas in a galaxy, one on nodules of chert in
rock: what is said in the words of the task passes. Clinical sentences in Spanish and in French passed the boundary,
which is why the language is asked for: 13 of 13 in Spanish, French, German, Italian, Portuguese and Dutch are named,
and none of 10,922 parts of Open-i reports nor of 1,148 texts of MedPix cases. Of silence, white noise, a tone, music,
hum and clicks nothing is transcribed: such a dictation is no evidence, and alone it is refused.

Measured for the CT alarm with `diagnosis familiarity-benchmark --lidc FOLDER --ct FOLDER --boxes FILE` (seed 2024),
before the noise was asked for by itself, which left 5 of 300 on real nodules as they are. Real nodules, 60 of each LIDC
fold against an alarm fitted to the other folds:

=============================  ==========  =====================
CT                             alarms      share, 95 % interval
=============================  ==========  =====================
as it is                       5 of 300    .02 (.01 to .04)
no intercept (+1024 HU)        300 of 300  1.00 (.99 to 1.00)
intercept twice (-1024 HU)     300 of 300  1.00 (.99 to 1.00)
slope doubled                  300 of 300  1.00 (.99 to 1.00)
8-bit gray values              300 of 300  1.00 (.99 to 1.00)
inverted                       296 of 300  .99 (.97 to .99)
noise of 150 HU added          298 of 300  .99 (.98 to 1.00)
noise alone                    300 of 300  1.00 (.99 to 1.00)
voxels shuffled                174 of 300  .58 (.52 to .63)
=============================  ==========  =====================

Lesions of 8 synthetic patients: none as they are, 8 of 8 for each wrong value but shuffled voxels (7) and 150 HU of
noise (0: it is added to slices that are averaged afterwards). Places outside their lungs: 87 of 96 at 20 to 60 mm, 96
of 96 farther away. One real chest: no alarm at its mass nor at its five candidates, 2 of 100 at random places in its
lungs (at the top); wrong values at the mass found but for the added noise; outside the lungs 9 of 12 at 20 to 60 mm, 8
of 12 farther away. Head phantom and body CT without lungs: 12 of 12 each. At the mass, noise of 300 HU lies at the
limit of the noise, 500 HU beyond it. Missed: an MR-like image stretched to the range of CT, at the mass; noise alone
around -700 HU.
"""
