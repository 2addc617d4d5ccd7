"""A cohort that comes as a manifest: its folds, and what is told of it before anything is trained."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from diagnosis.errors import ConfigurationError, ManifestError
from diagnosis.preprocessing.volume import FieldOfView
from diagnosis.training.cohort import Cohort, TrainingCase, TrainingRegion
from diagnosis.training.config import AboutConfig, DataConfig, StageConfig, TrainConfig, read_config
from diagnosis.training.manifest_cohort import cohort_digest, read_manifest_cohort
from diagnosis.training.statements import stated_of
from diagnosis.training.sufficiency import labels_suffice, require_enough

VIEW = FieldOfView((3, 8, 8), (1.0, 1.0, 1.0), (-1000.0, 400.0))


def silent(_done, _total):
    pass


def rows_of(n_patients, per_patient=2):
    """Notes of patients, every third of whom is positive."""
    return [
        {"case_id": f"c{p}-{i}", "patient_id": f"p{p}", "note_text": "solid, 8 mm", "malignancy": str(int(p % 3 == 0))}
        for p in range(n_patients)
        for i in range(per_patient)
    ]


def write(folder, rows):
    path = folder / "cohort.csv"
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return DataConfig(kind="manifest", root=str(path), n_folds=4)


def read(data, seed=20):
    return read_manifest_cohort(data, VIEW, seed, silent)


def test_folds_are_drawn_by_patient_evenly_and_the_same_each_time(tmp_path):
    data = write(tmp_path, rows_of(24))
    cohort = read(data)
    assert cohort.folds == ("fold0", "fold1", "fold2", "fold3")
    by_patient = {}
    for case in cohort.cases:
        assert by_patient.setdefault(case.patient_id, case.fold) == case.fold
    positives = [sum(cohort.cases[i].labels[0] for i in cohort.inside(fold)) for fold in cohort.folds]
    assert positives == [4, 4, 4, 4]
    assert [case.fold for case in read(data).cases] == [case.fold for case in cohort.cases]
    assert [case.fold for case in read(data, seed=21).cases] != [case.fold for case in cohort.cases]


def test_folds_that_are_named_are_kept(tmp_path):
    rows = [{**row, "split": f"part-{int(row['patient_id'][1:]) % 3}"} for row in rows_of(9)]
    cohort = read(write(tmp_path, rows))
    assert [case.fold for case in cohort.cases] == [row["split"] for row in rows]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"note_text": "", "note": "white.txt"}, "row 3: note: the file is empty"),
        ({"note_text": "", "ct": "white.txt", "center_x_mm": "1", "center_y_mm": "1", "center_z_mm": "1"}, "row 3: "),
        ({"ct": "white.txt"}, "row 3: a CT without a center"),
        ({"split": "a"}, "rows 1, 2, 4, 5, 6: no split, and others have one"),
    ],
)
def test_a_row_that_cannot_be_learned_from_is_named(tmp_path, change, message):
    (tmp_path / "white.txt").write_text(" \n")
    rows = rows_of(6, per_patient=1)
    rows[2] |= change
    for name in ("center_x_mm", "center_y_mm", "center_z_mm"):
        rows[0].setdefault(name, "")
    with pytest.raises(ManifestError, match=message):
        read(write(tmp_path, rows))


def test_all_rows_that_cannot_be_read_are_named_together(tmp_path):
    (tmp_path / "white.txt").write_text(" \n")
    rows = rows_of(6, per_patient=1)
    for row in (rows[1], rows[4]):
        row |= {"note_text": "", "note": "white.txt"}
    with pytest.raises(ManifestError, match=r"rows 2, 5: note"):
        read(write(tmp_path, rows))


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (("train", "test"), "2 folds stand in `split`"),
        (("a", "b", "../c"), "rows 3, 6: a split that cannot name a folder"),
    ],
)
def test_splits_that_are_no_folds_are_refused_before_files_are_read(tmp_path, splits, message):
    rows = [{**row, "split": splits[i % len(splits)]} for i, row in enumerate(rows_of(6, per_patient=1))]
    with pytest.raises(ManifestError, match=message):
        read(write(tmp_path, rows))


def test_more_folds_than_patients_cannot_be_drawn(tmp_path):
    with pytest.raises(ConfigurationError, match="4 folds cannot be drawn from 3 patients"):
        read(write(tmp_path, rows_of(3)))


def test_what_is_refused_before_training_can_be_corrected_and_tried_again(tmp_path):
    """Neither the configuration nor the cases of a run that never began bind the next one in the same work folder."""
    from diagnosis.training.run import train

    data = write(tmp_path, [{**row, "rare": str(int(row["case_id"] == "c0-0"))} for row in rows_of(24)])
    config = TrainConfig(
        work=str(tmp_path / "work"), out=str(tmp_path / "out"), data=replace(data, findings=("malignancy", "rare"))
    )
    with pytest.raises(ConfigurationError, match="rare has too few labels to be measured"):
        train(config, lambda _title: silent)
    write(tmp_path, [{**row, "malignancy": "0"} for row in rows_of(24)])
    with pytest.raises(ConfigurationError, match="malignancy has too few labels to be measured"):
        train(replace(config, data=data), lambda _title: silent)
    assert not (tmp_path / "work").exists()


def make_cohort(labels, *, has_ct=False, n_folds=3):
    """One case a patient with a note, in folds by turns; `labels` of one finding."""
    hu = np.zeros((3, 8, 8), dtype=np.float16)
    region = TrainingRegion(hu, None, np.ones(hu.shape, dtype=bool), 1.0) if has_ct else None
    cases = [
        TrainingCase(
            f"c{i}", f"p{i}", f"fold{i % n_folds}", (label,), (label,), region, None, (), "solid, 8 mm", None
        )
        for i, label in enumerate(labels)
    ]  # fmt: skip
    return Cohort("mine", ("calcified",), tuple(cases))


def test_a_fold_of_one_class_is_told_before_training():
    labels = [int(i % 2 == 0 and i % 3 != 1) for i in range(60)]
    with pytest.raises(ConfigurationError, match=r"calcified has too few labels.*fold1 has 0 positive and 20 negative"):
        require_enough(make_cohort(labels), TrainConfig())


def test_too_few_of_a_class_to_calibrate_on_are_told_before_training():
    labels = [int(i < 6) for i in range(60)]
    assert not labels_suffice(make_cohort(labels), range(60), 0)
    with pytest.raises(ConfigurationError, match="outside fold0 there are 4 positive and 36 negative"):
        require_enough(make_cohort(labels), TrainConfig())
    require_enough(make_cohort([int(i < 9) for i in range(60)]), TrainConfig())


def test_unknown_labels_do_not_count():
    labels = [0 if i % 2 else 1 for i in range(36)] + [None] * 30
    require_enough(make_cohort(labels), TrainConfig())
    with pytest.raises(ConfigurationError, match="too few labels"):
        require_enough(make_cohort([None] * 36), TrainConfig())


def test_folds_without_enough_regions_are_told_before_training():
    cohort = make_cohort([i // 3 % 2 for i in range(36)], has_ct=True)
    lonely = [replace(case, region=None) if case.fold == "fold2" else case for case in cohort.cases]
    with pytest.raises(ConfigurationError, match="0 CTs are left when the folds fold0 and fold1 are held out"):
        require_enough(replace(cohort, cases=tuple(lonely)), TrainConfig())
    require_enough(cohort, TrainConfig())


def test_fewer_regions_than_a_batch_are_one_batch():
    from diagnosis.training.volume_stage import RegionDataset, region_batches

    cohort = make_cohort([0, 1] * 5, has_ct=True)
    config = TrainConfig(data=DataConfig(shape=(3, 4, 4), margin=(0, 2, 2)))
    dataset = RegionDataset(cohort.cases, config, 0)
    assert len(region_batches(dataset, StageConfig(1, 32, 1e-3, 0.0), 0)) == 1
    assert len(region_batches(dataset, StageConfig(1, 4, 1e-3, 0.0), 0)) == 2


def test_the_digest_changes_with_any_case():
    cohort = make_cohort([0, 1] * 6)
    first, *others = cohort.cases
    assert cohort_digest(cohort) == cohort_digest(make_cohort([0, 1] * 6))
    for changed in (replace(first, labels=(1,)), replace(first, note="calcified, 8 mm"), replace(first, fold="fold1")):
        assert cohort_digest(replace(cohort, cases=(changed, *others))) != cohort_digest(cohort)


def test_a_bundle_of_another_cohort_states_nothing_of_lidc(tmp_path):
    cohort = make_cohort([0, 1] * 6)
    data = DataConfig(kind="manifest", findings=("calcified",))
    stated = stated_of(TrainConfig(data=data), cohort)
    assert stated.task == "calcified from note"
    told = " ".join(str(value) for value in vars(stated).values())
    assert "LIDC" not in told
    assert "malignan" not in told.lower()
    about = AboutConfig(task="calcium in a nodule", data_source="our archive", limits=("One scanner.",))
    stated = stated_of(TrainConfig(data=data, about=about), cohort)
    assert (stated.task, stated.data_source, stated.limits[0]) == ("calcium in a nodule", "our archive", "One scanner.")
    path = tmp_path / "c.yaml"
    path.write_text("about: { task: calcium in a nodule, limits: [One scanner.] }\n")
    assert read_config(path).about == AboutConfig(task="calcium in a nodule", limits=("One scanner.",))


def test_the_configuration_that_the_manual_shows_can_be_read(tmp_path):
    from pathlib import Path

    import diagnosis.training

    manual = (Path(diagnosis.training.__file__).parent / "README.md").read_text(encoding="utf-8")
    shown = manual.split("<!-- own cohort -->\n```yaml\n")[1].split("```")[0]
    path = tmp_path / "own.yaml"
    path.write_text(shown)
    config = read_config(path)
    assert (config.data.kind, config.data.findings, config.data.n_folds) == ("manifest", ("malignancy", "calcified"), 5)
    assert config.about.data_source == "our archive; labels by histology"


def test_a_run_does_not_go_on_with_other_cases(tmp_path):
    from diagnosis.training.run import _claim_cohort

    config = TrainConfig(data=DataConfig(kind="manifest"))
    cohort = make_cohort([0, 1] * 6)
    _claim_cohort(tmp_path, config, cohort)
    _claim_cohort(tmp_path, config, cohort)
    with pytest.raises(ConfigurationError, match="holds a run on other cases"):
        _claim_cohort(tmp_path, config, make_cohort([1, 0] * 6))


def test_the_table_of_fusions_fits_in_80_columns():
    from io import StringIO

    from rich.console import Console

    from diagnosis.cli.train import _comparison_table
    from diagnosis.training.run import COMPARISON_COLUMNS

    rows = [("attention", *["0.866"] * 7, "+0.012 [-0.002, +0.027]")]
    out = StringIO()
    Console(file=out, width=80).print(_comparison_table("AUROC", COMPARISON_COLUMNS, rows))
    text = out.getvalue()
    assert "…" not in text
    assert "attention" in text
    assert "[-0.002, +0.027]" in text
