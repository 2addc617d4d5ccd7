"""Arrays to numbers: calibrated probabilities, prediction sets, metrics with intervals, reports. No torch here.

What comes in: the logits of cases that did not train the network, their labels 0 or 1, and by case its patient and
its fold. What goes out: parameters that a bundle keeps as JSON, and figures with 95 % intervals.

===================  ==================================================================================================
module               what it answers
===================  ==================================================================================================
`calibration`        what probability does this logit mean?
`conformal`          which answers can be ruled out at a stated coverage?
`metrics`            how well are cases ranked, called and described, each with an interval over patients?
`comparison`         is one better than another, on the same patients?
`reliability`        do probabilities mean what they say?
`decision_curve`     would acting on it do more good than harm?
`subgroups`          for whom?
`ordinal`            how near is a descriptor to what readers said, beside two readers to each other?
`metrics_file`       the form of a bundle's `eval/metrics.json`
`drift`              are the cases that come in still like those the model was measured on?
`resampling`         intervals by drawing patients again
`scores`             the scores of one subset of modalities: what all tables are made from
`thresholds`         where does a probability become a flag?
`figures`            curves as SVG
`report`             one self-contained HTML page
`claim_sheet`        CLAIM 2024 and TRIPOD+AI items, filled from the facts
`claim_items`        these items, each with the facts that answer it
`checks`             what every function expects of its arrays
`dictation`          how well is a dictation transcribed?
`candidates`         how many lesions are proposed without a click, and how much else?
`clinical_text`      how well are findings and their senses read?
===================  ==================================================================================================

Patients, not cases, are drawn again in every interval: two nodules of one patient are not two independent witnesses.
"""
