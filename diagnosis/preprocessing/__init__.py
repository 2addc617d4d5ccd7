"""Records in, tensors out. What was applied is recorded and can be inverted.

=================  ===============================================================================================
`volume`           a region of the CT on a fixed grid in millimeters, with the affine of that grid
`canonical_text`   numbers and units of a text in one form, with an offset map back to the original characters
`shorthand`        shorthand and everyday words of reports, as the text reader has learned them
`degrees`          words and plain statements of how much there is of a feature, likewise
`edges`            words for how sharp an edge is, likewise
`synonyms`         words of calcification, texture, shape and visibility, likewise
`scale_numbers`    numbers of the readers' scales as the words of their levels
`text`             token ids with, for each token, its characters in the original text
`audio`            log-mel frames of a dictation
`batch`            one or many cases to a `ModelInput`
=================  ===============================================================================================

Why a fixed field of view in millimeters: size is most of the signal of a nodule, and a field scaled to the nodule would
remove it. Why the grid is aligned to the patient and not to the scanner: a series read head-first, feet-first or
obliquely then gives the same tensor, and left stays left.
"""
