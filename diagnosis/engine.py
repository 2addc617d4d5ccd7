"""The engine: one bundle, loaded once; cases in, assessments and explanations out.

engine = DiagnosisEngine.load("models/lung_nodule")
assessment = engine.assess(case)
explanation = engine.explain(case)
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, combinations
from pathlib import Path
from typing import Any, Self, final

import numpy as np
import torch

from diagnosis import settings
from diagnosis.bundle.folder import Bundle, load_bundle
from diagnosis.candidates import Candidate, find_candidates
from diagnosis.errors import CaseError
from diagnosis.explanation.modality import explain_modalities
from diagnosis.familiarity.limits import language_warnings, range_warnings, speech_warnings
from diagnosis.ingest.case_folder import NO_REGION
from diagnosis.networks.model_input import ModelInput, NetworkOutput
from diagnosis.networks.text_encoder import load_tokenizer
from diagnosis.preprocessing.batch import (
    InputContract,
    PreparedCase,
    preparation_warnings,
    prepare_case,
    require_evidence,
    stack_cases,
)
from diagnosis.reading import contradiction_warnings
from diagnosis.record import (
    Assessment,
    Case,
    DescriptorAssessment,
    Explanation,
    FindingAssessment,
    ModalityShares,
    ModalityUse,
)
from diagnosis.record.case import case_subject
from diagnosis.vocabulary import DESCRIPTORS, MODALITIES, Modality, subset_name, subset_words


@final
class DiagnosisEngine:
    """Assesses and explains cases with one bundle. Not safe to share between threads that change its network."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.contract: InputContract = bundle.metadata.inputs.contract()
        self.tokenizer: Any = load_tokenizer(bundle.network.config.text_encoder)

    @classmethod
    def load(cls, folder: Path | str | None = None) -> Self:
        """Load a bundle folder, or the default one.

        Raises:
            BundleError: a checksum or a declaration that does not fit.
            MissingDependencyError: weights that are not installed.
        """
        torch.set_num_threads(settings.thread_count())
        return cls(load_bundle(Path(folder) if folder is not None else settings.bundle_dir()))

    def prepare(self, case: Case) -> PreparedCase:
        """Tensors of one case.

        Raises:
            CaseError: nothing in the case can be assessed.
        """
        prepared = prepare_case(case, self.contract, self.tokenizer)
        require_evidence(prepared)
        return prepared

    def assess(self, case: Case) -> Assessment:
        """Assess one case: calibrated findings, and what each kind of evidence contributed.

        Raises:
            CaseError: nothing in the case can be assessed.
            RegionError: the region lies outside the CT.
        """
        return self.assess_many([case])[0]

    def assess_many(self, cases: Sequence[Case]) -> list[Assessment]:
        """Assess cases together, in one pass through the network."""
        clock = _Clock()
        with clock.stage("prepare"):
            prepared = [self.prepare(case) for case in cases]
            batch = stack_cases(prepared, self.contract)
        with clock.stage("network"), torch.inference_mode():
            outputs = self._all_subsets(batch)
        return [self._assessment(case, prepared[row], outputs, row, clock.seconds()) for row, case in enumerate(cases)]

    def assess_candidates(
        self, case: Case, candidates: Sequence[Candidate] | None = None
    ) -> tuple[tuple[Candidate, Assessment], ...]:
        """Assess a case without a marked region on each region that is proposed in its CT, with its note and dictation.

        Args:
            case: with a CT.
            candidates: found already; by default they are searched for.

        Returns:
            Highest probability of the main finding first; empty where nothing is proposed.

        Raises:
            CaseError: the case has no CT.
        """
        if case.volume is None:
            msg = (
                f"{case_subject(case.case_id)}: it has no CT to search for regions; add one, or assess its other parts"
            )
            raise CaseError(msg)
        found = find_candidates(case.volume) if candidates is None else tuple(candidates)
        if not found:
            return ()
        placed = cases_of_candidates(case, found)
        pairs = zip(found, self.assess_many(placed), strict=True)
        return tuple(sorted(pairs, key=lambda pair: -pair[1].main.probability))

    def explain(self, case: Case, finding: str | None = None, **options: Any) -> Explanation:  # noqa: ANN401
        """Explain one finding (the first by default) on one case; see `explanation.explain_case` for the options.

        Raises:
            CaseError: nothing in the case can be assessed.
            ExplanationError: the finding is not one of the bundle's.
        """
        from diagnosis.explanation.explain import explain_case

        prepared = self.prepare(case)
        names = [declared.name for declared in self.bundle.metadata.findings]
        return explain_case(self.bundle.network, self.contract, case, prepared, names, finding or names[0], **options)

    def subset_logits(self, case: Case) -> dict[str, tuple[float, ...]]:
        """Logit of each finding for every non-empty subset of what is present, by subset name.

        Raises:
            CaseError: nothing in the case can be assessed.
        """
        prepared = self.prepare(case)
        with torch.inference_mode():
            outputs = self._all_subsets(stack_cases([prepared], self.contract))
        return {
            subset_name(subset): tuple(float(v) for v in output.logits[0])
            for subset, output in outputs.items()
            if subset and subset <= prepared.present
        }

    def probability(self, finding: str, subset: str, logit: float) -> float:
        """Calibrated probability of a logit; uncalibrated where this subset never was."""
        calibration = self.bundle.calibrations.of(finding, subset)
        if calibration is None:
            return float(1 / (1 + np.exp(-logit)))
        return float(calibration.calibrator.probability(np.array([logit]))[0])

    def _all_subsets(self, batch: ModelInput) -> dict[frozenset[Modality], NetworkOutput]:
        """Output of each of the eight subsets of what is present; the encoders run once."""
        subsets = [frozenset(s) for s in chain.from_iterable(combinations(MODALITIES, n) for n in range(4))]
        masks = [batch.is_present & torch.tensor([m in subset for m in MODALITIES]) for subset in subsets]
        return dict(zip(subsets, self.bundle.network.forward_subsets(batch, masks), strict=True))

    def _assessment(
        self,
        case: Case,
        prepared: PreparedCase,
        outputs: dict[frozenset[Modality], NetworkOutput],
        row: int,
        seconds: tuple[tuple[str, float], ...],
    ) -> Assessment:
        output = outputs[frozenset(MODALITIES)]
        metadata = self.bundle.metadata
        subset = subset_name(prepared.present)
        shares = explain_modalities(
            {key: float(value.logits[row, 0]) for key, value in outputs.items() if key <= prepared.present},
            {m: float(output.attention_weights[row, i]) for i, m in enumerate(MODALITIES)},
        )
        return Assessment(
            case_id=case.case_id,
            bundle_name=metadata.name,
            bundle_version=metadata.version,
            bundle_sha256=self.bundle.sha256,
            findings=tuple(self.finding_of(i, subset, output, row) for i in range(len(metadata.findings))),
            # What the network says of the look of a nodule that it was not shown is no reading of it.
            descriptors=self._descriptors(output, row) if Modality.CT in prepared.present else (),
            modalities=_uses(prepared.present, shares),
            warnings=self._warnings(case, prepared, subset),
            seconds=seconds,
        )

    def finding_of(self, index: int, subset: str, output: NetworkOutput, row: int) -> FindingAssessment:
        """One finding of one row of a batch: calibrated for its subset of modalities, with its interval and set."""
        declared = self.bundle.metadata.findings[index]
        calibration = self.bundle.calibrations.of(declared.name, subset)
        logit = float(output.logits[row, index])
        probability = self.probability(declared.name, subset, logit)
        members = [
            self.probability(declared.name, subset, float(value)) for value in output.member_logits[:, row, index]
        ]
        conformal = calibration.conformal if calibration else None
        return FindingAssessment(
            name=declared.name,
            logit=logit,
            probability=probability,
            low=min([probability, *members]),
            high=max([probability, *members]),
            threshold=declared.threshold,
            is_flagged=probability >= declared.threshold,
            prediction_set=conformal.prediction_set(probability) if conformal else None,
        )

    def _descriptors(self, output: NetworkOutput, row: int) -> tuple[DescriptorAssessment, ...]:
        """What was read from a CT; none where the bundle's cohort taught none."""
        if not self.bundle.network.config.reads_descriptors:
            return ()
        read = zip(DESCRIPTORS, output.descriptors[row].tolist(), strict=True)
        return tuple(DescriptorAssessment(d.name, value, d.wording(value)) for d, value in read)

    def _warnings(self, case: Case, prepared: PreparedCase, subset: str) -> tuple[str, ...]:
        # That no region is marked is said by what was prepared, in one sentence and not in two.
        found = tuple(w for w in case.warnings if w != NO_REGION)
        found += preparation_warnings(case, prepared, self.contract) + self.calibration_warnings(subset)
        return found + contradiction_warnings(case) + self._unfamiliar(case, prepared)

    def calibration_warnings(self, subset: str) -> tuple[str, ...]:
        """A sentence where the bundle has no calibration for a subset of modalities."""
        if self.bundle.calibrations.of(self.bundle.metadata.findings[0].name, subset) is not None:
            return ()
        return (f"The probability is not calibrated for {subset_words(subset)}.",)

    def _unfamiliar(self, case: Case, prepared: PreparedCase) -> tuple[str, ...]:
        """What of a case is unlike the training cases, and speech that was not heard well."""
        found = speech_warnings(case) + language_warnings(case)
        if (trained := self.bundle.metadata.training_range) is not None:
            found += range_warnings(case, trained.diameter_mm, trained.slice_spacing_mm)
        if self.bundle.familiarity is not None:
            found += self.bundle.familiarity.warnings(case, prepared, self.bundle.network)
        return found


