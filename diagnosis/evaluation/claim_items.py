"""The items of CLAIM 2024 and TRIPOD+AI, each with the facts that answer it.

The subjects are short paraphrases; the wording that counts is that of Tejani et al., Radiol Artif Intell
2024;6(4):e240300 (https://doi.org/10.1148/ryai.240300) and of Collins et al., BMJ 2024;385:e078378
(https://doi.org/10.1136/bmj-2023-078378, CC BY 4.0).

A source is `metrics.`, `metadata.` or `study.` and a path; `*` stands for any entry at that level. An item is met when
all of its sources hold something.
"""

from dataclasses import dataclass
from typing import final

CLAIM = "CLAIM 2024"
TRIPOD = "TRIPOD+AI"

STUDY_FACTS: dict[str, str] = {
    "abstract": "structured summary: design, methods, results, conclusion",
    "acquisition": "how the images were acquired: scanners, slice spacing, dose, contrast",
    "annotation_tools": "how and with what software the labels were made",
    "annotators": "who made the labels: number, qualification, training",
    "architecture": "the network, its inputs and outputs",
    "background": "clinical background, and existing models",
    "blinding": "what assessors of outcome and predictors did not know",
    "care_pathway": "where in the care pathway, and for which users",
    "centers": "how many centers, where, in what kind of care",
    "class_imbalance": "what was done about unequal classes",
    "clusters": "differences between hospitals or countries",
    "code_availability": "where the code is, under what license",
    "conflicts": "conflicts of interest",
    "data_availability": "where the data are, under what terms",
    "data_dates": "when the data were collected",
    "deidentification": "how the data were de-identified",
    "demographics": "age, sex and size of the cases, by partition",
    "design": "prospective or retrospective",
    "development_versus_evaluation": "how the evaluated cases differ from those trained on",
    "disjointness": "at which level the partitions are disjoint",
    "eligibility": "who was included and excluded",
    "ensembling": "how networks are combined",
    "ethics": "ethics approval or waiver",
    "explainability": "methods of explanation, and how they were checked",
    "external_testing": "cases of another origin, or why there are none",
    "failure_analysis": "where it fails, and why",
    "fairness": "what was done for equal performance between groups",
    "flow": "numbers of patients and cases at each step",
    "funding": "who paid, and their role",
    "goal": "goal of the study, and the task",
    "health_inequalities": "known inequalities between groups",
    "implications": "what it means for practice, and what stands between",
    "initialization": "where the first weights come from",
    "limitations": "what weakens the conclusions",
    "missing_data": "what happens to missing parts and values",
    "model_availability": "where the weights are, under what license",
    "model_selection": "how the final model was chosen",
    "next_steps": "what should be studied next",
    "objectives": "aims and hypotheses",
    "partitions": "how cases were assigned to partitions",
    "predictors": "the inputs, how they are measured and encoded",
    "predictor_assessors": "who made those inputs that need judgment",
    "preprocessing": "what is done to image, text and sound",
    "protocol": "where the study protocol is, or that there is none",
    "public_involvement": "part of patients and public, or that there was none",
    "reference_rationale": "why this reference standard",
    "reference_standard": "what counts as positive",
    "registration": "trial registration",
    "robustness": "sensitivity analyses",
    "sample_size": "why so many cases",
    "subsets": "whether and how parts of the data were selected",
    "title": "names the technique, the population and the outcome",
    "training": "training procedure, augmentation, hyperparameters",
    "treatments": "treatments received, where they matter",
    "unusable_input": "what happens on poor or absent input",
    "updating": "recalibration or other updates after evaluation",
    "user_interaction": "what users must do, and with what expertise",
}
"""What only people can state: key, and what the text should say."""

AUROC = "metrics.findings.*.*.auroc.low"
CALLS = "metrics.findings.*.*.sensitivity.low"
CALIBRATION = "metrics.findings.*.*.ece.value"
BENEFIT = "metrics.findings.*.*.net_benefit_gain.*"
DIFFERENCES = "metrics.differences.*.low"
BASELINES = "metrics.baselines.*.auroc.value"
SUBGROUPS = "metrics.subgroups.*"
COUNTS = "metrics.findings.*.*.n"
EVENTS = "metrics.findings.*.*.positives"


