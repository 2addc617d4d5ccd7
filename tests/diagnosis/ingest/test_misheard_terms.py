"""Misheard terms are put right where nothing else can be meant, and nowhere else."""

import csv

import pytest

from diagnosis.ingest.misheard_terms import CORRECTED_PROBABILITY, TERMS, correct_misheard_terms
from diagnosis.record import Word

COMMON_WORDS = (
    "no the a is are and of in lung vital air speculated that was capacity capacities module modules size hard bunny "
    "remarkable regulation structures nodule margin low pneumonia patient patchy solid disc left diaphragm heart "
    "glass space it"
)
COMMON = frozenset(COMMON_WORDS.split())


def corrected(text: str, probability: float = 0.5) -> str:
    words = [Word(word, float(i), i + 0.9, probability) for i, word in enumerate(text.split())]
    return " ".join(word.text for word in correct_misheard_terms(words, COMMON.__contains__))


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("pneumothorases,", "pneumothoraces,"),
        ("Leviscoliosis", "Levoscoliosis"),
        ("the hemid diaphragm.", "the hemidiaphragm."),
        ("Nonumothorax,", "No pneumothorax,"),
        ("are and remarkable.", "are unremarkable."),
        ("osteostructures", "osseous structures"),
        ("a speculated nodule", "a spiculated nodule"),
        ("the margin is speculated.", "the margin is spiculated."),
        ("patchy capacities", "patchy opacities"),
        ("solid module", "solid nodule"),
        ("hard size", "heart size"),
        ("bunny structures", "bony structures"),
        ("unathoracolumbar", "una thoracolumbar"),
        ("round lung module", "round lung nodule"),
        ("elobulated", "lobulated"),
        ("An module, right lower lobe of the lung, 14 mm", "An nodule, right lower lobe of the lung, 14 mm"),
        ("lung nodule, 7 mm, free of speculation", "lung nodule, 7 mm, free of spiculation"),
        ("an elongated avoid shape", "an elongated ovoid shape"),
        ("tenuation", "attenuation"),
        ("round lung nodule, 12 mm. No regulation", "round lung nodule, 12 mm. No lobulation"),
        ("no calcification or speculation,", "no calcification or spiculation,"),
        ("a non-speculated edge", "a non-spiculated edge"),
        ("it is and calcified.", "it is uncalcified."),
        ("solid, while circumscribed", "solid, well circumscribed"),
        ("the apical sediment", "the apical segment"),
        ("no enlarged killer nodes", "no enlarged hilar nodes"),
        ("Vocal opacity", "Focal opacity"),
        ("smooth orders", "smooth borders"),
        ("the margins are mostly well circumcised.", "the margins are mostly well circumscribed."),
        ("sharply circumcrived borders", "sharply circumscribed borders"),
        ("a boa-void adule", "a ovoid nodule"),
        ("It is avoidant shape.", "It is ovoid in shape."),
        ("nodule with a moderate degree of modulation", "nodule with a moderate degree of lobulation"),
        ("nodule, fine spike elation.", "nodule, fine spiculation."),
        ("Nose-piculation, trace-logulation", "No spiculation, trace lobulation"),
        ("lung nodule in the left lobe. No other modules.", "lung nodule in the left lobe. No other nodules."),
    ],
)
def test_misheard(heard, meant):
    assert corrected(heard) == meant


@pytest.mark.parametrize(
    "text",
    [
        "it was speculated that the patient",
        "vital capacity of the lung",
        "solid and calcified",
        "a vocal cord lesion",
        "while the margin is sharp",
        "one is well defined, while the other is not",
        "a vocal nodule",
        "he was circumcised as an infant",
        "tube current modulation without contrast",
        "avoidant personality",
        "a spike in temperature",
        "nose and throat",
        "urine sediment",
        "regulation of the heart",
        "natural killer cells of the node",
        "a disc module",
        "the air space",
        "bronchitis",
        "nonspecific",
        "hypodense and hyperdense",
        "uncalcified",
        "inoperable",
        "noncalcified unspiculated nonlobulated",
        "remarkable and remarkable",
        "Dr Granulomsky",
        "No other modules of the course.",
        "the next module of the software",
        "Chest CT, lung window, power module of the pacemaker",
        "to avoid this shape of the tube",
        "subdural hematoma",
        "constipation",
        "atypical infection",
        "loculated effusion",
        "portal hypertensive gastropathy",
        "vascular engorgement",
        "CT perfusion",
        "mediastinal silhouettes",
        "midthoracic vertebrae",
        "arthritic changes",
        "nonconsolidating",
        "symetrics",
        "typicals",
        "Head CT: bilateral",
        "the T9 vertebral body",
        "IJ catheter",
        "No non-calcified nodules",
        "no pleural effusion",
        "not pulmonary",
    ],
)
def test_left_alone(text):
    assert corrected(text) == text


