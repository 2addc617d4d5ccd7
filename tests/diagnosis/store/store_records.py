"""Records for the tests of the store."""

from diagnosis.record import Assessment, DescriptorAssessment, FindingAssessment, ModalityUse
from diagnosis.store.assessments import KeptAssessment, save_assessment
from diagnosis.store.cases import CaseFacts, sync_cases
from diagnosis.store.database import Store
from diagnosis.vocabulary import Modality

COLLECTION = "c" * 16


def make_assessment(probability: float = 0.83, case_id: str = "p-1", findings=("malignancy",)) -> Assessment:
    return Assessment(
        case_id=case_id,
        bundle_name="made",
        bundle_version="1.0.0",
        bundle_sha256="b" * 64,
        findings=tuple(
            FindingAssessment(
                name=name,
                logit=1.6,
                probability=probability,
                low=max(probability - 0.1, 0.0),
                high=min(probability + 0.1, 1.0),
                threshold=0.31,
                is_flagged=probability >= 0.31,
                prediction_set=("positive",),
            )
            for name in findings
        ),
        descriptors=(DescriptorAssessment("texture", 4.6, "solid"),),
        modalities=(
            ModalityUse(Modality.CT, True, 1.2, 0.75, 0.5),
            ModalityUse(Modality.NOTE, True, -0.4, 0.25, 0.5),
            ModalityUse(Modality.VOICE, False),
        ),
        warnings=("A warning ü.",),
        seconds=(("forward", 0.1 + 0.2),),
    )


def add_cases(store: Store, actor, n: int = 1, collection: str = COLLECTION) -> list[str]:
    facts = [CaseFacts(f"t{i:05d}", f"p-{i}", "f1", 40.0 + i % 50, "FM"[i % 2], "ct+note", True) for i in range(n)]
    sync_cases(store, actor, collection, facts)
    return [fact.token for fact in facts]


def add_assessment(store: Store, actor, token: str, probability=0.83, **changes) -> KeptAssessment:
    findings = changes.pop("findings", ("malignancy",))
    inputs = {"fingerprint": "f1", "parts": "ct+note"} | changes
    return save_assessment(store, actor, token, make_assessment(probability, findings=findings), inputs)