def cases_of_candidates(case: Case, candidates: Sequence[Candidate]) -> list[Case]:
    """A case without a marked region once for each region that was proposed, with a warning that says so."""
    n = len(candidates)
    doubt = (
        "1 was proposed by a program and may be wrong"
        if n == 1
        else f"{n} were proposed by a program and may all be wrong"
    )
    of_which = "that of this candidate" if n == 1 else "that of the candidate it is highest for"
    warning = (
        f"No region was marked: {doubt}. The probability is {of_which}, and not that of the whole study; confirm or "
        f"dismiss {'it' if n == 1 else 'each'}."
    )
    kept = tuple(w for w in case.warnings if w != NO_REGION)
    return [replace(case, region=candidate.region, warnings=(*kept, warning)) for candidate in candidates]


def _uses(present: frozenset[Modality], shares: ModalityShares) -> tuple[ModalityUse, ...]:
    return tuple(
        ModalityUse(
            modality=m,
            is_present=m in present,
            shapley_logits=shares.shapley_logits.get(m, 0.0),
            share=shares.shares.get(m, 0.0),
            attention_weight=shares.attention_weights.get(m, 0.0) if m in present else 0.0,
        )
        for m in MODALITIES
    )


@final
class _Clock:
    """Seconds of each stage, in order."""

    def __init__(self) -> None:
        self._seconds: list[tuple[str, float]] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._seconds.append((name, time.perf_counter() - start))

    def seconds(self) -> tuple[tuple[str, float], ...]:
        return tuple(self._seconds)
