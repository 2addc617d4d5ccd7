"""How fast the product is, as ratios that anyone can measure, and how good those parts are that several rooms share.

`diagnosis benchmark` measures the first. Each figure is a ratio within one run against a peer that does the same work
on the same machine at the same time: the two take turns, and each pair gives one ratio. Machines differ and are busy;
ratios of neighbors in time hardly do. The median and the lowest and highest of the pairs are given. A peer that is not
installed is named and left out (`pip install ".[benchmark]"` brings them).

=============  ==============================================================================================
`measuring`    taking turns, peak memory, the table of what was found
`made_up`      a CT series, a dictation and a manifest to measure with; synthetic, made anew each time
`loading`      (a) 300 slices of 512 x 512 to HU, against MONAI, SimpleITK, dicom2nifti
`monai_loader` MONAI's reader for these comparisons, without its words about graphics cards
`regions`      (b) one region on its grid, against MONAI Spacingd and TorchIO
`encoding`     (c) encoders, as a fraction of the largest matrix product's speed on this machine
`speech`       (d) a dictation of 30 s, against faster-whisper called plainly
`studies`      (e) a whole study, and a batch, against a script with MONAI and the same weights (`plain_script`)
`growth`       (f) time and memory over the number of studies and of slices
=============  ==============================================================================================

How good, each by a command of its own, on data whose truth is known:

=============  ==============================================================================================
`candidates`   whether the search without a click finds what is there
`familiarity`  how often a case unlike those of the training is warned of, and one like them is not
`words`        how often a note, a report and a dictation are read as experts read them
=============  ==============================================================================================
"""
