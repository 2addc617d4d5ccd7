"""The words of `free_prose`: how each level of each LIDC descriptor is said when nobody thinks of the scale.

`NOUNS` stand after "with" or before "is seen"; `ADJECTIVES` stand before "nodule" or after "is"; `SHORTHAND` is what is
typed in a hurry; `CLAUSES` are whole clauses. `{none}` to `{very}` stand for a word of that degree.
"""

Level = tuple[str, ...]
Scale = tuple[Level, ...]

DEGREES: dict[str, Level] = {
    "none": ("no", "no visible", "no definite", "no evidence of", "no appreciable", "absent", "no obvious"),
    "slight": (
        "minimal",
        "slight",
        "faint",
        "mild",
        "trace",
        "scant",
        "minor",
        "questionable",
        "only slight",
        "a bit of",
    ),
    "some": ("moderate", "some", "medium", "intermediate", "a fair amount of", "moderate degree of"),
    "clear": ("considerable", "definite", "clear", "notable", "significant", "distinct", "quite some", "substantial"),
    "very": ("marked", "severe", "extensive", "striking", "prominent", "pronounced", "heavy", "gross", "dramatic"),
    "slightly": ("minimally", "slightly", "mildly", "barely", "faintly", "a little", "perhaps slightly", "just"),
    "somewhat": ("moderately", "somewhat", "partly", "to some degree", "modestly"),
    "quite": ("clearly", "quite", "definitely", "considerably", "distinctly", "rather strongly", "notably"),
    "highly": ("markedly", "very", "extremely", "severely", "heavily", "strikingly", "highly", "grossly"),
    "mostly": ("mostly", "predominantly", "mainly", "largely", "primarily", "chiefly", "for the most part"),
    "nearly": ("nearly", "almost", "fairly", "relatively", "reasonably", "mostly", "largely", "near"),
    "rather": ("rather", "somewhat", "fairly", "relatively", "slightly", "a bit", "mostly"),
    "little": ("a small", "a tiny", "a minor", "a little", "minimal", "some", "a slight", "a thin"),
}


def _scale(*levels: str) -> Scale:
    return tuple(tuple(part.strip() for part in level.split("|")) for level in levels)


