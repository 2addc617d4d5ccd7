# ruff: noqa: E501, ISC004 - each entry is one pattern, read as a whole
r"""The cues of `context`: what negates, doubts, dates, conditions a statement or moves it to a relative.

The idea is that of NegEx and ConText (Chapman et al., J Biomed Inform 2001;34:301,
https://doi.org/10.1006/jbin.2001.1029; Harkema et al., J Biomed Inform 2009;42:839,
https://doi.org/10.1016/j.jbi.2009.05.002): a cue has a direction, its scope runs to the next cue that ends it, and
look-alikes ("no change", "not only") are set aside first. The lists and their wording are this project's own.

Each entry is a regular expression in which a space stands for any white space; all match whole words in either case.
"""

_BE = r"(?:is|are|was|were|be|been|being)"
_SEEN = (
    r"(?:seen|identified|noted|present|visuali[sz]ed|demonstrated|detected|evident|apparent|observed|appreciated|found"
    r"|shown|suspected|reported|visible|palpated|elicited|heard|felt|encountered|recogni[sz]ed|suggested|confirmed)"
)
_SIGN = r"(?:evidence|signs?|symptoms?|findings?|indications?|suggestions?|history|complaints?|radiographic evidence)"
_RELATIVE = (
    r"(?:mother|father|parents?|brothers?|sisters?|siblings?|aunts?|uncles?|cousins?|grandmother|grandfather"
    r"|grandparents?|sons?|daughters?|nephews?|nieces?|maternal|paternal|first[- ]degree relatives?|relatives?)"
)

LOOKALIKES: tuple[str, ...] = (
    r"(?:no|not|without)(?: (?!(?:emphysemat|fibro|degenerat|inflammat|cystic|bullous|destruct|reticul|interstit|granulomat|atelectat"
    r"|bronchiectat|erosi|calcif))\w+){0,2} (?:change|changes|changed|increase|interval change|improvement|growth)(?! in (?:vision"
    r"|hearing|weight|bowel|sleep|appetite|mood|color|speech|gait|urin\w*|mental|sensation|caliber|stool))",
    r"not (?:only|necessarily|certain|sure|known|clear|able to (?:exclude|rule)|an option|appear to have (?:changed|resolved))",
    r"no (?:residua|sequelae|recurrence|progression|worsening|resolution|difference|doubt|contraindication|comparison)",
    r"no (?:specific |definite |clear )?(?:diagnosis|explanation|treatment|cause|reason|etiology|relief) (?:for|of)",
    r"(?:gram|false|rh|hiv|pcr|margin|her2)[- ]negative|negative (?:deflections?|margins?|pressure|cultures?)",
    r"without (?:difficulty|problems?|incident|complications?|further|contrast|intravenous contrast|iv contrast|reformats)",
    r"not (?:been )?(?:ruled out|excluded)|(?:cannot|can not|could not|not) (?:be )?(?:entirely |completely |definitively )?"
    r"(?:exclude|excluded|rule out|ruled out)",
    rf"(?:no|not) (?:longer(?! (?:\w+ )?{_SEEN})|further|sought|taking|on)",
    r"(?:do|does|did) not know|not submitted|not (?:extend|drain|cause|causing|due)",
    r"no (?:prior|previous|priors|old) (?:studies|study|films?|exams?|examinations?|imaging|ct|radiographs?)",
    r"if (?:clinically|indicated|needed|necessary|desired|there is (?:any )?(?:clinical )?(?:concern|suspicion))",
    r"no\. \d+",
    r"never[- ](?:smok\w+|a smoker)|(?:does|do|did|has|have) (?:not|never) smoke[d]?|not (?:currently )?(?:a )?smok\w+|non-?smok\w+",
)
"""Phrases that hold a cue and mean something else."""

NEGATED_BEFORE: tuple[str, ...] = (
    rf"(?:no|none of)(?: \w+){{0,2}} (?:{_RELATIVE}|family members?|first[- ]degree relatives?|relatives?) (?:with|who had|had|has)",
    rf"no(?: \w+){{0,2}} (?:{_SIGN}|focus|foci|areas?|degree) (?:of|for|to suggest)",
    r"(?:not|no longer) (?:consistent|compatible|associated|typical) (?:with|for|of)",
    r"no",
    r"not|isn't|aren't|wasn't|weren't|doesn't|didn't|don't|hasn't|haven't|hadn't|cannot (?:see|identify)",
    r"nor|neither|never|none of",
    r"deny|denies|denied|denying",
    r"without(?: any)?|w/o",
    rf"(?:negative|-ve|neg|unremarkable) (?:{_SIGN} )?(?:for|of)",
    r"(?:free|absence|absent|clear|lack|devoid|resolution|clearing|disappearance) of",
    r"lacks|lacking",
    r"(?:has|have|been|was|were|is|are) (?:ruled out|excluded)(?: for)?",
    r"(?:rules?|ruled|ruling) (?:\w+ )?out (?=for)",
    r"(?:fails?|failed) to (?:reveal|show|demonstrate)",
    r"rather than",
    r"declines|declined|non(?!-)",
)
"""Cues that negate what follows."""

