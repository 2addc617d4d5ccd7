"""Every attribute of PS3.15 table E.1-1, filled, de-identified, and compared with its rule, one test a rule."""

from datetime import date, timedelta
from functools import cache

import pytest
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from diagnosis.privacy.dicom_header import HeaderRules, deidentify_header
from diagnosis.privacy.known_identifiers import KnownIdentifiers
from diagnosis.privacy.profile_table import Option, Rule, rule_for, rules
from diagnosis.privacy.secret import SecretKey
from diagnosis.privacy.text import TextRules

KEY = SecretKey(bytes(range(32)))
DAYS = -400
PLANTED = "Zebrowski"
ORIGINALS = {
    "DA": "20200315",
    "TM": "101112",
    "DT": "20200315101112",
    "UI": "1.2.3.4.5",
    "AS": "067Y",
    "PN": f"{PLANTED}^Ann",
    "IS": "4711",
    "DS": "4711.5",
    "CS": "PLANTED",
    "UR": "http://planted.example",
    **dict.fromkeys(("LO", "SH", "ST", "LT", "UT", "UC"), f"Dr. {PLANTED}"),
    "AE": "PLANTED_AE",
    **dict.fromkeys(("OB", "OW", "UN"), b"planted!"),
    **dict.fromkeys(("FD", "FL"), 47.5),
    **dict.fromkeys(("US", "SS", "UL", "SL", "UV", "SV"), 4711),
    "AT": 0x00100010,
}
ALL_OPTIONS = frozenset(Option)
TEXT = {"LO", "SH", "ST", "LT", "UT", "UC"}


def vr_of(rule: Rule) -> str:
    tag = int(rule.tag.replace("x", "0"), 16)
    try:
        return {"OB or OW": "OW", "US or SS": "US"}.get(dictionary_VR(tag), dictionary_VR(tag))
    except KeyError:
        return "LO"  # newer than the dictionary at hand


def filled(rule: Rule) -> tuple[Dataset, int]:
    data_set, vr = Dataset(), vr_of(rule)
    tag = int(rule.tag.replace("x", "0"), 16)
    value = Sequence([inner()]) if vr == "SQ" else ORIGINALS[vr]
    data_set.add(DataElement(tag, vr, value))
    return data_set, tag


def inner() -> Dataset:
    item = Dataset()
    item.PatientName, item.StudyDate, item.ReferencedSOPInstanceUID = ORIGINALS["PN"], "20200315", "1.2.3.4.5"
    item.TextValue, item.CodeMeaning = f"Dr. {PLANTED} saw it", "Nodule"
    item.add_new(0x00091010, "LO", PLANTED)
    return item


@cache
def header_rules(options: frozenset[Option]) -> HeaderRules:
    known = KnownIdentifiers()
    if options == ALL_OPTIONS:
        known.add_name(PLANTED)
    return HeaderRules(KEY, options, DAYS, known, TextRules(known, DAYS).clean)


def treated(rule: Rule, options: frozenset[Option]) -> DataElement | None:
    data_set, tag = filled(rule)
    deidentify_header(data_set, header_rules(options))
    return data_set.get(tag)


def check_basic(rule: Rule, element: DataElement | None) -> None:
    vr = vr_of(rule)
    if rule.basic == "X" or rule.tag.startswith("60xx"):
        assert element is None
        return
    if element is None:  # X is one of the choices, as for curves and attributes without a dictionary entry
        assert rule.basic.startswith("X/") or rule.tag.startswith("50xx")
        return
    if rule.basic in {"Z", "X/Z"}:
        assert not element.value
    elif rule.basic == "U":
        assert element.value == KEY.uid("1.2.3.4.5")
    elif rule.basic == "X/Z/U*":
        assert element.value[0].ReferencedSOPInstanceUID == KEY.uid("1.2.3.4.5")
    elif vr != "SQ":
        assert element.value not in {"", None, ORIGINALS[vr]}
        assert PLANTED not in str(element.value)
    else:
        assert len(element.value) == 1
        assert element.value[0].get("ReferencedSOPInstanceUID", KEY.uid("1.2.3.4.5")) == KEY.uid("1.2.3.4.5")
    assert PLANTED not in str(element)
    assert "20200315" not in str(element)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: f"{rule.tag}-{rule.basic}")
