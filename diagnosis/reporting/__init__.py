"""An assessment and its explanation, written where people can use them.

=================  ====================================================================================
`colors`           the one diverging color scale of the product, and how strong a value is drawn
`panels`           PNG pictures: three planes through the peak with overlay; the waveform with words
`highlights`       a text with its words tinted, as HTML
`html_report`      a self-contained page: one section a case, pictures inside
=================  ====================================================================================

Why blue and orange: they differ in lightness and hue for all common kinds of color blindness, where red and green do
not. Zero is transparent, the scale is symmetric and printed beside each picture, so that a faint map looks faint.
"""