NEGATED_AFTER: tuple[str, ...] = (
    rf"{_BE} (?:not|no longer)(?: \w+)? {_SEEN}|{_BE} not (?:well )?{_SEEN}|(?:not|no longer) {_SEEN}",
    rf"{_BE} (?:\w+ )?(?:ruled out|excluded|absent|negative|unlikely|denied|gone)",
    r"(?:has|have|had|having|appears? (?:to )?have|now|since|completely|nearly|all|interval) (?:\w+ )?resolved",
    rf"{_BE} (?:\w+ )?resolved|resolved|(?:has|have) (?:\w+ )?(?:cleared|disappeared|vanished|gone)",
    r"unlikely|ruled out",
    r"(?:is|are) non-?\w+ed",
    r"did not occur|does not exist|(?:rated?|graded?|scored) (?:as |an )?(?:absent|none)",
)
"""Cues that negate what stands before them."""

NEGATED_ITEM: tuple[str, ...] = (
    r", ?(?:none|absent|nil)(?=\s*(?:[.;,]|$))",
    r"[:=] ?(?:none|no|negative|absent|denied|denies|nil|not present)(?=\s*(?:[.;,]|$))",
)
"""Cues that end an item of a list. "Effusion, pneumothorax: none" denies both; "9 mm nodule, calcification: none" leaves
the nodule, which no list of what was looked for holds."""

DESCRIBED: str = r"\d|nodul|mass|lesion|opacit|tumou?r"
"""What shows that a list describes something that is there."""

NEGATION_ENDS: tuple[str, ...] = (
    r"but|however|although|though|nevertheless|yet|still|except|apart from|aside from|other than|besides|excluding",
    r"who|which|that (?:is|are|was|were|has|have)|because|since|due to|secondary to|caused by|resulting|causing|given",
    r"positive for|positive|presents?|presented|presenting|complains?|complained|reports?|reported|admits?|consistent with"
    r"|(?:suggestive|suspicious|concerning) (?:of|for)|compatible with|most likely|probably|representing",
    r"with(?! (?:evidence|signs?|any|associated|or))",
    r"and (?:he|she|it|they|there|we|i|the patient) ",
    r"(?:he|she|it|they|there|patient|pt|this|these) (?:is|are|was|were|has|have|had|does|did|remains?|appears?|also)",
    r"(?:is|are|was|were) (?:again |now |also |otherwise )?(?:normal|unremarkable|stable|unchanged|intact|clear|within|mildly"
    r"|moderately|enlarged|present|noted on the (?:left|right))",
    r"(?:has|have|had) (?:mild|moderate|some|a|an)",
    # "No spiculation of the nodule" leaves the nodule where it is.
    r"(?:spicul|lobul|calcif|cavit|growth|enlargement|irregular)\w*(?: (?:and|or|nor) \w+)? (?:of|in|within) (?:the|this|its)",
    # "No effusion 9 mm nodule", "no effusion, 9 mm nodule": what was denied has its name, and a size begins the next item.
    r"(?:(?:effusions?|pneumothorax|pneumothoraces|consolidations?|atelectasis|(?:lymph)?adenopathy|nodes?|emphysema|infiltrates?"
    r"|thickening|spiculations?|spicules|lobulations?|calcifications?|calcium|cavitations?|cavity|fat) |, ?)"
    r"(?:an? )?(?:[\d.,]+|\w+teen|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty)[ -]?"
    r"(?:(?:x|×|by)[ -]?[\d.,]+[ -]?)?(?:mm|cm|millim\w+|centim\w+)",
    r"(?:on|against) (?:a |the )?background(?: of)?|superimposed (?:on|upon)|, and the",
    r"[;]|\d{1,2}\)|remains?|continues? to|as well as (?:a|an|the|mild|moderate)|while|whereas|where|when|then|there (?:is|are)"
    r"|stable|unchanged|status post|s/p|, (?:mild|moderate|severe|small|minimal|trace)",
)
"""Cues that end the scope of a negation."""

UNCERTAIN_BEFORE: tuple[str, ...] = (
    r"possib(?:le|ly|ility)|probabl[ey]|likely|perhaps|presum(?:ed|ably|ptive)|questionabl[ey]|maybe|equivocal|apparent",
    r"(?:may|might|could|can|would)(?: also| potentially| possibly)? (?:be|represent|reflect|indicate|relate|suggest|include"
    r"|have|correspond)\w*",
    r"(?:suspicious|suspicion|suspect|suspected|concern|concerns|concerning|worrisome|worry|query|question|questioned)"
    r"(?: for| of)?",
    r"suggest(?:s|ed|ing|ive)?(?: of)?|favor(?:s|ed|ing)?|favour(?:s|ed|ing)?|consider(?:ed|ation for|ation of)?|differential",
    r"rule out|r/o|evaluate for|evaluation for|assess for|exclude|cannot (?:exclude|rule out)|not excluded|unable to exclude",
    r"versus|vs\.?|appears? to be|felt to be|thought to be|indeterminate for|impression of",
    r"\?",
)
"""Cues that doubt what follows."""

