"""Words that the shipped text reader has not learned are written with those that it has, and are then read right."""

import time

import pytest
import torch

from diagnosis.bundle.folder import load_bundle
from diagnosis.networks.text_encoder import load_tokenizer
from diagnosis.preprocessing.canonical_text import canonicalize
from diagnosis.preprocessing.shorthand import written_in_full
from diagnosis.preprocessing.text import prepare_text
from diagnosis.vocabulary import DESCRIPTORS

PLACE = {descriptor.name: place for place, descriptor in enumerate(DESCRIPTORS)}


@pytest.fixture(scope="module")
def read_rating(checkout):
    """(text, descriptor) to the rating that the shipped bundle reads."""
    network = load_bundle(checkout / "models" / "lung_nodule").network
    tokenizer = load_tokenizer(network.config.text_encoder)

    @torch.inference_mode()
    def read(text, descriptor):
        ids = torch.from_numpy(prepare_text(text, tokenizer, 256).ids)[None]
        mask = torch.ones_like(ids, dtype=torch.bool)
        states = network.bert(network.bert.word_embeddings(ids), mask)
        return float(network.read_text(states, mask)[0].ratings[0, PLACE[descriptor]])

    return read


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("There is obvious spiculation.", "There is considerable spiculation."),
        (
            "obvious spiculation that suggests it may be malignant",
            "considerable spiculation that suggests it may be malignant",
        ),
        ("with striking lobulation, solid", "with marked lobulation, solid"),
        ("a good deal of spiculation", "considerable spiculation"),
        ("a moderate degree of lobulation", "moderate lobulation"),
        ("moderate to severe spiculation", "considerable spiculation"),
        ("next to no spiculation", "nearly no spiculation"),
        ("Spiculation is definite. Lobulation: low", "considerable spiculation. slight lobulation"),
        ("Lobulation: very high\nSpiculation: hardly any", "marked lobulation\nnearly no spiculation"),
        ("no calcification, florid spiculation", "no calcification, marked spiculation"),
        ("distinctly spiculated and grossly lobulated", "considerably spiculated and markedly lobulated"),
        ("The margin is not obviously spiculated.", "The margin is non-spiculated."),
        ("not very lobulated", "slightly lobulated"),
        ("innumerable spicules", "marked spiculation"),
        ("Spiculation present", "moderate spiculation present"),
        ("solid, spiculation is seen", "solid, moderate spiculation is seen"),
        ("Spiculation is not a feature. Lobulation was looked for.", "no spiculation. Lobulation was looked for."),
        ("Lobulation not evident; spiculation is not a prominent feature", "no lobulation; no spiculation"),
        ("a suggestion of very fine spiculation", "slight spiculation"),
        ("several shallow lobulations", "moderate lobulation"),
        ("Spiculated: moderately\nLobulated: severe", "moderate spiculation\nmarked lobulation"),
        ("positive for lobulation", "positive for moderate lobulation"),
        ("spiculated ++, lobulation: +++", "considerable spiculation, marked lobulation"),
        ("Spiculation: 4/5; Lobulation: 1", "considerable spiculation; no lobulation"),
        ("margin sharpness: 2/5, conspicuity: 5/5", "rather ill-defined margin, obvious"),
        ("internalStructure=1, calcification=6, texture=3", "soft-tissue, no calcification, part-solid texture"),
        ("Sphericity is rated 4 out of 5. Margin: 5", "nearly round shape. well-defined margin"),
        ('{"spiculation": 2, "lobulation": 1}', '{"slight spiculation, "no lobulation}'),
        ("calcification 3/6, spiculation grade 5", "solid calcification, marked spiculation"),
        # The answer on one scale is none on the next.
        ("Subtlety: Obvious\nSpiculation: none", "Subtlety: Obvious\nno spiculation"),
        ("subtlety obvious spiculation none", "subtlety obvious no spiculation"),
        ("slight spiculation\nObvious", "slight spiculation\nObvious"),
        ("marked lobulation\nMild emphysema", "marked lobulation\nMild emphysema"),
        ("subtlety obvious spiculation, oval", "subtlety obvious spiculation, oval"),
        ("calcification 2/5, sphericity 7, texture 4 mm", "calcification 2 out of 5, sphericity 7, texture 4 mm"),
        # What is denied, asked for, or something else, stays.
        ("no obvious spiculation", "no obvious spiculation"),
        ("no lobulation or obvious spiculation", "no lobulation or obvious spiculation"),
        ("without lobulation, calcification, or definite spiculation",) * 2,
        ("There is no evidence of spiculation.",) * 2,
        ("if spiculation is present, biopsy",) * 2,
        ("Slight spiculation is seen", "Slight spiculation is seen"),
        ("spiculation is not present", "no spiculation"),
        ("lobulation: 3 mm deep", "lobulation: 3 mm deep"),
        ("spiculation 4/50", "spiculation 4/50"),
    ],
)
def test_words_of_degree(written, canonical):
    assert canonicalize(written).text == canonical


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("Margin definition: excellent", "Margin definition: well-defined"),
        ("Margins: good; Border: poor", "Margins: fairly well-defined; Border: poorly defined"),
        ("Its edges are not sharp.", "Its edges are ill-defined."),
        ("margins are not very crisp", "margins are rather ill-defined"),
        ("The borders are not clearly defined.", "The borders are not well defined."),
        ("in part sharp and in part hazy", "moderately defined"),
        ("partly indistinct, partly well-defined margins", "moderately defined margins"),
        ("edge part sharp part blurred", "edge moderately defined"),
        ("margins fading into the surrounding lung", "margins ill-defined"),
        ("It blends imperceptibly with the adjacent parenchyma.", "It ill-defined."),
        ("moderately crisp edges, borders not discernible", "moderately defined edges, borders ill-defined"),
        ("moderately clear-cut borders", "moderately clear-cut borders"),
        ("neither sharp nor blurred", "moderately defined"),
        ("partially circumscribed margins", "moderately defined margins"),
        ("with clear borders", "with clear-cut borders"),
        ("The outline is rather smudged.", "The outline is rather ill-defined."),
        ("Texture: Mixed\nMargin: sharp", "Texture: Mixed\nMargin: sharp"),
        ("good inspiration, clear lungs", "good inspiration, clear lungs"),
        ("The margin is sharp; image quality excellent.",) * 2,
        ("no clear border between mass and hilum",) * 2,
    ],
)
def test_words_of_edges(written, canonical):
    assert canonicalize(written).text == canonical


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("The nodule is solid throughout.", "The nodule is solid."),
        ("sharp throughout, and round", "sharp, and round"),
        ("calcified throughout", "calcified throughout"),
        ("dense calcium throughout", "dense calcium throughout"),
        ("nodules throughout both lungs", "nodules throughout both lungs"),
        ("no popcorn or central calcification", "no calcification"),
        ("Calcification: present, eccentric", "eccentric calcification"),
        ("Calcification pattern: diffuse", "diffuse calcification"),
        ("The nodule is calcified.", "The nodule is densely calcified."),
        ("a 5 mm calcified lung nodule", "a 5 mm densely calcified lung nodule"),
        ("calcified from edge to edge", "densely calcified"),
        ("rock-hard, with calcium all the way through", "rock-hard, with dense calcium throughout"),
        ("a vessel runs all the way through", "a vessel runs all the way through"),
        ("solid all through - round", "solid - round"),
        ("zero calcification", "no calcification"),
        ("It does not contain any internal calcium.", "It has no calcification."),
        ("not a hint of spiculation, lacks lobulation", "no spiculation, has no lobulation"),
        ("Spiculation was not observed. Calcifications are absent", "no spiculation. no calcification"),
        ("8 mm nodule, smooth, calcified, round", "8 mm nodule, smooth, densely calcified, round"),
        ("8 mm nodule - heavily calcified - oval", "8 mm nodule - densely calcified - oval"),
        ("nodule, centrally, calcified, round", "nodule, centrally, calcified, round"),
        ("a 6 mm laminated calcified nodule", "a 6 mm laminated calcified nodule"),
        ("Mitral leaflets thickened, calcified and restricted",) * 2,
        ("8 mm nodule. Aorta, calcified.", "8 mm nodule. Aorta, calcified."),
        ("no calcified nodule", "no calcified nodule"),
        ("The aorta is calcified. Calcified lymph nodes.",) * 2,
        ("partially calcified nodule", "partially calcified nodule"),
        ("a non calcified nodule", "a non calcified nodule"),
        ("Density: dense", "Density: solid"),
        ("The nodule is dense and solid", "The nodule is solid"),
        ("ground glass without any solid component", "ground glass non-solid"),
        ("part-solid, predominantly solid", "mostly solid"),
        ("mainly solid with a thin ground-glass halo", "mostly solid"),
        ("half solid, half ground glass", "part-solid"),
        ("a bean-shaped lesion", "a ovoid lesion"),
        ("it cannot be missed", "it is unmistakable"),
    ],
)
def test_other_words(written, canonical):
    assert canonicalize(written).text == canonical


