"""An assessment and its explanation, written where people can use them.

=================  ====================================================================================
`colors`           the one diverging color scale of the product, and how strong a value is drawn
`panels`           PNG pictures: three planes through the peak with overlay; the waveform with words
`word_labels`      where the words beside a waveform stand, so that none lies on another
`highlights`       a text with its words tinted, as HTML
`changes`          what the probability would be if something were changed: a table with pictures, as HTML
`html_report`      a self-contained page: one section a case, pictures inside
`candidate_rows`   the regions that a program proposed, for the page
`assessment_json`  the public JSON form of an assessment
`explanation_files`  an explanation as files: overlays, panels, JSON and the page
`export`           `write_exports`: one `result` in all the forms that a hospital takes, listed below
`dicom_source`     the source images as results refer to them: repaired or refused, each with its reason
`dicom_object`     what all results in DICOM share: who made them, when, and their identifiers
`clinician_report` the report that a clinician signed; `signed_section` its place in the SR
`dicom_sr`         Comprehensive 3D SR after TID 1500; `parametric_map`, `segmentation`, `secondary_capture`
`pdf`              the report as PDF; `encapsulated_pdf` wraps it in DICOM
`fhir`             FHIR R4 Bundle; `codes` the codes of what is said
=================  ====================================================================================

Why blue and orange: they differ in lightness and hue for all common kinds of color blindness, where red and green do
not. Zero is transparent, the scale is symmetric and printed beside each picture, so that a faint map looks faint.
"""
