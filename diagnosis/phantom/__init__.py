"""Synthetic patients with a planted nodule: for the demo, for tests, and to prove that explanations point at the truth.

Nobody was imaged. A patient is drawn from a seed (`draw_spec`), made in memory by a pure function (`make_phantom`) and
written to a case folder (`write_phantom`); `write_cohort` does so for many and lists them in a manifest.

==================  =====================================================================================
`spec`              what is asked for: body, scan, nodule on the eight reader scales, who tells of it
`draw`, `kinds`     such a request at random, with descriptors that go together; of a named kind of lesion
`canvas`            HU on a grid in mm, and strokes with partial volume
`thorax`            surfaces of the chest: skin, ribs, mediastinum, diaphragm, fissures and lobes
`wall`, `organs`    what is painted: couch, fat, muscle, bones, belly, lung; heart, airway, vessel trees
`nodule`            the lesion: shape, edge, density, calcium, spicules
`scanner`           blur, correlated noise, streaks, padding
`patient`           the CT of all these, with mask and center
`truth`             the stated rule by which a nodule is malignant
`phrases`,          very many ways to say each descriptor, in a family for training and one held out
`wording`
`rewording`         plain words in place of the graded phrases, for texts that a reader learns from
`free_prose`,       the same without templates: other words and orders, shorthand, amid other findings
`free_words`
`narrative`         note and dictation by two readers who each see the nodule a little wrong
`speech`            synthetic voices (Debian packages flite and espeak-ng)
`case`, `cohort`,   the case in memory, on disk, and the four that ship with the product
`samples`
`dicom_series`      CT Image Storage, JPEG 2000 lossless
==================  =====================================================================================

In: a seed. Out: `case.json`, `ct/*.dcm`, `note.txt`, `voice.wav`, and the truth: `truth.json` (center in LPS mm,
diameter, descriptors, malignancy and the rule it was drawn by) and `truth_mask.nii.gz`.

With `PhantomSpec.informative` set to one of "ct", "note" or "voice" only that part carries the lesion and the others
are those of a patient without one, so that an explanation which points elsewhere is known to be wrong. The same seed
then has the same chest with and without its nodule.

What it is not: a source of training data for patients, or evidence of accuracy. The anatomy is schematic: no
respiration, no lymphadenopathy, no disease but the nodule and emphysema, one habitus scaled and bent.
"""