NOUNS: dict[str, Scale] = {
    "subtlety": _scale(
        "very poor visibility | hardly any contrast with the lung | extremely low conspicuity | marginal visibility",
        "poor conspicuity | low contrast against the lung | reduced visibility | limited visibility",
        "moderate conspicuity | medium visibility | average contrast with the lung | acceptable visibility",
        "good conspicuity | fairly good visibility | good contrast | above average conspicuity",
        "excellent conspicuity | very good visibility | unequivocal visibility | high contrast with the lung",
    ),
    "internal_structure": _scale(
        "soft tissue density | soft-tissue attenuation | soft tissue contents | soft tissue composition",
        "fluid attenuation | cystic change | water density | liquid contents | fluid contents",
        "fat | fatty components | fat density | lipid content | areas of negative attenuation from fat",
        "a cavity | cavitation | an air pocket | gas inside | central air | air bubbles | internal lucencies",
    ),
    "calcification": _scale(
        "popcorn calcification | chondroid calcification | popcorn-type calcium",
        "laminated calcification | layered calcium | rings of calcium | onion-skin calcification",
        "diffuse calcification | total calcification | dense calcium throughout | solid calcification",
        "eccentric calcification | off-center calcium | a peripheral calcification | noncentral calcium",
        "central calcification | a calcified center | a bull's-eye calcification | calcium at its center",
        "{none} calcification | {none} calcium | {none} calcifications | no calcified component | no Ca "
        "| no calcific density",
    ),
    "sphericity": _scale(
        "a linear shape | a streak-like shape | a tubular form | a rod-like form | a linear morphology",
        "an elongated shape | an oblong form | a cigar-shaped morphology | a spindle shape | a stretched oval shape",
        "an oval shape | an elliptical shape | an ovoid morphology | an ellipsoid form | an olive-like shape",
        "a {nearly} round shape | a {nearly} spherical form | a round to oval shape | a slightly oval shape",
        "a round shape | a circular shape | a globular form | a ball-like shape | a spheroidal morphology",
    ),
    "margin": _scale(
        "blurry {edges} | ill-defined {edges} | hazy {edges} | indistinct {edges} | no clear border "
        "| poor {edge} definition | poorly delineated {edges} | {edges} that merge with the lung | obscured {edges}",
        "{rather} ill-defined {edges} | {rather} blurry {edges} | {rather} indistinct {edges} | {rather} fuzzy {edges} "
        "| {edges} that are not well seen | suboptimal {edge} definition | near poorly defined {edges}",
        "partially defined {edges} | moderately sharp {edges} | intermediate {edges} | {edges} of medium sharpness "
        "| incompletely defined {edges} | moderate {edge} definition",
        "{nearly} sharp {edges} | {nearly} well-defined {edges} | {nearly} distinct {edges} | good {edge} definition "
        "| {nearly} smooth and sharp {edges}",
        "sharp {edges} | well-defined {edges} | well-circumscribed {edges} | smooth {edges} | discrete {edges} "
        "| crisp {edges} | clean {edges} | well delineated {edges} | excellent {edge} definition",
    ),
    "lobulation": _scale(
        "{none} lobulation | {none} lobulations | {none} lobularity | an even outline | no scalloping | no bulges",
        "{slight} lobulation | {slight} lobularity | a {slightly} lobulated outline | a {slightly} bumpy outline",
        "{some} lobulation | {some} lobularity | a {somewhat} lobulated outline | a {somewhat} bumpy outline",
        "{clear} lobulation | a {quite} lobulated outline | a {quite} scalloped border | near marked lobulation",
        "{very} lobulation | a {highly} lobulated outline | multiple lobulations | a knobby, multilobulated outline",
    ),
    "spiculation": _scale(
        "{none} spiculation | {none} spiculations | {none} spicules | {none} spikes "
        "| no radiating lines | no corona radiata",
        "{slight} spiculation | a few tiny spicules | a {slightly} spiculated edge | {slight} stranding from the edge",
        "{some} spiculation | some spicules | a {somewhat} spiculated edge | some radiating lines | a few spikes",
        "{clear} spiculation | many spikes | a {quite} spiculated edge | {clear} radiating lines "
        "| near marked spiculation",
        "{very} spiculation | a {highly} spiculated edge | a corona radiata | long spikes on all sides "
        "| a stellate border",
    ),
    "texture": _scale(
        "ground-glass attenuation | pure ground glass | GGO | nonsolid attenuation | only ground-glass density",
        "{mostly} ground-glass attenuation | ground glass with {little} solid component | ground glass more than solid",
        "part-solid attenuation | mixed attenuation | a solid component inside ground glass | semisolid density "
        "| ground glass and solid parts in equal measure",
        "{mostly} solid attenuation | solid attenuation with {little} ground-glass rim | more solid than ground glass "
        "| a solid lesion with {little} ground-glass component",
        "solid attenuation | a solid appearance | fully solid density | homogeneous solid tissue",
    ),
}

ADJECTIVES: dict[str, Scale] = {
    "subtlety": _scale(
        "{highly} subtle | scarcely visible | nearly invisible | easily missed | {highly} faint | very hard to see",
        "subtle | faint | hard to see | inconspicuous | {rather} subtle | difficult to see | not conspicuous",
        "moderately visible | moderately conspicuous | visible | {somewhat} conspicuous | discernible",
        "well seen | easily seen | {nearly} obvious | well visualized | {quite} visible | conspicuous",
        "obvious | prominent | {highly} conspicuous | unmistakable | very evident | impossible to miss | eye-catching",
    ),
    "internal_structure": _scale(
        "soft-tissue | soft tissue density | of soft tissue density",
        "cystic | fluid-filled | fluid-attenuating | fluid density",
        "fat-containing | fatty | lipomatous",
        "cavitary | cavitating | cavitated | air-filled | gas-containing | excavated",
    ),
    "calcification": _scale(
        "popcorn-calcified",
        "lamellar calcified | concentrically calcified",
        "fully calcified | diffusely calcified | entirely calcified | calcified throughout | totally calcified",
        "eccentrically calcified | calcified at its edge | peripherally calcified",
        "centrally calcified | calcified in the middle",
        "non-calcified | noncalcified | not calcified | uncalcified | nonCa",
    ),
    "sphericity": _scale(
        "linear | tubular | streak-like | band-shaped",
        "elongated | oblong | cigar-shaped | spindle-shaped | longer than wide | elongate",
        "oval | ovoid | elliptical | ellipsoid | olive-shaped",
        "{nearly} round | roundish | {nearly} spherical | slightly oval | oval to round",
        "round | circular | globular | spherical | ball-like | rounded | spheroidal",
    ),
    "margin": _scale(
        "ill-defined | blurry | poorly marginated | indistinct | hazy-edged | poorly demarcated | vague in outline",
        "{rather} ill-defined | {rather} indistinct | {rather} vague in outline | not well defined",
        "moderately well defined | partially defined | {somewhat} sharp | intermediately defined",
        "{nearly} well-defined | {nearly} sharp | {nearly} well-circumscribed | {nearly} well-marginated",
        "well-defined | sharply defined | well-circumscribed | smoothly marginated | well-delineated | circumscribed",
    ),
    "lobulation": _scale(
        "not lobulated | nonlobulated | non-lobulated | even in contour | unlobulated",
        "{slightly} lobulated | {slightly} lobular",
        "{somewhat} lobulated | lobulated in part",
        "{quite} lobulated | lobulated | {quite} scalloped",
        "{highly} lobulated | multilobulated | polylobulated",
    ),
    "spiculation": _scale(
        "not spiculated | nonspiculated | non-spiculated | free of spicules | without spikes",
        "{slightly} spiculated | {slightly} spiky",
        "{somewhat} spiculated | spiculated in part",
        "{quite} spiculated | spiculated | {quite} spiky",
        "{highly} spiculated | stellate | {highly} spiky | densely spiculated",
    ),
    "texture": _scale(
        "ground-glass | pure ground-glass | non-solid | nonsolid | GGO | ground glass",
        "{mostly} ground-glass | {mostly} nonsolid | ground glass predominant",
        "part-solid | subsolid | semisolid | partially solid | mixed-density | semi-solid",
        "{mostly} solid | solid predominant | {nearly} completely solid",
        "solid | completely solid | fully solid | wholly solid",
    ),
}

