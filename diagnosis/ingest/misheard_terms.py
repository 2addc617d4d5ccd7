"""Radiology terms that the recognizer wrote as it heard them: "speculated nodule", "pneumothorases", "hemid diaphragm".

Two kinds are put right, and no other word is touched:

* a string that the recognizer doubts, that is no common word (it takes two tokens or more), is not a term itself, and
  is spelled almost like exactly one term below; with a "no" that was swallowed before it ("nonumothorax") the "no" is
  given back;
* a common word that has no meaning where it stands, in a short list with its contexts ("speculated margin"; but a
  "vital capacity" is left alone).

What is a word of its own is left alone, however much it looks like a term: a form of a term ("silhouettes"), a term
with one more prefix ("midthoracic"), any word of `_OTHER_WORDS` ("hematoma" is no hamartoma, "loculated" not
lobulated), and a term beside a short name ("CT bilateral", "T9 vertebral") or beside a negation, which is never
swallowed. True reports and clinical texts of 200,000 words, given as if every word were doubted, lose none of these;
a test holds a sample.

A correction never adds or removes a prefix that turns a term into its opposite (non-, un-, hypo-, hyper-, a-, in-), but
for the "un" that stands as an "and" where none can be: after "is" ("is and remarkable", "is and calcified"). The word
keeps its time and gets no more probability than `CORRECTED_PROBABILITY`, so that it is marked for the clinician.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache

from diagnosis.record.note import Word

CORRECTED_PROBABILITY = 0.4
DOUBTFUL_BELOW = 0.8
MIN_SIMILARITY = 0.8
MIN_JOINED_SIMILARITY = 0.88
MIN_LETTERS = 7
MAX_MORE_LETTERS = 3
MIN_PARTED_LETTERS = 9

_TERMS = (
    "adenocarcinoma adenopathy airspace alveolar aneurysm aneurysmal angiogram anterior aortic apical apicoposterior "
    "arteriosclerotic arthritis arthrosis ascites aspiration asymmetric atelectasis atelectatic atherosclerosis "
    "atherosclerotic attenuation axillary azygos basilar bibasilar bilateral bilaterally biopsy borderline "
    "bronchial bronchiectasis bronchiectatic bronchiolitis bronchitis bronchogram bronchograms bronchovascular "
    "bulla bullous calcification calcifications calcified carcinoma cardiac cardiomediastinal cardiomegaly "
    "cardiophrenic cardiopulmonary catheter cavitary cavitation cavities centrilobular cholelithiasis "
    "circumscribed cirrhosis "
    "clavicle coalescent collapse consolidation consolidations consolidative conspicuity conspicuous contour "
    "contours contrast costochondral costophrenic cystic degenerative demineralization densities density "
    "dextroscoliosis diaphragm diaphragmatic diffuse effacement effusion effusions emphysema emphysematous empyema "
    "endobronchial endotracheal enhancement enlargement esophageal esophagus eventration exophytic fibrosis "
    "fibrotic fissural fissure fracture fractures ganglion granuloma granulomas granulomatous hamartoma "
    "hemidiaphragm hemidiaphragms hemithorax hepatic hepatomegaly hilar hyperdense hyperexpanded hyperexpansion "
    "hyperinflated hyperinflation hyperlucency hypodense hypoinflated hypoinflation hypoventilatory inferiorly "
    "infiltrate infiltrates infiltration interlobular interstitial interstitium intrathoracic "
    "juxtapleural kyphosis laminated "
    "levoscoliosis lingula lingular lobectomy lobular lobulated lobulation lobulations lucency lymphadenopathy "
    "lymphangitic malignancy malignant mastectomy mediastinal mediastinum metastases metastasis metastatic "
    "micronodules miliary multifocal neoplasm nephrolithiasis nodular nodularity nodule nodules noncalcified "
    "nonlobulated nonspiculated opacification opacities opacity osseous osteopenia osteophyte osteophytes "
    "osteophytosis paraseptal paratracheal parenchyma parenchymal peribronchial pericardial pericarditis perifissural "
    "pericardium perihilar peripheral pleural pleuritis pleuroparenchymal pneumatocele pneumomediastinum "
    "pneumonectomy pneumonia pneumonitis pneumoperitoneum pneumothoraces pneumothorax popcorn posterior pulmonary "
    "radiodensity radiograph radiographic reticular reticulation reticulonodular retrocardiac retrosternal "
    "sarcoidosis scapula scoliosis segmental semisolid sequela sequelae silhouette spherical spiculated spiculation "
    "spiculations spicules splenomegaly spondylosis steatosis stenosis sternotomy subcarinal subcentimeter "
    "subclavian subpleural subsegmental subsolid supraclavicular suprahilar thickening thoracic thoracolumbar "
    "thorax thrombus thyroid tortuosity tortuous trachea tracheal tracheostomy tuberculosis tumor unlobulated "
    "unremarkable unspiculated vascular vascularity vasculature vasculitis ventricular vertebrae vertebral"
)
_SORTED_TERMS = sorted(_TERMS.split())
TERMS = frozenset(_SORTED_TERMS)
_OPPOSITES = ("non", "un", "hypo", "hyper", "hemi", "in", "de", "a")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEGATIONS = _words("no not non nor without never none denies")
# Words that are spelled almost like a term and mean something else.
_OTHER_WORDS = _words(
    "ancillary angiography angiopathy aortitis arteriosus arteritis arthrodesis asphyxiation aspirin asymmetry "
    "attestation atypical azygous biliary biventricular brachial branchial bronchi bronchus bulbous bullosa "
    "calcific capitis capsular cardiogenic cerebral cholangiogram ciliary circumcised circumscribe circumscript "
    "conspicuously constipation contrasted modulation "
    "cystectomy degenerated degeneration engorgement epicardial esophagitis excitation extrapleural fasciculation "
    "fibrous fluency ganglia globular granulomata granulomatosis gravitation hematoma hematomas hemarthrosis "
    "hemopericardium hemoperitoneum hemopneumothorax hemothorax hepatis hydropneumothorax hyperintense "
    "hypertension hypertensive hyperventilation hypointense hypotension hypotensive hypoventilated "
    "hypoventilation hysterectomy infradiaphragmatic intestinal lingual loculated loculation loculations "
    "lymphadenitis lymphangitis lymphatics macular mastoid medially midthoracic nephrectomy neoplasia neoplastic "
    "neuritis ossification ossifications osteopathy osteopenic osteopetrosis osteoporosis osteoporotic ovulation "
    "panlobular parahilar paraspinal paucity perfusion pleurisy pleuritic pneumoconiosis pneumonic polyneuritis "
    "pretracheal prevertebral preseptal pyothorax radiodense radiography radiolucent renovascular spondylitis "
    "spondylolysis subcapital subdiaphragmatic subside supradiaphragmatic testicular tuberculin tuberculous "
    "urolithiasis ventricle ventricles vertebra vesicular laterally interpolar coaptation pruritus pruritis periportal "
    "musculature cardinal thoracostomy mentation lenticular retrotracheal epipericardial hemichorea arteriosis"
)
# Endings by which forms of one word differ.
_ENDINGS = _words(
    "s es ed ing al ar ic ical ous ly ally is es ion ions y ies ity ian a ae i us um ata ate ates ated ating ation "
    "ations ative or ors er ers ive le les ular ule ules ency ent ment ments d e r t cy itis fies ties"
) | {""}
MIN_STEM_LETTERS, MIN_PREFIX_LETTERS = 5, 2
_PREFIXES = _words("sub pre post peri para semi endo anti over bi tri mid uni pan iso poly mono").union(_OPPOSITES)
_LESIONS = _words(
    "nodule nodules module modules mass masses lesion lesions opacity opacities margin margins border borders contour "
    "contours edge edges"
)
_LUNG_FUNCTION = _words("lung vital total diffusing diffusion residual functional volume exercise bladder decision")
_OPACITY = _words(
    "glass airspace air focal retrocardiac basilar bibasilar lobe patchy streaky hazy linear nodular lung"
)
_NODULE = _words(
    "lung solid part-solid spiculated lobulated pulmonary mm glass ground-glass calcified lobe cm granuloma"
)
# A recording with so many of these is one of a chest CT: there an "other module" is a nodule.
_CHEST = _words(
    "lung lungs lobe nodule nodules pleural effusion pneumothorax chest ct mm spicules spiculated conspicuity "
    "lobulated lobulation calcification opacity attenuation"
)
MIN_CHEST_WORDS = 3
_IN_CHEST = _CHEST | _LESIONS
# Right words of other texts: they are taken for terms only where a chest or a lesion is spoken of.
_ONLY_IN_CHEST = frozenset({"circumcised", "modulation"})
_ANY_NODULE = _words(
    "no other another one small large larger smaller round further single a an the right left upper lower middle"
)
_BESIDE_IN_CHEST = {
    "nodule": _ANY_NODULE,
    "nodules": _ANY_NODULE,
    "spiculated": _words(
        "is are not and mm cm margins or appears no of the with a being was it somewhat slightly mildly markedly "
        "barely quite strongly hardly edge"
    ),
    "lobulation": _words("mild marked slight moderate milder with no minimal some lobe mm"),
    "mass": _words("mediastinal hilar lung pulmonary lobe mm cm solid cavitary spiculated pleural no right left"),
    "spiculation": _words(
        "free without no any slight minor mild moderate considerable heavy minimal intermediate of some subtle "
        "hardly very around"
    ),
}
_DEVICES = _words("power port training software control generator pacemaker battery course teaching")
_BE = _words("is are was were appear appears")
# "Are and remarkable", "9 mm, and changed": what must stand before an "un" that was heard as "and".
_UNSAID = {
    **dict.fromkeys(("remarkable", "calcified", "spiculated", "lobulated"), _BE),
    "changed": _BE | _words("mm cm millimeter millimeters centimeter centimeters"),
}
_PAIRS = {
    **{f"{first} lobular": "centrilobular" for first in ("center", "central", "centra")},
    **{f"while {shaped}": f"well {shaped}" for shaped in ("circumscribed", "defined", "marginated", "demarcated")},
}
# Words to which the recognizer ties the next one by a hyphen, and what is rightly tied to them.
_TIED = _words("mild moderate severe trace slight minimal marked right left no mm cm")
_RIGHTLY_TIED = _words(
    "up down off based free change invasive sided sizes sized side to handed hand ventricular ward one"
)
# Strings that are no words: the recognizer's fusions of two.
_ALIASES = {
    "osteostructures": "osseous structures",
    "osteostructure": "osseous structure",
    "non-speculated": "non-spiculated",
    "unspeculated": "unspiculated",
    "hiller": "hilar",
    "highlar": "hilar",
    "hyler": "hilar",
    "hylar": "hilar",
    "emphysemat": "emphysema",
    "nutula": "nodule",
    "boa-void": "ovoid",
    "adule": "nodule",
    "perificial": "perifissural",
    "interpulmonary": "intrapulmonary",
    **{f"{level}-spin": f"{level.upper()}-spine" for level in "ctl"},
}
# How a nodule is described: beside these, "speculation" is spiculation.
_DESCRIBED = _words("calcification calcified lobulation lobulated solid consistency conspicuity attenuation texture")
_OF_THOUGHT = _words("that about whether he she they i we who")
_BONY = _words("structures structure thorax abnormality abnormalities lesion lesions")
# A common word: the term it stands for, what must stand within two words of it, and what must not.
_COMMON: dict[str, tuple[str, frozenset[str], frozenset[str]]] = {
    "speculated": ("spiculated", _LESIONS | _DESCRIBED, _OF_THOUGHT),
    "speculation": ("spiculation", _LESIONS | _DESCRIBED | {"marked", "no"}, frozenset({"that", "about"})),
    "capacity": ("opacity", _OPACITY, _LUNG_FUNCTION - {"lung"}),
    "capacities": ("opacities", _OPACITY, _LUNG_FUNCTION - {"lung"}),
    "module": ("nodule", _NODULE, frozenset()),
    "modules": ("nodules", _NODULE, frozenset()),
    "bunny": ("bony", _BONY, frozenset()),
    "avoid": ("ovoid", _words("shape elongated configuration"), _words("to should can must please we i")),
    "circumcised": (
        "circumscribed",
        _LESIONS | _words("well poorly sharply mostly partially partly fairly clearly"),
        _words("male man boy infant baby newborn neonate child patient he penis phallus foreskin glans scrotum"),
    ),
    "avoidant": ("ovoid in", frozenset({"shape"}), frozenset({"personality", "attachment"})),
    "modulation": (
        "lobulation",
        _words("without no degree mild moderate marked slight minimal contour spiculation"),
        _words("dose current tube exposure automatic immune signal flow frequency voice"),
    ),
    "hard": ("heart", frozenset({"size"}), frozenset()),
    "regulation": ("lobulation", frozenset({"contour", "margin", "spiculation"}), frozenset()),
    "ovulation": ("lobulation", frozenset({"mild", "marked", "slight", "contour"}), frozenset()),
    "mess": ("mass", frozenset({"mediastinal", "hilar", "spiculated", "cavitary"}), frozenset()),
    "sediment": ("segment", _words("apical superior anterior posterior basal lingular"), _words("urine urinary")),
    "killer": ("hilar", _words("node nodes adenopathy lymphadenopathy"), _words("cell cells natural")),
    "vocal": ("focal", _words("opacity opacities consolidation infiltrate"), _words("cord cords fold folds")),
    "orders": ("borders", _words("sharp smooth irregular circumscribed spiculated lobulated"), _words("doctor lab")),
}


def correct_misheard_terms(words: Sequence[Word], is_common: Callable[[str], bool]) -> list[Word]:
    """Words with misheard terms put right.

    Args:
        words: in order of time.
        is_common: whether a word, in lower case, is one that the recognizer writes as a single token.
    """
    words = [part for word in words for part in _untied(word)]
    plain = [_plain(word.text) for word in words]
    out: list[Word] = []
    position = 0
    while position < len(words):
        joined = _joined_term(plain, position, is_common)
        last = position + (1 if joined else 0)
        terms = joined or _ALIASES.get(plain[position]) or _common_term(plain, position)
        if not terms and words[position].probability < DOUBTFUL_BELOW and not _is_name(words, position):
            terms = _term_like(plain[position], is_common)
        out.extend(_corrected(words[position], words[last], terms) if terms else [words[position]])
        position = last + 1
    return out


def _untied(word: Word) -> list[Word]:
    """The two words of "no-hilar", "mild-central"; any other word as it is."""
    first, hyphen, rest = word.text.partition("-")
    if first.lower() == "nose" and rest.startswith("pic") and _is_known(f"s{_plain(rest)}"):
        # "Nose-piculation": the "s" that begins the next word was heard at the end of the "no".
        first, rest = first[:2], f"s{rest}"
    if (
        not hyphen
        or first.lower() not in _TIED
        or not rest[:1].isalpha()
        or _plain(rest.split("-")[0]) in _RIGHTLY_TIED
    ):
        return [word]
    middle_s = (word.start_s + word.end_s) / 2
    return [replace(word, text=first, end_s=middle_s), replace(word, text=rest, start_s=middle_s)]


def _is_name(words: Sequence[Word], position: int) -> bool:
    """Whether a word has a capital without beginning a sentence."""
    begins = position == 0 or words[position - 1].text.endswith((".", "?", "!", ":", ","))
    return words[position].text[:1].isupper() and not begins


def _plain(text: str) -> str:
    return text.strip(".,;:?!()\"'").lower()


def _corrected(first: Word, last: Word, terms: str) -> list[Word]:
    """Words in place of `first` to `last`, with the case of the first and the marks after the last."""
    mark = last.text[len(last.text.rstrip(".,;:?!)")) :]
    texts = (terms.capitalize() if first.text[:1].isupper() else terms).split()
    probability = min(first.probability, last.probability, CORRECTED_PROBABILITY)
    step_s = (last.end_s - first.start_s) / len(texts)
    starts_s = [first.start_s + step_s * i for i in range(len(texts))] + [last.end_s]
    texts[-1] += mark
    return [Word(text, starts_s[i], starts_s[i + 1], probability) for i, text in enumerate(texts)]


def _joined_term(plain: Sequence[str], position: int, is_common: Callable[[str], bool]) -> str:
    """The term that this word and the next one make together: "hemid diaphragm", "are and remarkable"."""
    pair = list(plain[position : position + 2])
    if len(pair) == 2 and not all(_may_be_a_part(word) for word in pair):
        return ""
    before = plain[position - 1] if position else ""
    if pair[0] == "and" and pair[1:] and before in _UNSAID.get(pair[1], frozenset()):
        return f"un{pair[1]}"
    if terms := _PAIRS.get(" ".join(pair)):
        return terms
    if pair[0] == "spike" and pair[1:]:
        # "Spike elation": two words that the recognizer knows, and neither means anything here.
        term = _nearest_term(f"spic{pair[1]}", MIN_SIMILARITY)
        return term if term.startswith("spic") and _IN_CHEST.intersection(plain) else ""
    if len(pair) < 2 or all(is_common(word) or word in TERMS for word in pair) or pair[0] in TERMS:
        return ""
    joined = "".join(pair)
    term = joined if joined in TERMS else _nearest_term(joined, MIN_JOINED_SIMILARITY)
    # Where one of the two is the term already, joining would only drop the other.
    return "" if any(_is_form_of(word, term) for word in pair) else term


def _may_be_a_part(word: str) -> bool:
    """Whether a word can be a piece of another one: letters, and no negation."""
    return word.isalpha() and word not in _NEGATIONS


def _is_form_of(word: str, term: str) -> bool:
    """Whether two words are forms of one: what they share is long, and they go on with usual endings."""
    stems = range(MIN_STEM_LETTERS, min(len(word), len(term)) + 1)
    return any(word[:n] == term[:n] and {word[n:], term[n:]} <= _ENDINGS for n in stems)


def _common_term(plain: Sequence[str], position: int) -> str:
    term, needed, forbidden = _COMMON.get(plain[position], ("", frozenset(), frozenset()))
    if term and len(_CHEST.intersection(plain)) >= MIN_CHEST_WORDS:
        needed, forbidden = needed | _BESIDE_IN_CHEST.get(term, frozenset()), forbidden | _DEVICES
    if plain[position] in _ONLY_IN_CHEST and not _IN_CHEST.intersection(plain):
        return ""
    if forbidden.intersection(plain[max(0, position - 4) : position + 5]):
        return ""
    beside = {*plain[max(0, position - 2) : position], *plain[position + 1 : position + 3]}
    return term if beside & needed else ""


def _term_like(word: str, is_common: Callable[[str], bool]) -> str:
    if word.startswith("spike"):
        # "Spikeolation", "spike-related": the first syllable was written as a word that the recognizer knows.
        word = f"spic{word.removeprefix('spike').lstrip('-')}"
    is_too_short = len(word) < MIN_LETTERS or not word.isalpha()
    if is_too_short or word in TERMS or word in _OTHER_WORDS or is_common(word):
        return ""
    # "nonumothorax" is "no pneumothorax"; "nonspicular" is a term with its own "non".
    rest = word.removeprefix("non")
    swallows_no = word.startswith("no") and not (_is_known(rest) or _nearest_term(rest, MIN_JOINED_SIMILARITY))
    swallowed = _nearest_term(word[2:], MIN_JOINED_SIMILARITY) if swallows_no else ""
    if swallowed:
        return f"no {swallowed}"
    return _nearest_term(word, MIN_SIMILARITY) or _parted(word)


def _is_known(word: str) -> bool:
    """Whether a word is a term or a form of one."""
    return word in TERMS or any(_is_form_of(word, t) for t in get_close_matches(word, _SORTED_TERMS, n=1, cutoff=0.8))


def _parted(word: str) -> str:
    """A short word and the term that it runs into: "unathoracolumbar" is "una thoracolumbar"."""
    term = max((t for t in TERMS if word.endswith(t) and len(t) >= MIN_PARTED_LETTERS), key=len, default="")
    rest = word.removesuffix(term)
    is_word_of_its_own = term and 2 <= len(rest) <= 4 and rest not in _PREFIXES
    return f"{rest} {term}" if is_word_of_its_own else ""


@lru_cache(maxsize=4096)
def _nearest_term(word: str, min_similarity: float) -> str:
    """The one term spelled most like a word; nothing where two are equally near or the meaning would be turned."""
    near = get_close_matches(word, _SORTED_TERMS, n=2, cutoff=min_similarity)
    if not near or (len(near) > 1 and _similarity(word, near[0]) == _similarity(word, near[1])):
        return ""
    is_as_long = abs(len(word) - len(near[0])) <= MAX_MORE_LETTERS
    has_prefix = word.endswith(near[0]) and len(word) - len(near[0]) >= MIN_PREFIX_LETTERS
    is_its_own = _is_form_of(word, near[0]) or has_prefix
    return near[0] if is_as_long and not is_its_own and not _turns_meaning(word, near[0]) else ""


def _similarity(word: str, term: str) -> float:
    return SequenceMatcher(None, term, word).ratio()


def _turns_meaning(word: str, term: str) -> bool:
    """Whether one of the two begins with a prefix that makes an opposite and the other does not."""
    # Before a doubled consonant "a" is none of Greek ("attenuation"): it turns no meaning. Nor does it where an "h"
    # before it was not heard: "amortoma" is a hamartoma.
    is_no_prefix = word.startswith("a") and term.startswith("ha")
    prefixes = [p for p in _OPPOSITES if not (p == "a" and (term[1:2] == term[2:3] or is_no_prefix))]
    return any(word.startswith(prefix) != term.startswith(prefix) for prefix in prefixes)
