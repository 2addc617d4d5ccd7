"""The phrases of `wording`: many ways to say each level of each LIDC descriptor, in two disjoint families.

Each entry reads 'a | b // c | d': a and b are the "train" family, c and d the "held_out" family.
"""

from dataclasses import dataclass
from typing import Literal, final

Family = Literal["train", "held_out", "all"]


@final
@dataclass(frozen=True)
class Phrases:
    """Ways to say one thing, in two disjoint families."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]

    def of(self, family: Family) -> tuple[str, ...]:
        """The phrases that a family may use."""
        if family == "train":
            return self.train
        return self.held_out if family == "held_out" else self.train + self.held_out


def say(text: str) -> Phrases:
    """Read 'a | b // c | d': a and b are for training, c and d are held out."""
    train, _, held_out = text.partition("//")
    first, second = (tuple(part.strip() for part in half.split("|") if part.strip()) for half in (train, held_out))
    return Phrases(first, second)


def scale(*levels: str) -> tuple[Phrases, ...]:
    """One entry a level of a scale, from 1 up."""
    return tuple(say(level) for level in levels)


# What follows "with": a noun with its attributes, one entry a level.
NOUNS = {
    "subtlety": scale(
        "extremely subtle conspicuity | barely perceptible visibility | very low conspicuity "
        "| extremely faint visibility "
        "// extremely poor conspicuity | minimal contrast to the lung | next to no conspicuity",
        "moderately subtle conspicuity | low conspicuity | poor visibility | moderate subtlety "
        "// limited conspicuity | faint contrast to the lung",
        "fairly subtle conspicuity | intermediate conspicuity | fair visibility // average conspicuity "
        "| middling visibility",
        "moderately obvious conspicuity | good conspicuity | good visibility | moderately good contrast "
        "// fairly high conspicuity | ready visibility",
        "obvious conspicuity | high conspicuity | excellent visibility // very high conspicuity | striking conspicuity",
    ),
    "internal_structure": scale(
        "soft tissue density | soft-tissue attenuation | soft tissue internal structure "
        "| soft-tissue internal texture | a soft tissue interior "
        "// soft-tissue content | soft tissue composition | an inside of soft tissue",
        "fluid density | fluid attenuation | cystic content | internal fluid // fluid content "
        "| water attenuation inside | a fluid-filled interior",
        "internal fat | fat density | macroscopic fat // fatty content | fat attenuation inside | fatty composition",
        "internal air | air density | cavitation | internal lucency | an air-containing interior // gas content "
        "| an air-filled centre | intranodular gas",
    ),
    "calcification": scale(
        "popcorn calcification | popcorn-like calcification // a popcorn pattern of calcium "
        "| chunky popcorn calcifications",
        "laminated calcification | concentric calcification // a laminated pattern of calcium | lamellar calcification",
        "solid calcification | complete solid calcification | dense calcification | diffuse calcification "
        "| complete calcification "
        "// homogeneous calcification | dense calcium throughout | uniform calcification",
        "non-central calcification | eccentric calcification | peripheral calcification "
        "// off-centre calcification | calcium at the periphery | a marginal calcification",
        "central calcification | a central nidus of calcification // calcium in the centre | a calcified centre",
        "no calcification | absent calcification | no calcifications | no internal calcification "
        "| no calcific foci "
        "// no calcium | no evidence of calcification | no visible calcific deposits",
    ),
    "sphericity": scale(
        "a linear shape | a linear configuration | an elongated band-like shape // a band-like form "
        "| a strip-like morphology",
        "an ovoid to linear shape | an elongated ovoid shape | a shape between linear and ovoid "
        "// an elongated form | a rather linear, ovoid form | an oblong morphology",
        "an ovoid shape | ovoid sphericity | an oval shape | an ovoid configuration // an oval contour "
        "| an egg-shaped form | ovoid morphology",
        "an ovoid to round shape | a nearly round shape | an ovoid/round configuration "
        "// an almost round form | a roundish form | a slightly ovoid but mostly round shape",
        "a round shape | a rounded shape | a spherical shape | a globular shape | a round configuration "
        "// a spherical form | a perfectly round form | round morphology",
    ),
    "margin": scale(
        "poorly defined margins | ill-defined margins | a poorly defined border | indistinct margins "
        "| poor margin definition | vague margins "
        "// fuzzy edges | blurred borders | a hazy, unsharp edge | poorly circumscribed borders",
        "nearly poorly defined margins | near poorly defined margins | rather ill-defined margins "
        "| mostly indistinct margins "
        "// somewhat fuzzy edges | fairly blurred borders | largely unsharp borders",
        "medium margins | moderately defined margins | intermediate margin definition "
        "| moderately well-defined margins "
        "// partly defined borders | half-sharp edges | borders of intermediate sharpness",
        "near sharp margins | nearly sharp margins | mostly sharp margins | fairly well-defined margins "
        "| a near-sharp border "
        "// almost sharp edges | largely well-circumscribed borders | mostly crisp borders",
        "sharp margins | well-defined margins | sharply defined margins | a sharp border "
        "| smooth, clear-cut margins | well-demarcated margins "
        "// crisp edges | well-circumscribed borders | clearly demarcated borders | distinct edges",
    ),
    "lobulation": scale(
        "no lobulation | absent lobulation | a contour free of lobulation | a smooth non-lobulated contour "
        "| no lobulations // a non-lobulated contour | no lobular contour | no lobes",
        "nearly no lobulation | minimal lobulation | almost no lobulation | slight lobulation "
        "| a hint of lobulation | minor lobulation | subtle lobulation "
        "// hardly any lobulation | a trace of lobulation | very mild lobulation",
        "medium lobulation | a lobulated contour | moderate lobulation | some lobulation "
        "// intermediate lobulation | a moderately lobulated contour",
        "near marked lobulation | nearly marked lobulation | considerable lobulation | substantial lobulation "
        "// rather pronounced lobulation | a quite lobulated contour | fairly heavy lobulation",
        "marked lobulation | prominent lobulation | severe lobulation | extensive lobulation "
        "// pronounced lobulation | a strongly lobulated contour | a deeply lobulated outline",
    ),
    "spiculation": scale(
        "no spiculation | absent spiculation | a border free of spiculation | a smooth non-spiculated margin "
        "| no spiculations // no spicules | no radiating strands | a non-spiculated edge",
        "nearly no spiculation | minimal spiculation | almost no spiculation | slight spiculation "
        "| a hint of spiculation | minor spiculation | subtle spiculation "
        "// hardly any spiculation | one or two tiny spicules | very mild spiculation",
        "medium spiculation | a spiculated margin | moderate spiculation | some spiculation "
        "// intermediate spiculation | a moderate number of spicules",
        "near marked spiculation | nearly marked spiculation | considerable spiculation | substantial spiculation "
        "// rather pronounced spiculation | many spicules | fairly heavy spiculation",
        "marked spiculation | a spiculated corona | spicules radiating from the margin | prominent spiculation "
        "| severe spiculation | extensive spiculation "
        "// pronounced spiculation | numerous long spicules | a strongly spiculated edge | a sunburst of spicules",
    ),
    "texture": scale(
        "ground glass texture | ground-glass attenuation | pure ground glass density "
        "| hazy ground-glass opacity without a solid part | non-solid texture "
        "// purely nonsolid attenuation | GGO texture | a ground-glass consistency",
        "mostly ground glass texture | non-solid to mixed texture | ground glass with a tiny solid part "
        "// predominantly nonsolid attenuation | ground-glass consistency with minimal solid change",
        "part-solid texture | mixed solid and ground glass texture | subsolid texture with a solid component "
        "| a solid core within ground glass "
        "// semisolid consistency | mixed attenuation | both ground-glass and solid components",
        "mostly solid texture | solid to mixed texture | nearly solid texture "
        "// predominantly solid attenuation | a largely solid consistency "
        "| solid consistency with a little ground glass",
        "solid texture | solid attenuation | a solid nature | homogeneous solid density | a solid composition "
        "// solid consistency | entirely solid attenuation",
    ),
}

# What stands before "nodule".
ADJECTIVES = {
    "subtlety": scale(
        "extremely subtle | barely visible | very faint // hardly visible | almost imperceptible",
        "moderately subtle | subtle | faint // inconspicuous | rather subtle",
        "fairly subtle | somewhat subtle // mildly subtle | moderately conspicuous",
        "moderately obvious | fairly obvious | readily visible // quite conspicuous | well seen",
        "obvious | conspicuous | clearly visible // unmistakable | highly conspicuous",
    ),
    "internal_structure": scale(
        "soft-tissue | soft tissue density // soft-tissue-attenuation",
        "fluid-containing | cystic // fluid-filled",
        "fat-containing // fatty",
        "air-containing | cavitary // gas-containing",
    ),
    "calcification": scale(
        "popcorn-calcified // popcorn-like calcified",
        "laminated calcified // concentrically calcified",
        "densely calcified | solidly calcified | calcified // completely calcified | uniformly calcified",
        "eccentrically calcified // peripherally calcified",
        "centrally calcified // centrally calcific",
        "non-calcified | noncalcified // uncalcified | calcium-free",
    ),
    "sphericity": scale(
        "linear | band-like // strip-like",
        "ovoid to linear | elongated // oblong",
        "ovoid | oval // egg-shaped",
        "ovoid to round | nearly round // roundish | almost round",
        "round | spherical // perfectly round | ball-shaped",
    ),
    "margin": scale(
        "poorly defined | ill-defined | indistinct // fuzzy | poorly circumscribed",
        "rather ill-defined | nearly poorly defined // somewhat fuzzy | rather unsharp",
        "moderately defined | moderately well-defined // partly defined | half-sharp",
        "nearly sharp | fairly well-defined // almost sharply demarcated | mostly crisp",
        "well-defined | sharply marginated | sharp // well-circumscribed | crisply marginated",
    ),
    "lobulation": scale(
        "non-lobulated | nonlobulated // unlobulated",
        "minimally lobulated | slightly lobulated // barely lobulated",
        "moderately lobulated | lobulated // somewhat lobulated",
        "considerably lobulated | nearly markedly lobulated // quite lobulated",
        "markedly lobulated | prominently lobulated // strongly lobulated | heavily lobulated",
    ),
    "spiculation": scale(
        "non-spiculated | nonspiculated // unspiculated",
        "minimally spiculated | slightly spiculated // barely spiculated",
        "moderately spiculated | spiculated // somewhat spiculated",
        "considerably spiculated | nearly markedly spiculated // quite spiculated",
        "markedly spiculated | prominently spiculated // strongly spiculated | heavily spiculated",
    ),
    "texture": scale(
        "ground glass | pure ground-glass | non-solid // purely nonsolid | GGO-type",
        "mostly ground glass | predominantly non-solid // largely nonsolid",
        "part-solid | mixed solid and ground-glass // semisolid | partly solid",
        "mostly solid | predominantly solid // largely solid | solid-to-mixed",
        "solid | purely solid // entirely solid",
    ),
}

# Names of the scales in lists and forms, and how a whole sentence about one of them begins.
NAMES = {
    "subtlety": say("subtlety | conspicuity // visibility | subtlety of the finding"),
    "internal_structure": say("internal structure | internal composition // interior | inner structure"),
    "calcification": say("calcification | calcifications // calcium | calcification pattern"),
    "sphericity": say("sphericity | shape // form | roundness"),
    "margin": say("margin | margins // border | edge definition"),
    "lobulation": say("lobulation // lobulation of the contour | lobulated outline"),
    "spiculation": say("spiculation // spicules | spiculation of the edge"),
    "texture": say("texture | attenuation // consistency | solidity"),
}
VALUES = {
    "subtlety": "extremely subtle|moderately subtle|fairly subtle|moderately obvious|obvious",
    "internal_structure": "soft tissue|fluid|fat|air",
    "calcification": "popcorn|laminated|solid|non-central|central|absent",
    "sphericity": "linear|ovoid/linear|ovoid|ovoid/round|round",
    "margin": "poorly defined|near poorly defined|medium|near sharp|sharp",
    "lobulation": "none|nearly none|medium|near marked|marked",
    "spiculation": "none|nearly none|medium|near marked|marked",
    "texture": "non-solid/GGO|non-solid/mixed|part-solid/mixed|solid/mixed|solid",
}

SENTENCES = say(
    "it has {noun} | there is {noun} | {noun} is seen | it shows {noun} | {noun} noted "
    "| the nodule demonstrates {noun} "
    "| {noun} is present | the nodule is {adjective} | it is {adjective} | it appears {adjective} "
    "// one sees {noun} | {noun} can be appreciated | i find {noun} | {noun} observed | the lesion displays {noun} "
    "| {noun} is identified | it looks {adjective} | the finding is {adjective} | rated as {adjective}"
)
HEDGED = say(
    "probably {noun} | it is likely {adjective} | there appears to be {noun} // i would say {noun} "
    "| seemingly {adjective}"
)
OPENINGS = say(
    "there is a {adjectives} nodule in the {place}{size} | {adjectives} nodule, {place}{size} "
    "| a {adjectives} nodule is seen in the {place}{size} | {place}: {adjectives} nodule{size} "
    "| {adjectives} pulmonary nodule in the {place}{size} | in the {place} there is a {adjectives} lesion{size} "
    "// i note one {adjectives} lung nodule within the {place}{size} "
    "| the {place} contains a {adjectives} lesion{size} "
    "| focal {adjectives} opacity, {place}{size} | identified in the {place} is a {adjectives} nodular focus{size}"
)
SIZES = say(
    " measuring {mm} |, {mm} |, {mm} in diameter | of {mm} | that measures {mm} |, size {mm} "
    "| measuring approximately {mm} "
    "//, about {mm} across | with a largest diameter of {mm} |, roughly {mm} in size | ({mm}) "
    "|, greatest dimension {mm}"
)
SIZE_SENTENCES = say(
    "it measures {mm} | the diameter is {mm} | size {mm} | maximum diameter {mm} "
    "| measures {mm} in greatest dimension "
    "// {mm} across | its largest extent is {mm} | the long axis comes to {mm} | it spans {mm}"
)
PLACES = say(
    "right upper lobe | left upper lobe | right lower lobe | left lower lobe | middle lobe | lingula | RUL | LLL "
    "// apical segment on the right | left lung base | posterior right lung | LUL "
    "| superior segment of the left lower lobe"
)
AGES = say("{age}-year-old {sex} // {age} y/o {sex} | {sex} aged {age}")
INDICATIONS = say(
    "Indication: cough. | Lung cancer screening CT. | CLINICAL HISTORY: follow-up of a pulmonary nodule. "
    "| Indication: chest pain. "
    "// Reason for exam: shortness of breath. | History of smoking. | Incidental finding on radiograph."
)
METHODS = say(
    "Technique: CT of the chest without contrast. | Comparison: none. | TECHNIQUE: 1.25 mm axial slices. "
    "// Low-dose helical CT, 2.5 mm reconstructions. | No prior examination is available. | Contrast: not given."
)
OTHERS = say(
    "No pleural effusion. | No pneumothorax. | The heart is of normal size. | No mediastinal lymphadenopathy. "
    "| The airways are patent. "
    "| Mild degenerative changes of the spine. | The adrenal glands are normal. "
    "// No enlarged hilar nodes. | Central airways clear. | Upper abdomen unremarkable. | No pericardial effusion. "
    "| The aorta measures 3.2 cm. | Bones without acute abnormality."
)
IMPRESSIONS = say(
    "pulmonary nodule as described | {core} nodule in the {place} | single lung nodule, see above "
    "// lung nodule with the features listed above | {core} lesion, {place} | nodule as detailed in the findings"
)
CLOSINGS = say(
    "Clinical correlation advised. | Images reviewed on PACS. // Discuss at the next conference. | End of report."
)
DICTATED_STARTS = say(
    "okay | chest CT | findings | this is a chest CT | new paragraph | next nodule // alright "
    "| dictating the nodule now | so | nodule description"
)
FILLERS = say("uh | um // er | let me see | uh")


# Two or three absent features in one breath.
ABSENCES = say(
    "no {features} | without {features} | there is no {features} | no evidence of {features} "
    "// free of {features} | negative for {features}"
)
# The name of a scale and its word, as a sentence.
STATEMENTS = say(
    "{name} is {value} | {name} {value} | {name}: {value} | the {name} is {value} | {value} {name} "
    "// {name} rated {value} | {name} judged to be {value} | as to {name}, {value} | {name} of the nodule: {value}"
)
SCORES = say(
    "{level}/{top} | {level} of {top} | score {level} // {level} out of {top} | grade {level} "
    "| {level} on a scale of {top}"
)
SPOKEN_SCORES = say(
    "{level} of {top} | score {level} // {level} out of {top} | grade {level} | {level} on a scale of {top}"
)
