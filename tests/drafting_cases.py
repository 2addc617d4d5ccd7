"""Random cases with random assessments: what a drafter must never say anything unfounded of."""

import random

import numpy as np

from diagnosis.phantom.wording import LEVELS, NoduleDescription, add_transcription_noise, write_dictation, write_note
from diagnosis.record import (
    Assessment,
    Case,
    ClinicalNote,
    DescriptorAssessment,
    FindingAssessment,
    ModalityUse,
    RegionOfInterest,
    SpeechSegment,
    VoiceNote,
    Volume,
    Word,
)
from diagnosis.vocabulary import DESCRIPTORS, MODALITIES, Sex

STATEMENTS = (
    "68-year-old male.",
    "54 yo F.",
    "Former smoker, quit 12 years ago.",
    "Smoker, 45 pack-years.",
    "Never smoker.",
    "Denies tobacco use.",
    "History of breast cancer in 2009.",
    "No history of malignancy.",
    "Mother had lung cancer.",
    "Emphysema is present.",
    "No emphysema.",
    "Possible effusion on the left.",
    "No pneumothorax or pleural effusion.",
    "Lung cancer screening CT.",
    "Immunosuppressed after kidney transplant.",
    "Two nodules in both lungs.",
    "Nodule in the left lower lobe measuring 1.4 x 0.9 cm.",
    "The nodule is unchanged since 2019.",
    "Interval growth of the nodule.",
    "A 14 mm part-solid nodule with a 5 mm solid component in the right upper lobe.",
    "If the nodule grows, biopsy is advised.",
    "Rule out metastasis.",
    "Heart size is normal.",
)


def random_description(rng):
    levels = {name: rng.randint(1, top) for name, top in LEVELS.items() if rng.random() < 0.8}
    return NoduleDescription(**levels, diameter_mm=rng.choice([None, round(rng.uniform(3, 40), 1)]))


def spoken(text, rng):
    words, start = [], 0.0
    for token in text.split():
        words.append(Word(token, start, start + 0.3, round(rng.uniform(0.2, 1), 2)))
        start += 0.35
    return VoiceNote((SpeechSegment(tuple(words)),), start + 1, "made up")


def random_case(seed):
    rng = random.Random(seed)
    note = voice = volume = region = None
    if rng.random() < 0.8:
        lines = [*rng.sample(STATEMENTS, rng.randint(0, 6)), write_note(random_description(rng), rng)]
        rng.shuffle(lines)
        note = ClinicalNote("\n".join(lines))
    if rng.random() < 0.6:
        text = write_dictation(random_description(rng), rng) + " " + " ".join(rng.sample(STATEMENTS, 2))
        voice = spoken(add_transcription_noise(text, rng), rng)
    if rng.random() < 0.6 or (note is None and voice is None):
        affine = np.diag([rng.choice([0.75, 1.25, 3.0]), 1, 1, 1]) @ np.eye(4)[[2, 1, 0, 3]]
        volume = Volume(np.zeros((4, 6, 5), np.float32), affine)
        if rng.random() < 0.8:
            center = tuple(float(v) for v in volume.position_of([2, 3, 2]))
            region = RegionOfInterest(center, rng.choice([None, round(rng.uniform(3, 40), 1)]))
    age, sex = rng.choice([None, 61, 61.5]), rng.choice([None, *Sex])
    return Case(f"case-{seed}", volume, region, note, voice, age, sex)


def random_assessment(case, seed):
    rng = random.Random(seed + 0.5)
    probability = rng.random()
    low, high = probability * rng.random(), probability + (1 - probability) * rng.random()
    sets = rng.choice([None, ("positive",), ("negative", "positive"), ()])
    threshold = rng.random()
    finding = FindingAssessment(
        "malignancy", 0.3, probability, low, high, threshold, probability >= threshold, prediction_set=sets
    )
    rated = [(d, rng.uniform(1, len(d.levels))) for d in DESCRIPTORS]
    return Assessment(
        case_id=case.case_id,
        bundle_name="made_up",
        bundle_version="0.0.1",
        bundle_sha256="0" * 64,
        findings=(finding,),
        descriptors=tuple(DescriptorAssessment(d.name, v, d.wording(v)) for d, v in rated),
        modalities=tuple(ModalityUse(m, m in case.present, rng.uniform(-2, 2), 0.3) for m in MODALITIES),
        warnings=tuple(rng.sample(["The probability is not calibrated for ct.", "A slice spacing of 3 mm."], 1)),
    )