@pytest.mark.parametrize(
    ("said", "descriptor", "lowest", "highest"),
    [
        ("Obvious spiculation", "spiculation", 3.5, 5),
        ("Spiculation is seen", "spiculation", 2.5, 4),
        ("Spiculation: florid", "spiculation", 4.5, 5),
        ("Spiculation: 5/5", "spiculation", 4.5, 5),
        ("No overt spiculation", "spiculation", 1, 2.1),
        ("Distinct lobulation", "lobulation", 3.5, 5),
        ("Lobulation: high", "lobulation", 3.5, 5),
        ("The edge is not sharp", "margin", 1, 2.5),
        ("Margins in part sharp and in part fuzzy", "margin", 2.5, 3.5),
        ("Margin sharpness: 1/5", "margin", 1, 1.5),
        ("The nodule is solid throughout", "calcification", 5.5, 6),
        ("No popcorn calcification", "calcification", 5.5, 6),
        ("The nodule is calcified", "calcification", 2.5, 3.5),
        ("Ground glass without a solid component", "texture", 1, 1.5),
    ],
)
def test_they_are_read_right_by_the_shipped_reader(read_rating, said, descriptor, lowest, highest):
    others = {
        "calcification": "No calcification is identified",
        "texture": "The nodule is solid",
        "margin": "Sharp margins",
        "lobulation": "Moderate lobulation",
        "spiculation": "Slight spiculation",
    }
    rest = [text for name, text in others.items() if name != descriptor or "throughout" in said]
    rest = [text for text in rest if not (descriptor == "calcification" and "throughout" in said and "solid" in text)]
    text = f"There is a 14 mm nodule in the left upper lobe. {rest[0]}. {said}. {'. '.join(rest[1:])}."
    assert lowest <= read_rating(text, descriptor) <= highest, canonicalize(text).text


