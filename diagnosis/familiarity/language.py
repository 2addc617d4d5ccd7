"""Whether a text is written in another language than English, by its function words and the commonest of chest reports.

A clinical text in another language shares its Latin with English and passes for clinical; its articles and prepositions
do not, nor what it calls right, left, lobe and lung. Words that are English too, or stand in English reports ("no",
"per", "ER", "post op", "et al."), and single letters without an accent count for no language.
"""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ENGLISH = _words(
    "the of and with is are was were there this that which at by for from on or to has have been be an as without"
)
OTHERS = {
    "Spanish": _words(
        "el los las del con en por para que una unos unas se es son está sin muy lo su "
        "nódulo lóbulo pulmón derecho derecha izquierdo izquierda hallazgos derrame tórax"
    ),
    "French": _words(
        "le les du un une et avec dans est sont pas sur chez au aux qui ne ce cette sans "
        "spiculé poumon droit droite gauche supérieur inférieur épanchement pulmonaire"
    ),
    "German": _words(
        "der das dem den des ein eine einer eines einem und mit ist sind nicht im von vom zu zum auf kein keine "
        "rundherd oberlappen unterlappen mittellappen lunge rechten linken rechts befund beurteilung pleuraerguss"
    ),
    "Italian": _words(
        "il lo gli della del delle dei di con che è sono una un nel nella alla si senza "
        "nodulo polmone destro destra sinistro sinistra superiore inferiore versamento referto"
    ),
    "Portuguese": _words(
        "de das dos uma um com em na não é são da ao à para sem que se "
        "nódulo pulmão direito direita esquerdo esquerda derrame achados tórax"
    ),
    "Dutch": _words(
        "het een van en met zijn niet te dat deze wordt geen naar voor bij aan de "
        "rechter linker bovenkwab onderkwab longen pleuravocht"
    ),
}
FEWEST, FEWEST_DIFFERENT = 3, 2
"""Words that must speak for a language, and how many different ones."""


def foreign_language(text: str) -> str | None:
    """Name of the language that a text is written in, where it is not English and enough of it can be told."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    n_english = sum(word in ENGLISH for word in words)
    spoken = {name: [word for word in words if word in own] for name, own in OTHERS.items()}
    best = max(spoken, key=lambda name: len(spoken[name]))
    is_enough = len(spoken[best]) >= FEWEST and len(set(spoken[best])) >= FEWEST_DIFFERENT
    return best if is_enough and len(spoken[best]) > 2 * n_english else None
