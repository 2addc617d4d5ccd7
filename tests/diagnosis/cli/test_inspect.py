"""`diagnosis inspect` on real series: the public JSON and the table."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from diagnosis.cli.inspect import inspect_command
from diagnosis.errors import InputError

app = typer.Typer()
app.command()(inspect_command)


def test_json_has_the_public_keys(shared_data: Path) -> None:
    result = CliRunner().invoke(app, [str(shared_data / "dicom_cases" / "d2n_missing_slice"), "--json"])
    assert result.exit_code == 0
    (series,) = json.loads(result.stdout)
    assert list(series)[:5] == ["series_uid", "description", "n_instances", "verdict", "reasons"]
    assert (series["n_instances"], series["verdict"], series["is_chosen"]) == (4, "refused", False)
    assert series["shape"] == [4, 512, 512]
    (reason,) = series["reasons"]
    assert reason["code"] == "gap"
    assert reason["message"].startswith("slices 3 and 4 are 10.00 mm apart")


def test_repair_is_told(shared_data: Path) -> None:
    path = str(shared_data / "dicom_cases" / "d2n_gantry_tilt")
    plain = json.loads(CliRunner().invoke(app, [path, "--json"]).stdout)
    repaired = json.loads(CliRunner().invoke(app, [path, "--json", "--repair", "resample"]).stdout)
    assert [plain[0]["verdict"], repaired[0]["verdict"]] == ["refused", "repaired"]


def test_the_table_names_verdict_and_choice(shared_data: Path) -> None:
    result = CliRunner().invoke(app, [str(shared_data / "dicom_cases" / "philips_head_std_5mm")])
    assert "regular" in result.stdout
    assert "▶ the series that an assessment would use" in result.stdout


def test_a_path_that_is_missing(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path / "gone")])
    assert isinstance(result.exception, InputError)
    with pytest.raises(InputError, match="the path does not exist"):
        raise result.exception
