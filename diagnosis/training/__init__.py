"""Cases in, bundle out: how a model is trained, and measured on patients it has not seen.

=====================  ================================================================================================
`run`                  a whole run, from a configuration to a bundle
`config`               one YAML file, one docstring a field
`cohort`               what training needs of a case, whatever data set it came from
`lidc`                 the LIDC-IDRI cohort by the protocol "leave the readers out"
`manifest_cohort`      any cohort that comes as a manifest
`sufficiency`          whether a cohort is enough, told before anything is trained
`dictations`           texts spoken by a synthetic voice and transcribed like any dictation
`text_bank`            every text once through the frozen BERT
`augmentation`         random views of a region, through MONAI
`losses`               soft targets, descriptors, alignment between modalities
`trainer`              how every stage is run: checkpoints that resume, epochs that repeat exactly
`volume_stage`         stage 1: the volume encoder
`text_stage`           stage 2: the text reader
`encoders`             both on a cohort: one text reader, a volume encoder for each fold and pair of folds
`reader_update`        a reader that learns further wordings beside fusions that stay as they are
`fusion_stage`         stage 3: the fusion, on tokens of the two frozen encoders
`folds`                all stages on all folds, out-of-fold answers, resume
`publish`              calibration and metrics of the bundle; `card` its card and papers, from the metrics, and
                       `statements`, what they say of task, data and limits
`reader_figures`       what readers and a ruler say of the same cases: the baselines
`image_encoders`       image encoders on the same regions and folds, and what each costs
`pretrained_reading`   the pretrained I3ResNet-152 on the regions of a cohort
`acoustic_ablation`    what the sound of a dictation adds to its words
`medpix`               a second task: key slices and free text; `benchmark` its figures (README.md beside this file)
`processes`            several processes by torchrun
`ct_readings`          what encoders say of CTs that they have not seen, for all that is learned on top of them
`alignment_stage`      the space that CT and words share; `alignment_quality` recall on held-out folds
`caption_stage`        from CT tokens to words; `caption_quality` beside the template, against the readers
`candidate_run`        the network that ranks proposed regions: `implants` sets real nodules into synthetic chests,
                       `candidate_stage` labels what is round in them and trains
`index_stage`          `diagnosis index`: similar nodules and captions, made again whenever the bundle was trained again
=====================  ================================================================================================

Why three stages: the volume encoder learns from pixels for minutes, the text reader from unlimited made-up
descriptions, and the fusion from tokens in seconds. Eight fusions can then be compared on the same folds and the same
encoders, so that the difference between them is the fusion and nothing else. Lightning is the trainer.
"""
