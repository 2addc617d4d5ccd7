"""Tensors in, tensors out: one readable file a part, shapes beside the lines.

=====================  ============================================================================================
`model_input`          `ModelInput` and `NetworkOutput`, the contract; `EncodedInput` with BERT already run
`volume_encoder`       MONAI 3D network: region to CT tokens
`measurements`         density, edge and outline of the lesion as smooth functions of its voxels; a ridge reads them
`text_encoder`         frozen BERT: token ids to contextual states
`text_reader`          trainable attention over BERT states: note or transcript to text tokens
`pretrained_resnet`    for comparison: I3ResNet-152, learned on whole chest and abdomen CT
`frozen_slices`        slices through it, frozen, for tasks with too few cases to learn from pixels
`acoustic_encoder`     optional: log-mel frames to one acoustic token
`fusion`               every fusion method behind one switch
`heads`                logits to findings, ordinal descriptors
`classifier`           `FusionClassifier` (one member) and `DiagnosisNetwork` (BERT and the ensemble of members)
`projection`           the space in which a CT and words on it can be compared
`caption_decoder`      from CT tokens to the words that readers would say
=====================  ============================================================================================

Why tokens and not one vector for each modality: attention over tokens lets a word speak for itself, and the spatial
tokens of the CT keep their place. Why the encoders run before the mask is applied: all eight subsets of {CT, note,
voice} then cost one encoding and eight fusions, so that exact Shapley values are affordable live.

The shape annotations are checked by tests (jaxtyping and beartype) and cost nothing in production.
"""