UNCERTAIN_AFTER: tuple[str, ...] = (
    r"(?:cannot|can not|could not|not|can't) (?:be )?(?:entirely |completely |definitely )?(?:excluded|ruled out)",
    r"(?:is|are|was|were) (?:possible|probable|likely|suspected|questioned|considered|favored|not excluded|suggested)",
    r"(?:should|may|might) be (?:considered|excluded)|versus|vs\.?|suspected|in the differential",
    r"\?",
)
"""Cues that doubt what stands before them."""

RECENT: tuple[str, ...] = (
    r"(?:[\w-]+-|\w+ )?(?:hours?|days?|weeks?|months?|several|brief|short|acute|recent)(?: \w+)? (?:history|hx)(?: of)?",
    r"(?:give|gives|gave|provides?) (?:a |any )?history of",
    r"(?:clinical|patient) history",
    r"(?:previous(?:ly)?|prior|formerly|last)(?: \w+){0,3} [\d.]+ ?(?:mm|cm|millim\w+|centim\w+)",
    r"(?:(?:was|were|measured|measuring|from|previously|than|at) (?:\w+ ){0,2}?)?[\w.]+ ?(?:mm|cm|millim\w+|centim\w+),? (?:in (?:\w+ )?(?:19|20)\d\d"
    r"|(?:\w+ ){1,3}ago|last (?:year|month)|on (?:the |her |his )?(?:prior|previous|old))",
    r"since (?:the |her |his )?(?:prior|previous|last|earlier|old)(?: \w+)?",
    r"(?:in )?compar\w+(?: is| was)?(?: made)?(?: (?:with|to)|:)(?: the| a| an| her| his)? (?:prior|previous|old|earlier|last)(?: \w+)?",
)
"""Look-alikes of the past: "a two-day history of fever" is now."""

HISTORICAL_BEFORE: tuple[str, ...] = (
    r"(?:past |prior |previous |medical |surgical |known |remote |extensive |significant |social |smoking )*(?:history|hx)"
    r"(?: is| was)?(?: \w+){0,2} (?:of|for|with)|(?:with|has) (?:a |an )?(?:\w+ )?history",
    r"(?:past medical|past surgical|medical|surgical|social|psychiatric) (?:history|hx)|pmhx?|psh",
    r"status post|s/p|previous(?:ly)?|prior|former|formerly|remote|old|known|allergies|allergic to",
    r"(?:years?|months?|decades?) ago|last (?:year|month)|since childhood|diagnosed (?:in|with)",
    r"in (?:19|20)\d\d",
)
"""Cues that place what follows in the past."""

HISTORICAL_AFTER: tuple[str, ...] = (
    r"in the past|(?:\w+ )?(?:years?|months?|decades?|weeks?) ago|in (?:19|20)\d\d|history|last (?:year|month)|repair",
    r"previously (?:treated|resected|seen)",
)
"""Cues that place what stands before them in the past."""

HISTORY_ENDS: tuple[str, ...] = (
    r"who|which|presents?|presented|presenting|comes in|complains?|complained|now|currently|today|here (?:for|with)|admitted"
    r"|with (?:complaints?|chief|a chief|increasing|new|acute|worsening|shortness)|referred|brought|underwent|because|for which"
    r"|found|reveal\w*|showed|demonstrat\w*|but|however|resulting|[;]",
)
"""Cues that end the scope of a cue of the past."""

HYPOTHETICAL_BEFORE: tuple[str, ...] = (
    r"if|unless|in case of|should (?:he|she|they|the patient|you|there)|in the event of|as needed for|prn|as if",
    r"call (?:\w+ ){0,3}(?:for|if|with)|return (?:\w+ ){0,6}(?:for|if|with)|watch for|monitor(?:ed)? for|look for",
    r"(?:at )?risk (?:of|for)|to prevent|prevention of|prophylaxis|screening for|fear of|alert (?:\w+ ){0,4}if|instructed",
    r"advised (?:\w+ ){0,6}if",
)
"""Cues under which what follows has not happened, or not yet."""

HYPOTHETICAL_ENDS: tuple[str, ...] = (r"because|since|but|however|then|otherwise",)
"""Cues that end the scope of a condition."""

FAMILY_BEFORE: tuple[str, ...] = (
    r"(?:family|familial) (?:medical )?(?:history|hx)|fhx?|fam(?:ily)? hx",
    rf"{_RELATIVE}(?:'s)?",
)
"""Cues that say that what follows is a relative's."""

FAMILY_AFTER: tuple[str, ...] = (
    rf"(?:in|of|by|affecting) (?:(?:his|her|the|a|both|one|two|several|their) )?{_RELATIVE}",
    r"runs in (?:his|her|the) family",
)
"""Cues that say that what stands before them is a relative's."""

FAMILY_ENDS: tuple[str, ...] = (
    r"the patient|patient|(?:he|she) (?:himself|herself|has|had|is|was|denies|reports|smokes|smoked|quit)|who (?:is|presents)"
    r"|no (?:personal|smoking)|[;]",
)
"""Cues that bring the talk back to the patient."""