def test_basic_profile(rule: Rule) -> None:
    check_basic(rule, treated(rule, frozenset()))


@pytest.mark.parametrize("rule", [r for r in rules() if "modified_dates" in r.options], ids=lambda rule: rule.tag)
def test_modified_dates(rule: Rule) -> None:
    element, vr = treated(rule, frozenset({Option.MODIFIED_DATES})), vr_of(rule)
    moved = (date(2020, 3, 15) + timedelta(days=DAYS)).strftime("%Y%m%d")
    if vr == "TM":
        assert element is not None
        assert element.value == "101112"
    elif vr in {"DA", "DT"}:
        assert element is not None
        assert element.value == moved + ("101112" if vr == "DT" else "")
    else:  # stamps and offsets that days cannot be added to
        check_basic(rule, element)


@pytest.mark.parametrize("rule", [r for r in rules() if "descriptors" in r.options], ids=lambda rule: rule.tag)
def test_clean_descriptors(rule: Rule) -> None:
    element, vr = treated(rule, frozenset({Option.CLEAN_DESCRIPTORS})), vr_of(rule)
    if vr in TEXT and rule.tag in _known_to_pydicom():
        assert element is not None
        assert element.value == "Dr. [NAME]"
    elif vr == "SQ" and element is not None:
        assert element.value[0].CodeMeaning == "Nodule"
        assert PLANTED not in str(element)
    else:
        assert element is None or PLANTED not in str(element)


def _known_to_pydicom() -> set[str]:
    return {rule.tag for rule in rules() if "x" not in rule.tag and keyword_for_tag(int(rule.tag, 16))} | {
        rule.tag for rule in rules() if vr_of(rule) == "LO"
    }


@pytest.mark.parametrize("rule", [r for r in rules() if r.options.get("patient") == "K"], ids=lambda rule: rule.tag)
def test_retained_characteristics(rule: Rule) -> None:
    element, vr = treated(rule, frozenset({Option.PATIENT_CHARACTERISTICS})), vr_of(rule)
    assert element is not None
    assert vr == "SQ" or element.value == ORIGINALS[vr]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.tag)
def test_no_option_lets_an_identifier_through(rule: Rule) -> None:
    element = treated(rule, ALL_OPTIONS)
    assert PLANTED not in str(element)
    assert "1.2.3.4.5" not in str(element)
    assert "20200315" not in str(element)


def test_the_table_is_that_of_dicom_anonymizer() -> None:
    """The basic column, compared with an independent library's copy of the same edition."""
    from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as theirs

    lists = {
        "D": theirs.D_TAGS, "Z": theirs.Z_TAGS, "X": theirs.X_TAGS, "U": theirs.U_TAGS, "Z/D": theirs.Z_D_TAGS,
        "X/Z": theirs.X_Z_TAGS, "X/D": theirs.X_D_TAGS, "X/Z/D": theirs.X_Z_D_TAGS, "X/Z/U*": theirs.X_Z_U_STAR_TAGS,
    }  # fmt: skip
    expected = {f"{t[0]:04x}{t[1]:04x}": code for code, tags in lists.items() for t in tags if len(t) == 2}
    assert len(expected) == 652
    assert {rule.tag: rule.basic for rule in rules() if "x" not in rule.tag} == expected


def test_every_repeating_group_has_its_row() -> None:
    assert len(rules()) == 655
    assert rule_for(0x50040010).tag == "50xxxxxx"
    assert rule_for(0x60023000).tag == "60xx3000"
    assert rule_for(0x60020010) is None