@pytest.mark.parametrize("negation", ["no", "not", "without", "none", "never", "denies"])
def test_a_negation_never_vanishes(negation):
    for term in sorted(TERMS):
        assert corrected(f"{negation} {term}") == f"{negation} {term}"
        assert corrected(f"{negation} {term[:-2]}xz").split()[0] == negation


def test_true_texts_are_left_alone(shared_data):
    """Sentences of clinical texts, given as if the recognizer doubted every word."""
    path = shared_data / "negation" / "negex_gold.csv"
    if not path.is_file():
        pytest.skip("the clinical sentences are not beside this checkout (../shared/data/negation)")
    with path.open(encoding="utf-8") as file:
        sentences = [" ".join(row["sentence"].split()) for row in csv.DictReader(file)]
    # No word counts as common here: everything is a candidate for a correction.
    changed = [s for s in sentences if corrected(s) != s]
    assert len(changed) <= 2, changed  # of 1,188; "particular" and "consultation" are common words elsewhere


def test_what_the_recognizer_is_sure_of_is_left_alone():
    assert corrected("pneumothorases", probability=0.95) == "pneumothorases"


@pytest.mark.parametrize("prefix", ["non", "un", "hypo", "hyper", "de"])
def test_no_correction_turns_a_term_into_its_opposite(prefix):
    for term in TERMS:
        result = corrected(prefix + term)
        assert result.startswith(prefix) or result == "no " + term or term.startswith(prefix), result


def test_terms_themselves_are_left_alone():
    assert all(corrected(term) == term for term in TERMS)


def test_time_is_kept_and_the_word_is_marked_as_doubtful():
    words = [Word("hemid", 1.0, 1.5, 0.7), Word("diaphragm", 1.5, 2.0, 0.9)]
    assert correct_misheard_terms(words, COMMON.__contains__) == [
        Word("hemidiaphragm", 1.0, 2.0, CORRECTED_PROBABILITY)
    ]
    parts = correct_misheard_terms([Word("osteostructures.", 1.0, 2.0, 0.3)], COMMON.__contains__)
    assert parts == [Word("osseous", 1.0, 1.5, 0.3), Word("structures.", 1.5, 2.0, 0.3)]


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("nodule in the right lower lobe, it is not speculated, no effusion", "not spiculated"),
        ("nodule of the right middle lobe, 9 mm, and changed, no effusion", "9 mm, unchanged,"),
        ("lung nodule with mild ovulation in the lobe", "mild lobulation"),
        ("lobulated, no-hiller or mediastinal lymphadenopathy", "no hilar or"),
        ("consistent with amortoma.", "hamartoma."),
        ("irregular and spike-related nodule", "spiculated nodule"),
        ("mild center lobular emphysema", "mild centrilobular"),
        ("no mediastinal mess", "mediastinal mass"),
    ],
)
def test_terms_of_a_chest_ct_that_other_voices_were_misheard_in(heard, said):
    assert said in corrected(heard)


@pytest.mark.parametrize("text", ["left-sided effusion", "it was moved and changed", "they speculated that", "no-one"])
def test_words_that_only_look_tied_or_misheard(text):
    assert corrected(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "the patient is well circumcised",
        "partially circumcised child",
        "no modulation of the signal",
        "the degree of modulation",
        "the spike relation of waves",
        "the nose-pain",
        "a nose-piece",
        "minimal-invasive surgery",
    ],
)
def test_words_that_are_right_outside_of_a_chest(text):
    assert corrected(text) == text