@pytest.mark.parametrize(
    "filler", [" ", "obvious ", "spiculation ", "no solid ", "partly sharp ", "very ", "throughout ", "a-calcified, "]
)
def test_they_are_found_in_a_time_that_grows_with_the_text(filler):
    start = time.process_time()
    list(written_in_full("spiculation " * 50 + filler * 20_000))
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "text",
    [
        "Spiculation is present but minimal.",
        "Spiculation is present and marked.",
        "Spiculation seen, severe.",
        "The spiculation seen previously is gone.",
        "Spiculation noted on the first CT has resolved.",
        "The presence of spiculation would raise concern.",
        "Extreme spiculation was excluded.",
        "Definite lobulation cannot be seen.",
        "Definite spiculation?",
        "How much spiculation is there",
        "No calcification, obvious spiculation, or definite lobulation.",
        "No cavity, significant lobulation or fat.",
        "Hardly significant spiculation.",
        "Rather than obvious spiculation there is a smooth edge.",
        "Coronary artery calcification: 3.",
        "Coronary calcification: present.",
        "Aortic calcification grade 2.",
        "Surgical margin: 1.",
        "A nodule is seen. The aorta is tortuous. It is heavily calcified.",
        "8 mm nodule. Kidney: cyst, calcified.",
        "The thyroid nodule is calcified.",
        "Renal cyst without solid component.",
        "Breast density: dense.",
        "Lymph node with clear margins.",
        "Resected with clear margins.",
        "The lungs are clear margins of the nodule are ill-defined.",
        "The edge does not fade into the surrounding lung.",
    ],
)
def test_what_is_taken_back_measured_or_said_of_an_organ_stays_as_it_is(text):
    assert canonicalize(text).text == text
