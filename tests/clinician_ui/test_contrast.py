"""Colors of the dashboard meet WCAG 2.2 AA: 4.5:1 for text, 3:1 for what a control is known by."""

import re
import tomllib
from pathlib import Path

import pytest

import clinician_ui
from clinician_ui.components.model_figures import _PLOT_STYLE

HOME = Path(clinician_ui.__file__).parent
STYLE = (HOME / "components" / "style.css").read_text()
THEME = tomllib.loads((HOME / ".streamlit" / "config.toml").read_text())["theme"]
VARIABLES = dict(re.findall(r"(--dx-[a-z]+):\s*(#[0-9a-f]{6})", STYLE))
PAPERS = {
    "page": THEME["backgroundColor"],
    "field": THEME["secondaryBackgroundColor"],
    "card": VARIABLES["--dx-card"],
}
TEXT, CONTROL = 4.5, 3.0


def luminance(color: str) -> float:
    """Relative luminance, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def color_of(value: str) -> str | None:
    value = value.strip()
    if found := re.fullmatch(r"var\((--dx-[a-z]+)\)", value):
        return VARIABLES[found.group(1)]
    return value if re.fullmatch(r"#[0-9a-f]{6}", value) else None


def rules() -> list[tuple[str, dict[str, str]]]:
    plain = re.sub(r"/\*.*?\*/", "", STYLE, flags=re.DOTALL)
    return [
        (selector.strip(), dict(re.findall(r"([a-z-]+):\s*([^;]+)", body)))
        for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", plain)
    ]


def test_the_formula():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("name", ["ink", "quiet", "accent"])
def test_text_on_every_paper(paper, name):
    assert contrast(VARIABLES[f"--dx-{name}"], PAPERS[paper]) >= TEXT
    assert contrast(THEME["textColor"], PAPERS[paper]) >= TEXT


def test_buttons():
    assert contrast(THEME["primaryColor"], "#ffffff") >= TEXT
    assert contrast(THEME["primaryColor"], PAPERS["page"]) >= CONTROL


def test_text_with_a_ground_of_its_own():
    pairs = [
        (selector, color_of(rule["color"]), color_of(rule["background"]))
        for selector, rule in rules()
        if "color" in rule and "background" in rule
    ]
    measured = [(selector, contrast(ink, ground)) for selector, ink, ground in pairs if ink and ground]
    assert len(measured) >= 8
    assert [pair for pair in measured if pair[1] < TEXT] == []


def test_colored_text_without_a_ground_stands_on_any_paper():
    loose = [(s, color_of(r["color"])) for s, r in rules() if "color" in r and "background" not in r]
    measured = [(s, min(contrast(ink, paper) for paper in (*PAPERS.values(),))) for s, ink in loose if ink]
    assert measured
    assert [pair for pair in measured if pair[1] < TEXT] == []


def test_marks_that_carry_meaning():
    for name in ("for", "against", "accent"):
        assert contrast(VARIABLES[f"--dx-{name}"], PAPERS["card"]) >= CONTROL, name
    fills = {s: color_of(r["background"]) for s, r in rules() if s.startswith(".dx-bar .") and "background" in r}
    assert contrast(fills[".dx-bar .point"], PAPERS["card"]) >= CONTROL
    inks = re.findall(r"\.(line|ideal|dot|bar)\{[^}]*?(#[0-9a-f]{6})", _PLOT_STYLE)
    assert len(inks) == 4
    assert all(contrast(color, PAPERS["card"]) >= CONTROL for _, color in inks)
    assert contrast(re.search(r"text\{[^}]*(#[0-9a-f]{6})", _PLOT_STYLE).group(1), PAPERS["page"]) >= TEXT


def test_nothing_is_smaller_than_twelve_pixels():
    sizes = [float(size) for size in re.findall(r"font-size:\s*([0-9.]+)px", STYLE)]
    assert min(sizes) >= 12
