"""Words of calcification, texture, shape and visibility that the text encoder's reader has not learned.

What is heard wrongly is written with words of the same meaning: "solid throughout" is heard as calcified throughout,
"no popcorn calcification" as popcorn, "calcified nodule" as one without calcification, "no solid component" as solid.
"""

import re
from collections.abc import Iterator

from diagnosis.preprocessing.degrees import CLAUSE_ENDS, ITEM_END, LOOK_BACK, Rewrite, is_denied, is_of_another

_PATTERN = r"(?:dense|gross|coarse|central|eccentric|peripheral|popcorn(?:-like)?|laminated|benign|solid|diffuse)"
_MUCH = r"(?:(?:heavily|highly|totally|very)\s)?"
_VISIBLE = r"(?:(?:discrete|measurable|definite|visible|internal)\s)?"
_NONE_OF = (
    r"(?:zero|(?:an?\s|the\s)?absence\sof|devoid\sof|lacking"
    r"|(?:no|without(?:\san?y?)?|not\san?y?)\s(?:hint|trace|sign|speck)s?\sof)\s"
)
_HAS_NOT = r"(?:lacks|(?:does|do|did)\snot\s(?:contain|show|exhibit|have|harbou?r|demonstrate))\s"
_ANY = r"(?:any\s)?(?:(?:internal|intralesional|intrinsic|visible|appreciable|gross|overt)\s)?"
_CALCIUM = r"(?:calcifications?|calcium|calcs?|calcific\s(?:foci|deposits?))"
_SPICULES = r"(?:spiculations?|spicules)"
_ALL_OF_IT = (
    r"(?:(?:all\sthe\sway|right)\sthrough|through\sand\sthrough|in\s(?:its|their)\sentirety"
    r"|from\s(?:one\s)?(?:edge|side|rim|end|margin)\sto\s(?:the\s)?(?:edge|side|rim|end|margin|other))\b"
)
_LITTLE = r"(?:(?:minor|small|thin|minimal|little|slight)\s)?"
_PARTS = r"(?:component|part|portion|element|rim|halo)s?"
_GROUND_GLASS = r"ground[- ]glass"
_WORDS: tuple[tuple[str, str], ...] = (
    (
        rf"\b(?:no|without(?:\sany)?)\s{_PATTERN}(?:(?:,?\s(?:or|and)\s|,\s){_PATTERN}){{0,4}}\scalcifications?\b",
        "no calcification",
    ),
    (rf"\b{_NONE_OF}{_ANY}{_CALCIUM}\b", "no calcification"),
    (rf"\b{_NONE_OF}{_ANY}{_SPICULES}\b", "no spiculation"),
    (rf"\b{_NONE_OF}{_ANY}lobulations?\b", "no lobulation"),
    (rf"\b{_HAS_NOT}{_ANY}{_CALCIUM}\b", "has no calcification"),
    (rf"\b{_HAS_NOT}{_ANY}{_SPICULES}\b", "has no spiculation"),
    (rf"\b{_HAS_NOT}{_ANY}lobulations?\b", "has no lobulation"),
    (r"\b(?:stands\sout(?:\sclearly)?|very\s(?:easy\sto\s(?:see|spot)|easily\s(?:seen|visible)))\b", "obvious"),
    (rf"\bcalcified\s{_ALL_OF_IT}", "densely calcified"),
    (rf"\b(?:with|of|has|shows|contains)\scalcium\s{_ALL_OF_IT}", "with dense calcium throughout"),
    (rf"(?<=\bdensity:\s)(?<!breast\sdensity:\s)(?<!bone\sdensity:\s)dense{ITEM_END}", "solid"),
    (rf"(?<=\battenuation:\s)dense{ITEM_END}", "solid"),
    (rf"(?<=\bconsistency:\s)dense{ITEM_END}", "solid"),
    (r"\b(?:dense\sand\ssolid|solid\sand\sdense)\b(?!\scalc)", "solid"),
    (r"\b100\s?%\ssolid\b", "entirely solid"),
    (
        rf"\b(?:no|without(?:\san?y?)?)\s{_VISIBLE}solid\s(?:component|part|portion|element|core|focus)s?\b",
        "non-solid",
    ),
    (rf"\bhalf[- ]solid,?\s(?:and\s)?half[- ]{_GROUND_GLASS}\b", "part-solid"),
    (rf"\bhalf[- ]{_GROUND_GLASS},?\s(?:and\s)?half[- ]solid\b", "part-solid"),
    (
        rf"\bpart[- ]solid,?\s(?:but\s)?(?:mainly|mostly|predominantly|largely)(?=\s(?:solid|{_GROUND_GLASS})\b)",
        "mostly",
    ),
    (
        rf"\b(?:mostly|mainly|predominantly|largely)\ssolid,?\swith\s(?:an?\s)?{_LITTLE}{_GROUND_GLASS}\s{_PARTS}",
        "mostly solid",
    ),
    (r"\b(?:bean|almond|kidney|olive|lens)[- ]shaped\b|\blenti(?:cular|form)\b", "ovoid"),
    (r"\bfusiform\b|\b(?:spindle|cigar)[- ]shaped\b|\blong\sand\s(?:thin|narrow)\b", "elongated"),
    (r"\b(?:strand|streak|stripe)[- ](?:like|shaped)\b", "linear"),
    (r"\b(?:cannot|can't|could\snot)\sbe\s(?:missed|overlooked)\b", "is unmistakable"),
    (r"\b(?:impossible\sto\s(?:miss|overlook)|unmissable)\b", "unmistakable"),
    (r"\beasily\soverlooked\b|\beasy\sto\s(?:miss|overlook)\b", "barely visible"),
    (r"\b(?:only\sjust|just\sabout|scarcely)(?=\s(?:visible|seen|perceptible)\b)", "barely"),
    (r"\bnot\s(?:very\s|particularly\s)?conspicuous\b", "inconspicuous"),
)
_ANY_WORD = re.compile("|".join(f"(?P<w{i}>{pattern})" for i, (pattern, _) in enumerate(_WORDS)), re.IGNORECASE)
# Of other things than the nodule ("calcified lymph nodes", "the aorta is heavily calcified") it is not said.
_CALCIFIED = re.compile(
    rf"\b(?P<whose>nodule|lesion|mass|it)\s(?:is|appears)\s(?P<told>{_MUCH}calcified){ITEM_END}"
    rf"|(?<!ly\s)(?<!like\s)(?<!non\s)(?<!not\s)(?<!un\s)(?<![\w-])(?P<named>{_MUCH}calcified)\s(?:(?:pulmonary|lung)\s)?nodule\b"
    rf"|(?:^|[.,;|\n]\s?|\s-\s)(?P<item>{_MUCH}calcified){ITEM_END}",
    re.IGNORECASE,
)
_OF_LESIONS = re.compile(r"nodul|lesion|mass|opacity|\d\s?mm\b", re.IGNORECASE)
# "Centrally, calcified", "in, calcified": the word before it says how, whatever comma a recognizer wrote between them.
_HOW = re.compile(
    r"\b(?:\w+ly|[\w-]+like|popcorn|laminated|concentric|eccentric|central|peripheral|non|not|in|un)[\s,-]{0,3}$",
    re.IGNORECASE,
)
_OF_ORGANS = re.compile(
    r"aort|arter|coronar|vessel|valve|node|plaque|pleura|spleen|liver|hepat|thyroid|trachea|cartilage|disc|gallbladder"
    r"|granulomas|stone|kidney|renal|cyst|uter|fibroid|prostat|adrenal|breast|tendon|ligament|\bribs?\b|\bhil[aiu]",
    re.IGNORECASE,
)
_WIDEST_ORGAN = 16
_ORGAN_LESION = re.compile(
    r"\b(?:thyroid|liver|hepatic|splenic|renal|adrenal|breast|pleural|prostatic|uterine|ovarian)\s(?:nodule|lesion|mass)\s",
    re.IGNORECASE,
)
_THROUGHOUT = re.compile(
    rf"(?:\sthroughout|(?<=\bsolid)\s(?:all(?:\sthe\sway)?|through\sand)\sthrough){ITEM_END}", re.IGNORECASE
)
_OF_CALCIUM = re.compile("calc|dense", re.IGNORECASE)


