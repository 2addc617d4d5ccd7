"""Cases in, bundle out: how a model is trained, and measured on patients it has not seen.

=================  ===============================================================================================
`config`           one YAML file, one docstring a field
`cohort`           what training needs of a case, whatever data set it came from
`lidc`             the LIDC-IDRI cohort by the protocol "leave the readers out"
`manifest_cohort`  any cohort that comes as a manifest
`text_bank`        every text once through the frozen BERT
`augmentation`     random views of a region, through MONAI
`losses`           soft targets, descriptors, alignment between modalities
`volume_stage`     stage 1: the volume encoder
`text_stage`       stage 2: the text reader
`fusion_stage`     stage 3: the fusion, on tokens of the two frozen encoders
`folds`            all stages on all folds, out-of-fold answers, resume
`publish`          calibration, metrics and card of the bundle
`image_encoders`   image encoders on the same regions and folds, and what each costs
`medpix`           a second task: key slices and free text; `benchmark` its figures (README.md beside this file)
`processes`        several processes by torchrun
`ct_readings`      what encoders say of CTs that they have not seen, for all that is learned on top of them
`alignment_stage`  the space that CT and words share; `alignment_quality` recall on held-out folds
`index_stage`      `diagnosis index`: the index of similar nodules that lies beside the bundle
=================  ===============================================================================================

Why three stages: the volume encoder learns from pixels for minutes, the text reader from unlimited made-up
descriptions, and the fusion from tokens in seconds. Eight fusions can then be compared on the same folds and the same
encoders, so that the difference between them is the fusion and nothing else. Lightning is the trainer.
"""
