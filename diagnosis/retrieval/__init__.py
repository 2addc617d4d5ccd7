"""Similar nodules: by everything that is known of one, or across kinds of evidence: words to CT, CT to words.

==================  =================================================================================================
`index`             `NoduleIndex`: the aligned space, the embeddings and what is told of each nodule; saved beside a
                    bundle, and refused with any other
`search`            `find_similar`: nearest nodules of a case, with what to search by and in
`libraries`         exact search and four libraries behind one shape
`ann_benchmark`     which of them finds best, from a thousand vectors to a million
`quality`           recall against chance
==================  =================================================================================================

What comes in: a case, prepared as for an assessment. What goes out: names of nodules with their similarity (a cosine)
and their descriptors. An index holds embeddings and descriptors only: no image, no text, no sound, no identifier.

The space is learned by `diagnosis.training.alignment_stage` (contrastive, on frozen encoders), and the index is made by
`diagnosis index`, in minutes, whenever the bundle was trained again.
"""
