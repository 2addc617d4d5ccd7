"""The model folder: everything an assessment depends on, declared, checked and hashed. No code, no pickle.

Layout, after the MONAI bundle specification (https://docs.monai.io/en/stable/mb_specification.html)::

    models/<name>/
        LICENSE                       license of the weights
        configs/metadata.json         what goes in, what comes out, how the network is built (`metadata`)
        configs/train.yaml            how it was trained
        models/model.safetensors      weights of the ensemble's members; the frozen BERT is named, not copied
        models/calibration.json       calibration and conformal threshold for each subset of modalities
        eval/metrics.json             measured figures
        eval/training_cases.json      four hashed bytes of each part of each training case (`training_cases`)
        docs/README.md                model card; its tables are generated from metrics.json
        docs/data_license.txt         where the data came from and under what terms
        checksums.json                SHA-256 of every file that an answer depends on

================  ==================================================================================================
`metadata`        what a bundle declares of itself; nothing unknown is allowed
`calibration`     from logits to probabilities and prediction sets, for each finding and subset of modalities
`checksums`       the hash that names a bundle; without torch
`folder`          loads and saves the whole folder
`training_cases`  whether the bundle was trained on a case, without anything of one in the bundle
`caption`         the caption decoder that may lie beside a bundle, bound to its encoders
================  ==================================================================================================

A file whose checksum does not fit is refused: an answer always names the exact model.
"""