SHORTHAND: dict[str, Scale] = {
    "subtlety": _scale(
        "v. faint | extr subtle", "subtle | faint", "mod subtle | mod visible", "well seen", "obv | clearly vis"
    ),
    "internal_structure": _scale(
        "ST | soft tiss | ST att", "fluid | cystic", "fat | fatty", "cav + | air + | cavitary"
    ),
    "calcification": _scale(
        "popcorn ca",
        "lam ca | layered ca",
        "dense ca | calc throughout",
        "ecc ca | periph calc",
        "ctr ca | calc center",
        "no ca | ca - | calc 0 | calc neg | ca absent | non-calc | no calcs | calc: no",
    ),
    "sphericity": _scale("linear", "elong | oblong", "oval | ovoid", "rd-oval | near round", "rd | round"),
    "margin": _scale(
        "ill-def | poorly def margins | fuzzy",
        "somewhat ill-def | rather fuzzy",
        "mod well def | med margin",
        "near sharp | fairly sharp",
        "well-def | sharp | well-circ | smooth",
    ),
    "lobulation": _scale(
        "lob - | no lob | lob neg | lob 0",
        "slight lob | lob (+) | lob +/- | tr lob",
        "mod lob | lob +",
        "lob ++ | lob'd",
        "lob +++ | marked lob | severe lob",
    ),
    "spiculation": _scale(
        "spic - | spic neg | no spics | spic 0",
        "slight spic | spic (+) | spic +/- | tr spic",
        "mod spics | spic +",
        "spic ++ | spic'd",
        "spic +++ | severe spic | marked spics",
    ),
    "texture": _scale(
        "GGO | GGN | pure GG | nonsolid",
        "GGN w/ tiny solid | mainly GG",
        "PSN | part-solid | subsolid | semi-solid",
        "mainly solid | solid w/ GG rim",
        "solid | SN | sol",
    ),
}

