# ruff: noqa: E501 - each entry is one pattern, read as a whole
r"""Names of findings as radiologists write and speak them; each entry a regular expression, a space for white space.

`NODULE_FEATURES` describe a nodule and matter to the clinical models. `CHEST_FINDINGS` are what a chest report may
hold; `OTHER_ABNORMALITIES` only tell that a chest is not normal. `EXCEPTIONS` are words around a name that make it
another thing: "subcutaneous emphysema" is no lung disease.
"""

_IN_LUNG = r"(?:lobe|lung|lingula|apex|base|RUL|RML|RLL|LUL|LLL)\b"
_MARGIN = r"(?:margin\w*|borders?|contours?|edges?|outlines?)"
_SMOOTH = (
    rf"smooth(?:ly)?,? (?:(?:and )?[\w-]+,? ){{0,2}}?{_MARGIN}|{_MARGIN} (?:(?:is|are|remains?|appears?) )?(?:(?!not |less |hardly |partly )\w+ )?smooth"
    r"|smooth(?:,? (?:solid|round|oval|ovoid))?(?= nodule)|smooth(?=\s*(?:[.,;)]|$|\n))"
)
_NORMAL_NODES = (
    r"(?:lymph )?nodes?:?(?: \w+)?(?: (?:is|are|appear|remain))? (?:all )?(?:normal\b|unremarkable|within normal|(?:not|no longer) (?:\w+ )?enlarged)"
    r"|normal[- ]sized? (?:\w+ ){0,3}?(?:lymph )?nodes?"
)
IMPLIED_NEGATION = rf"{_SMOOTH}|{_NORMAL_NODES}"
"""Words that deny a finding without naming it: a smooth margin is not spiculated, a node of normal size not enlarged."""
NODULE_FEATURES: dict[str, str] = {
    "nodule": r"(?:micro)?nodul(?:e|es|arity|ar (?:opacit(?:y|ies)|densit(?:y|ies)|lesions?|foc(?:us|i)))|nodular|coin lesions?"
    r"|nodular\w*|reticulonodular|nods?|(?:gg|ps|ss|sp)ns?|ground[- ]glass (?:lesion|focus)|(?:lung|pulmonary|parenchymal) lesions?"
    rf"|lesions?(?= (?:is )?(?:seen )?(?:in|of|within|at) (?:the )?(?:[\w-]+ ){{0,6}}{_IN_LUNG})|(?:(?<=lobe\s)|(?<=[RL][UML]L\s))lesions?"
    r"|(?:(?<=dominant\s)|(?<=largest\s)|(?<=larger\s)|(?<=biggest\s)|(?<=smaller\s)|(?<=smallest\s)|(?<=other\s))one",
    "mass": r"mass(?:es)?|mass-?like(?: \w+)?",
    "spiculation": rf"(?:non-?|un)?spicul\w+|spic|corona radiata|sunburst margins?|{_SMOOTH}",
    "lobulation": r"(?:non-?|un)?lobulat\w+",
    "ground_glass": r"(?:pure(?:ly)? |entirely )?(?:ground[- ]glass|ggo|ggn|non-?solid)",
    "part_solid": r"(?:part(?:ly|ially)?[- ]solid|sub-?solid|semi-?solid|mixed (?:solid and ground[- ]glass|ground[- ]glass and"
    r" solid|density|attenuation)|mixed[- ]attenuation)",
    "solid": r"solid",
    "calcified": r"(?:non-?|un)?calcifi\w+|calcific|calcium",
    "benign_calcification": r"(?:centrally|diffusely|completely|densely|popcorn|laminated|concentric\w*) (?:calcif\w+|calcific)"
    r"|(?:central|diffuse|popcorn|laminated|complete|concentric)(?: \w+)? calcifications?",
    "fat": r"(?:macroscopic |internal |intralesional )fat|fat(?:ty)?[- ](?:density|attenuation|containing|content)",
    "cavitation": r"cavit(?:y|ies|ary|ation|ated|ating)",
    "perifissural": r"peri-?fissural|juxta-?pleural|juxta-?fissural|intrapulmonary lymph nodes?",
    "growth": r"(?:interval |has |have )(?:growth|grown|enlarged|enlargement)|growing|(?:increas(?:e|ed|ing)|doubled|tripled) in (?:size|diameter|volume)"
    r"|(?:larger|bigger) than (?:before|previously|on (?:the )?(?:prior|previous|last))"
    r"|increased(?: in size| in diameter)?(?= from \d)",
    "stability": r"unchanged|stable",
    "lymphadenopathy": r"(?:lymph)?adenopathy|enlarged (?:[\w-]+ ){0,4}?(?:lymph )?nodes?|(?:lymph )?nod(?:e|al) enlargement"
    rf"|(?:lymph )?nodes?(?: \w+)?(?: (?:is|are|appear))? enlarged|{_NORMAL_NODES}",
}
_HEART = (
    r"(?:heart(?: size| silhouette| shadow)?|cardiac (?:silhouette|size|contours?|shadow)|cardiomediastinal silhouette"
    r"|cardiopericardial silhouette)"
)
CHEST_FINDINGS: dict[str, str] = {
    "atelectasis": r"atelec\w+|collapse(?:d)?(?= of| left| right| in| segment|\.|,|$)|(?:lobar|lung|lobe) collapse|volume loss with collapse",
    "cardiomegaly": r"cardiomeg\w+|(?:cardiac|heart) enlargement|(?:increase|increased) in heart size"
    rf"|(?:enlarged?|large|enlargement of the|borderline|increased)(?: \w+)? {_HEART}"
    rf"|{_HEART}(?: (?:and|or) mediastinum| (?:and|or) mediastinal (?:contours?|silhouette))?"
    r"(?: (?!normal(?! or)|lungs?|aort\w*|pulmonary|mediast\w*|clear|within|unremark\w*|with|without|cardiomeg\w*)\w+){0,6}?"
    r" (?:enlarged|large|borderline|enlargement|increased(?! (?:pulmonary|interstitial)))",
    "effusion": r"(?:pleural )?effusions?|pleural (?:fluid|fusions?)|hydro(?:pneumo)?thora(?:x|ces)"
    r"|hemothorax",
    "infiltration": r"infiltrat\w+",
    "pneumonia": r"(?:broncho|pleuro)?pneumon(?:ia|ias|itis|ic)|infectious process",
    "pneumothorax": r"(?:hydro)?pneumothora(?:x|ces|xes)|ptx",
    "consolidation": r"consolidat\w+",
    "edema": r"(?:o?edema|oedematous)",
    "emphysema": r"emphysem\w+|centrilobular lucenc\w+",
    "copd": r"COPD|chronic obstructive (?:pulmonary|lung|airways?) disease|bullous disease|bullae?",
    "hyperinflation": r"hyper-?(?:inflat\w+|expan\w+|aerat\w+|distend\w+|distention|lucen\w+)",
    "fibrosis": r"fibro(?:sis|tic)(?: \w+)?",
    "pleural_thickening": r"pleural(?: \w+){0,3} (?:thickening|scar\w*|capping|plaques?)|thickening(?: \w+){0,3} (?:pleura|fissures?)"
    r"|(?:apical|pleural|biapical|fissural|bronchial|peribronchial|bronchovascular)(?: \w+){0,2} (?:thickening|capping|cap|cuffing)"
    r"|thickened (?:\w+ )?(?:pleura|fissure)|pleuroparenchymal (?:thickening|scarring)",
    "hernia": r"hernias?",
}
OTHER_ABNORMALITIES: dict[str, str] = {
    "opacity": r"opaci\w+|densit(?:y|ies)|air-?space disease|markings|streak\w+|shadow",
    "granuloma": r"granulom\w+",
    "scar": r"scar(?:s|ring|red)?|cicatri\w+",
    "low_volumes": r"hypo-?(?:inflat\w+|aerat\w+|ventilat\w+|expan\w+)|(?:low|small|decreased|diminished|reduced)(?: \w+)? (?:lung volumes?|volumes?)"
    r"|lung volumes are(?: \w+)? (?:low|small)|shallow inspir\w+|bronchovascular crowding|crowding",
    "skeletal": r"scolio\w+|kypho\w+|levoscolio\w+|dextroscolio\w+|fractur\w+|deformit\w+|degenerat\w+|spondyl\w+|osteophyt\w+|arthr\w+"
    r"|osteopen\w+|osteopor\w+|wedg\w+|compression|spurring|hypertrophic|demineral\w+|schmorl\w*|dish|lytic|blastic|sclero\w+"
    r"|cervical rib|bifid rib|eventration|pectus|dislocation|separation|disc space narrowing|curvature",
    "device": r"sternotomy|pacemaker|pacer|icd|aicd|defibrillator|catheters?|picc|port(?:-?a-?cath)?|central (?:venous )?line|leads?"
    r"|tubes?|stents?|clips?|sutures?|wires?|hardware|cabg|bypass|valve|prosthe\w+|arthroplasty|plate|screws?|staples?|surg\w+|post-?operative"
    r"|post-?surgical|mastectomy|thoracotomy|lobectomy|cholecystectomy|shunt|tracheostomy|bullet|shrapnel|metallic|foreign|jewelry|coils?|device",
    "vessel": r"tortuo\w+|ectasia|ectatic|atheroscl\w+|aneurysm\w*|uncoil\w+|unfold\w+|calcified aort\w+|aortic calcif\w+|congestion|congested"
    r"|engorge\w+|vascular prominence|hypertension|dilat\w+",
    "mediastinum": r"(?:widen\w+|prominent|prominence|fullness|enlarged?|enlargement|shift(?:ed)?|deviat\w+|elevat\w+|flatten\w+|blunt\w+|thicken\w+"
    r"|tent\w+|obscur\w+|distort\w+)",
    "other_lung": r"cyst\w*|bronchiect\w+|bronchi(?:tis|olitis)|interstitial|metasta\w+|cancer|carcinoma|malignan\w+|neoplas\w+|tumou?rs?"
    r"|tubercul\w+|sarcoid\w*|lucen\w+|lesions?|abnormal\w*|airway disease|disease|emboli(?:sm)?|abscess|azygos|situs|free air|pneumoperitoneum"
    r"|nipple shadows?|coarsen\w+|asthma|epicardial fat|fat pad",
}
EXCEPTIONS: dict[str, tuple[str, str]] = {
    # name -> (what must not stand right before, what must not stand right after)
    "emphysema": (r"(?:subcutaneous|soft tissue|mediastinal|surgical|interstitial) ", r"(?!)"),
    "edema": (r"(?:peripheral|pedal|leg|ankle|extremity|soft tissue|brain|cerebral|pitting|bone marrow) ", r"(?!)"),
    "effusion": (r"(?:pericardial|joint|knee|hip|shoulder|elbow|ear) ", r"(?!)"),
    "nodule": (
        r"(?:thyroid|adrenal|breast|subcutaneous|skin|renal|hepatic|splenic) ",
        r" (?:of|in) the (?:thyroid|adrenal|breast|skin)",
    ),
    "mass": (
        r"(?:body|muscle|bone|breast|renal|adrenal|hepatic|pelvic|ovarian|left ventricular) ",
        r" (?:index|effect)",
    ),
    "solid": (
        r"(?:part|partly|partially|part-|non|non-|sub|sub-|semi|semi-|mixed) ?",
        r" (?:and ground|organs?|food|component)",
    ),
    "ground_glass": (r"(?:solid and|mixed) ", r" and solid"),
}