@final
@dataclass(frozen=True)
class Item:
    """One item of a list: which list, its number, its subject, and the sources that answer it."""

    checklist: str
    number: str
    section: str
    subject: str
    sources: tuple[str, ...]


def _items(checklist: str, rows: tuple[tuple[str, str, str, str], ...]) -> tuple[Item, ...]:
    """Items from rows of number, section, subject, and sources parted by blanks; a bare name is a study fact."""
    return tuple(Item(checklist, number, section, subject, _sources(names)) for number, section, subject, names in rows)


def _sources(names: str) -> tuple[str, ...]:
    """Full source paths."""
    return tuple(name if "." in name else f"study.{name}" for name in names.split())


CLAIM_ITEMS = _items(
    CLAIM,
    (
        ("1", "Title", "Named as a study of AI, with the kind of technique", "title"),
        ("2", "Abstract", "Structured summary", "abstract"),
        ("3", "Introduction", "Background, intended use and clinical role", "background metadata.intended_use"),
        ("4", "Introduction", "Aims and hypotheses", "objectives"),
        ("5", "Design", "Prospective or retrospective", "design"),
        ("6", "Design", "Goal of the study", "goal"),
        ("7", "Data", "Sources of the data", "metadata.data_source"),
        ("8", "Data", "Inclusion and exclusion", "eligibility"),
        ("9", "Data", "Preprocessing", "preprocessing"),
        ("10", "Data", "Selection of parts of the data", "subsets"),
        ("11", "Data", "De-identification", "deidentification"),
        ("12", "Data", "Missing data", "missing_data"),
        ("13", "Data", "Image acquisition", "acquisition"),
        ("14", "Reference standard", "Definition", "reference_standard"),
        ("15", "Reference standard", "Rationale", "reference_rationale"),
        ("16", "Reference standard", "Who annotated", "annotators"),
        ("17", "Reference standard", "How the test cases were annotated", "annotation_tools"),
        ("18", "Reference standard", "Variability between and within readers", "metrics.descriptors.*.reader"),
        ("19", "Partitions", "Assignment to partitions", "partitions metrics.protocol"),
        ("20", "Partitions", "Level at which they are disjoint", "disjointness"),
        ("21", "Partitions", "Intended size of the test set", "sample_size"),
        ("22", "Model", "Architecture", "architecture metadata.network"),
        ("23", "Model", "Software and versions", "metadata.required_packages_version metadata.pytorch_version"),
        ("24", "Model", "Initialization", "initialization"),
        ("25", "Training", "Procedure, augmentation, hyperparameters", "training"),
        ("26", "Training", "Choice of the final model", "model_selection"),
        ("27", "Training", "Ensembling", "ensembling"),
        ("28", "Evaluation", "Performance metrics, and comparison", f"{AUROC} {BASELINES}"),
        ("29", "Evaluation", "Uncertainty and significance", f"{AUROC} {DIFFERENCES}"),
        ("30", "Evaluation", "Robustness or sensitivity analysis", "robustness"),
        ("31", "Evaluation", "Explainability, and its check", "explainability"),
        ("32", "Evaluation", "Internal testing", f"{AUROC} metrics.findings.*.*.auroc_by_fold"),
        ("33", "Evaluation", "External testing", "external_testing"),
        ("34", "Evaluation", "Trial registration", "registration"),
        ("35", "Results", "Numbers included and excluded", f"flow {COUNTS}"),
        ("36", "Results", "Demographic and clinical characteristics by partition", "demographics"),
        ("37", "Results", "Performance on all partitions and subgroups", f"{AUROC} {SUBGROUPS}"),
        ("38", "Results", "Diagnostic accuracy with precision", f"{AUROC} {CALLS}"),
        ("39", "Results", "Failure analysis", "failure_analysis"),
        ("40", "Discussion", "Limitations", "limitations"),
        ("41", "Discussion", "Implications for practice", "implications"),
        ("42", "Other", "Full study protocol", "protocol"),
        ("43", "Other", "Software, model and data", "code_availability model_availability data_availability"),
        ("44", "Other", "Funding", "funding"),
    ),
)