CLAUSES: dict[str, Scale] = {
    "subtlety": _scale(
        "it can hardly be seen | one could easily miss it | it barely shows",
        "it is not easily seen | it does not show well | one has to look twice",
        "it shows moderately well | it can be seen with ordinary attention",
        "it is seen without difficulty | it shows well",
        "nobody would miss it | it is seen at first glance | it is evident at once",
    ),
    "internal_structure": _scale(
        "inside it is soft tissue | the contents are of soft tissue density",
        "its contents are fluid | it holds fluid",
        "it contains fat | fat is seen within it",
        "it contains air | gas is seen within it | it has cavitated",
    ),
    "calcification": _scale(
        "the calcium has a popcorn look",
        "the calcium lies in layers",
        "all of it is calcified | calcium fills it",
        "calcium lies away from the center | a speck of calcium sits near the edge",
        "calcium lies in the center | its middle is calcified",
        "it has no calcium | it does not contain calcium | calcification is absent | calcifications are not seen "
        "| it lacks calcification | nothing in it is calcified",
    ),
    "sphericity": _scale(
        "it runs like a line | it is shaped like a band",
        "its length exceeds its width by far | it is drawn out",
        "its shape is that of an egg | it is shaped like an olive",
        "it comes close to a sphere | its shape is close to round",
        "its shape is round | it is a sphere",
    ),
    "margin": _scale(
        "its {edges} cannot be traced | the {edges} fade out | the {edges} are ill-defined | the {edge} is unclear",
        "its {edges} are hard to trace | the {edges} are {rather} unclear | the {edges} are {rather} indistinct",
        "its {edges} can be traced in part | the {edges} are of medium sharpness",
        "its {edges} can mostly be traced | the {edges} are {nearly} sharp | the {edges} are {nearly} clear",
        "its {edges} are easily traced | the {edges} are sharp | the {edges} are clear-cut "
        "| the {edge} is smooth and sharp",
    ),
    "lobulation": _scale(
        "lobulation is absent | lobulations are not seen | it lacks lobulation | its outline does not bulge",
        "its outline bulges a little | lobulation is slight | there may be a little lobulation",
        "its outline bulges here and there | lobulation is moderate",
        "its outline bulges in several places | lobulation is evident",
        "its outline bulges everywhere | lobulation is severe | its outline is that of a raspberry",
    ),
    "spiculation": _scale(
        "spiculation is absent | spiculations are not seen | it lacks spicules | nothing radiates from it",
        "spiculation is slight | there may be a little spiculation | one or two short lines leave it",
        "spiculation is moderate | some lines radiate from it",
        "spiculation is evident | many lines radiate from it",
        "spiculation is severe | lines radiate from it on all sides | it looks like a star",
    ),
    "texture": _scale(
        "it consists of ground glass | vessels remain visible inside it | no part of it is solid",
        "most of it is ground glass | only a speck of it is solid",
        "part of it is solid and part ground glass | it has a ground-glass part and a solid part",
        "most of it is solid | it is solid but for a little ground glass",
        "all of it is solid | it is of solid density",
    ),
}

EDGES = (
    ("margins", "margin"),
    ("borders", "border"),
    ("edges", "edge"),
    ("contours", "contour"),
    ("boundaries", "boundary"),
)
"""Plural and singular of what stands for `{edges}` and `{edge}`."""

NAMES: dict[str, Level] = {
    "subtlety": ("subtlety", "conspicuity", "visibility", "detectability"),
    "internal_structure": ("internal structure", "content", "contents", "composition", "internal architecture"),
    "calcification": ("calcification", "calcifications", "calcium", "calc", "Ca"),
    "sphericity": ("sphericity", "shape", "form", "morphology"),
    "margin": ("margin", "margins", "border", "borders", "edges", "margination"),
    "lobulation": ("lobulation", "lobulations", "lobularity", "lobulated"),
    "spiculation": ("spiculation", "spiculations", "spicules", "spiculated"),
    "texture": ("texture", "density", "attenuation", "type", "consistency", "solidity"),
}
"""Names of the scales in lists and forms."""
VALUES: dict[str, Scale] = {
    "subtlety": _scale(
        "extremely subtle | very low",
        "moderately subtle | subtle | low",
        "fairly subtle | moderate | medium",
        "moderately obvious | good",
        "obvious | high | very good",
    ),
    "internal_structure": _scale("soft tissue", "fluid | cystic", "fat | fatty", "air | gas | cavitation"),
    "calcification": _scale(
        "popcorn",
        "laminated",
        "solid | diffuse | dense",
        "non-central | eccentric",
        "central",
        "absent | none | no | negative | 0",
    ),
    "sphericity": _scale(
        "linear", "ovoid/linear | elongated", "ovoid | oval", "ovoid/round | round-oval", "round | spherical"
    ),
    "margin": _scale(
        "poorly defined | ill-defined | indistinct",
        "near poorly defined | rather ill-defined",
        "medium | medium margin | moderate",
        "near sharp | fairly sharp",
        "sharp | smooth | well-defined | circumscribed",
    ),
    "lobulation": _scale(
        "none | no | absent | no lobulation | negative",
        "nearly none | nearly no lobulation | minimal | slight",
        "medium | medium lobulation | moderate",
        "near marked | near marked lobulation | considerable",
        "marked | marked lobulation | severe",
    ),
    "spiculation": _scale(
        "none | no | absent | no spiculation | negative",
        "nearly none | nearly no spiculation | minimal | slight",
        "medium | medium spiculation | moderate",
        "near marked | near marked spiculation | considerable",
        "marked | marked spiculation | severe",
    ),
    "texture": _scale(
        "non-solid/GGO | ground-glass | nonsolid | GGO",
        "non-solid/mixed | mostly ground-glass",
        "part-solid/mixed | part-solid | mixed",
        "solid/mixed | mostly solid",
        "solid",
    ),
}