def learned_words(source: str) -> Iterator[Rewrite]:
    """The stretches with a word that is heard wrongly, with what they are written as."""
    for match in _ANY_WORD.finditer(source):
        said = next(said for i, (_, said) in enumerate(_WORDS) if match[f"w{i}"] is not None)
        # "A renal cyst without solid component" says nothing of the nodule.
        if said != "non-solid" or not is_of_another(source, match.start()):
            yield match.start(), match.end(), said
    for match in _CALCIFIED.finditer(source):
        group = next(name for name in ("told", "named", "item") if match[name])
        place = match.start(group)
        if group == "item" and not _is_of_lesion(source, match.start()):
            continue
        if group == "told" and _is_of_organ(source, match):
            continue
        if not _HOW.search(source, max(0, place - LOOK_BACK), place) and not is_denied(
            source, place, f"{CLAUSE_ENDS},-|"
        ):
            yield place, match.end(group), "densely calcified"
    for match in _THROUGHOUT.finditer(source):
        begin = max(0, match.start() - LOOK_BACK)
        clause = max(begin - 1, *(source.rfind(sign, begin, match.start()) for sign in f"{CLAUSE_ENDS},")) + 1
        if not _OF_CALCIUM.search(source, clause, match.start()):
            yield match.start(), match.end(), ""


def _is_of_organ(source: str, match: re.Match[str]) -> bool:
    """Whether what is called calcified is an organ: named right before a lesion, or last of all before an "it"."""
    is_it = match["whose"].lower() == "it"
    begin = max(0, match.start() - (LOOK_BACK if is_it else _WIDEST_ORGAN))
    before = source[begin : match.start()] if is_it else source[begin : match.start("told")]
    if not is_it:
        return _ORGAN_LESION.search(before) is not None
    organs = [found.start() for found in _OF_ORGANS.finditer(before)]
    lesions = [found.start() for found in _OF_LESIONS.finditer(before)]
    return bool(organs) and max(organs) > max(lesions, default=-1)


def _is_of_lesion(source: str, place: int) -> bool:
    """Whether an item without a subject tells of a lesion: one was named, and no organ since the last full stop."""
    begin = max(0, place - LOOK_BACK)
    sentence = max(begin - 1, *(source.rfind(sign, begin, place) for sign in CLAUSE_ENDS)) + 1
    return _OF_LESIONS.search(source, begin, place) is not None and _OF_ORGANS.search(source, sentence, place) is None