TRIPOD_ITEMS = _items(
    TRIPOD,
    (
        ("1", "Title", "Development or evaluation, population, outcome", "title"),
        ("2", "Abstract", "Abstract as its own checklist asks", "abstract"),
        ("3a", "Introduction", "Health care context, and existing models", "background"),
        ("3b", "Introduction", "Target population, purpose, users", "care_pathway metadata.intended_use"),
        ("3c", "Introduction", "Known health inequalities", "health_inequalities"),
        ("4", "Introduction", "Objectives: development, evaluation or both", "objectives"),
        ("5a", "Data", "Sources, rationale, representativeness", "metadata.data_source limitations"),
        ("5b", "Data", "Dates", "data_dates"),
        ("6a", "Participants", "Setting and centers", "centers"),
        ("6b", "Participants", "Eligibility", "eligibility"),
        ("6c", "Participants", "Treatments", "treatments"),
        ("7", "Preparation", "Preprocessing and quality checks", "preprocessing"),
        ("8a", "Outcome", "Definition and time horizon", "reference_standard reference_rationale"),
        ("8b", "Outcome", "Who judged it", "annotators"),
        ("8c", "Outcome", "Blinding of the outcome", "blinding"),
        ("9a", "Predictors", "Choice", "predictors"),
        ("9b", "Predictors", "Definition and measurement", "predictors blinding"),
        ("9c", "Predictors", "Who judged them", "predictor_assessors"),
        ("10", "Sample size", "How it was arrived at", "sample_size"),
        ("11", "Missing data", "How handled", "missing_data"),
        ("12a", "Analysis", "How the data were used and partitioned", "partitions metrics.protocol"),
        ("12b", "Analysis", "How predictors were handled", "preprocessing"),
        ("12c", "Analysis", "Model, building steps, internal validation", "architecture training model_selection"),
        ("12d", "Analysis", "Heterogeneity between clusters", "clusters"),
        ("12e", "Analysis", "Discrimination, calibration, utility", f"{AUROC} {CALIBRATION} {BENEFIT}"),
        ("12f", "Analysis", "Model updating", "updating"),
        ("12g", "Analysis", "How predictions were calculated", "metadata.network metadata.version"),
        ("13", "Class imbalance", "What was done", "class_imbalance"),
        ("14", "Fairness", "Approach", "fairness"),
        ("15", "Output", "Probabilities, thresholds and their choice", "metadata.findings.*.threshold_rule"),
        ("16", "Comparison", "Development against evaluation data", "development_versus_evaluation"),
        ("17", "Ethics", "Approval and consent", "ethics"),
        ("18a", "Open science", "Funding", "funding"),
        ("18b", "Open science", "Conflicts of interest", "conflicts"),
        ("18c", "Open science", "Protocol", "protocol"),
        ("18d", "Open science", "Registration", "registration"),
        ("18e", "Open science", "Data sharing", "data_availability"),
        ("18f", "Open science", "Code sharing", "code_availability"),
        ("19", "Patients and public", "Involvement", "public_involvement"),
        ("20a", "Results", "Flow, and numbers with the outcome", f"flow {COUNTS} {EVENTS}"),
        ("20b", "Results", "Characteristics of the participants", "demographics"),
        ("20c", "Results", "Distribution against the development data", "development_versus_evaluation"),
        ("21", "Results", "Participants and events in each analysis", f"{COUNTS} {EVENTS}"),
        ("22", "Results", "The full model", "model_availability metadata.network"),
        ("23a", "Results", "Performance with intervals, and by subgroup", f"{AUROC} {SUBGROUPS}"),
        ("23b", "Results", "Heterogeneity between clusters", "clusters"),
        ("24", "Results", "Results of updating", "updating"),
        ("25", "Discussion", "Interpretation, with fairness", "implications fairness"),
        ("26", "Discussion", "Limitations", "limitations"),
        ("27a", "Discussion", "Poor or unavailable input", "unusable_input"),
        ("27b", "Discussion", "Interaction and expertise of users", "user_interaction"),
        ("27c", "Discussion", "Next steps", "next_steps"),
    ),
)
