"""Factories shared by tests of several rooms."""

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

TINY_CALIBRATION_SLOPE = 3.0


def make_tiny_bundle(folder: Path, findings: Sequence[str] = ("malignancy",), seed: int = 0) -> str:
    """Write a complete bundle of small random networks into `folder`; return its SHA-256.

    Two members, a narrow encoder, the real frozen BERT, a calibration and prediction sets for every subset. Its answers
    mean nothing, but they depend on every part, are reproducible, and pass through the same code as a trained one.
    """
    import torch

    from diagnosis.bundle.folder import save_bundle
    from diagnosis.bundle.metadata import (
        BundleMetadata,
        FindingDeclaration,
        InputDeclaration,
        describe_data_format,
        network_config_to_json,
    )
    from diagnosis.networks.classifier import DiagnosisNetwork, NetworkConfig
    from diagnosis.networks.volume_encoder import VolumeEncoderConfig

    encoder = VolumeEncoderConfig(widths=(8, 12, 16, 16), dropout=0.0)
    config = NetworkConfig(n_findings=len(findings), embed_dim=32, n_members=2, volume_encoder=encoder)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = DiagnosisNetwork(config).eval()
    inputs = InputDeclaration(
        shape=(7, 40, 40),
        spacing_mm=(1.25, 0.7, 0.7),
        hu_range=encoder.hu_range,
        max_tokens=config.text_encoder.max_tokens,
    )
    declared = [
        FindingDeclaration(
            name=name, display=name.replace("_", " ").capitalize(), threshold=0.5, threshold_rule="fixed for tests"
        )
        for name in findings
    ]
    metadata = BundleMetadata(
        name="tiny",
        version="0.0.1",
        changelog={"0.0.1": "made for tests"},
        monai_version=importlib.metadata.version("monai"),
        pytorch_version=importlib.metadata.version("torch").split("+")[0],
        numpy_version=importlib.metadata.version("numpy"),
        required_packages_version={},
        task="tests",
        description="Random weights.",
        authors="The diagnosis project",
        copyright="Apache-2.0",
        data_source="none",
        intended_use="Tests.",
        network_data_format=describe_data_format(inputs, declared),
        findings=declared,
        inputs=inputs,
        network=network_config_to_json(config),
    )
    return save_bundle(folder, metadata, network, _calibrations(findings))


def _calibrations(findings: Sequence[str]):
    from diagnosis.bundle.calibration import SubsetCalibration, SubsetCalibrations
    from diagnosis.evaluation.calibration import CalibrationKind, Calibrator
    from diagnosis.evaluation.conformal import ConformalThreshold
    from diagnosis.vocabulary import NON_EMPTY_SUBSETS, subset_name

    entry = SubsetCalibration(
        Calibrator(CalibrationKind.TEMPERATURE, TINY_CALIBRATION_SLOPE),
        ConformalThreshold(coverage=0.9, negative=0.6, positive=0.6, by_class=False, n=100),
    )
    return SubsetCalibrations({name: {subset_name(s): entry for s in NON_EMPTY_SUBSETS} for name in findings})
