from diagnosis.record import TextSpan
from diagnosis.reporting.highlights import highlight_html, scale_html


def test_the_scale_of_words_is_shown_in_logits_with_zero_transparent():
    spans = (TextSpan(0, 5, "large", 0.5), TextSpan(6, 11, "round", -0.2))
    scale = scale_html(spans)
    assert [f">{value}<" in scale for value in ("-0.50", "-0.25", "+0.00", "+0.25", "+0.50")] == [True] * 5
    assert 'style="background:rgba(230,97,1,0.00)">+0.00<' in scale
    # The strongest word has the color at the end of the scale.
    color = scale.split('style="')[-1].split('"')[0]
    assert color in highlight_html("large round", spans)
    assert scale_html(()) == ""
