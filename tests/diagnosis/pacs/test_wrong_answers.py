"""Archives that answer something else than they were asked, or in values that break the standard."""

import warnings
from contextlib import contextmanager

import pydicom
import pytest
from pacs_archives import archive_of, study_uid
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
)

from diagnosis.errors import IncompleteStudyError, PacsError
from diagnosis.pacs.archive import StudyQuery
from diagnosis.pacs.config import parse_config
from diagnosis.pacs.dimse import DimseArchive
from diagnosis.pacs.pull import pull_studies

STUDY = {"StudyInstanceUID": "1.2.3.1", "AccessionNumber": "A1", "PatientID": "p1"}
SERIES = {"SeriesInstanceUID": "1.2.3.1.1", "Modality": "CT", "NumberOfSeriesRelatedInstances": 2}


@contextmanager
def answering(tmp_path, studies, series):
    """An archive that gives these answers to whatever it is asked, and no image."""
    given = {"STUDY": studies, "SERIES": series, "IMAGE": []}

    def find(event):
        for values in given[event.identifier.QueryRetrieveLevel]:
            answer = Dataset()
            answer.QueryRetrieveLevel = event.identifier.QueryRetrieveLevel
            for keyword, value in values.items():
                setattr(answer, keyword, value)
            yield 0xFF00, answer

    def give_nothing(_event):
        yield 0

    entity = AE(ae_title="ARCHIVE")
    entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
    entity.add_supported_context(StudyRootQueryRetrieveInformationModelGet)
    handlers = [(evt.EVT_C_FIND, find), (evt.EVT_C_GET, give_nothing)]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    dimse = {"host": "127.0.0.1", "port": server.server_address[1], "ae_title": "ARCHIVE"}
    yield DimseArchive(parse_config({"dimse": dimse, "retries": {"attempts": 1}}, tmp_path))
    server.shutdown()


def test_the_studies_of_others_are_not_fetched_where_the_archive_passes_a_key_over(tmp_path):
    other = {"StudyInstanceUID": "1.2.3.2", "AccessionNumber": "A2", "PatientID": "p2"}
    with answering(tmp_path, [STUDY, other], [SERIES]) as archive:
        for query, keyword in (
            (StudyQuery(accession_number="A1"), "AccessionNumber"),
            (StudyQuery(patient_id="p1"), "PatientID"),
            (StudyQuery(study_uid="1.2.3.1"), "StudyInstanceUID"),
        ):
            with pytest.raises(PacsError, match=f"a study whose {keyword} is not the one that was asked for") as raised:
                pull_studies(archive, query, tmp_path / "out")
            assert not any(value in str(raised.value) for value in (*STUDY.values(), *other.values()))
    assert not (tmp_path / "out").exists()


def test_case_and_blanks_do_not_make_another_patient_and_a_key_that_is_not_answered_counts_for_nothing(tmp_path):
    answers = [STUDY | {"PatientID": "P1 "}, {"StudyInstanceUID": "1.2.3.3"}]
    with answering(tmp_path, answers, []) as archive:
        assert archive.find_studies(StudyQuery(patient_id="p1")) == ["1.2.3.1", "1.2.3.3"]


def test_several_values_where_one_is_due_are_refused_and_not_repeated(tmp_path):
    with answering(tmp_path, [STUDY | {"StudyInstanceUID": ["1.2.3.1", "1.2.3.2"]}], []) as archive:
        with pytest.raises(PacsError, match="several values of StudyInstanceUID") as raised:
            archive.find_studies(StudyQuery(accession_number="A1"))
        assert "1.2.3" not in str(raised.value)
    several = SERIES | {"SeriesInstanceUID": ["1.2.3.1.1", "1.2.3.1.2"]}
    with (
        answering(tmp_path, [STUDY], [several]) as archive,
        pytest.raises(PacsError, match="several values of SeriesInstanceUID"),
    ):
        archive.list_series("1.2.3.1")


@pytest.mark.parametrize("count", [0, -5])
def test_a_count_that_no_series_can_have_does_not_make_it_complete(tmp_path, count):
    series = SERIES | {"NumberOfSeriesRelatedInstances": count}
    with (
        answering(tmp_path, [STUDY], [series]) as archive,
        pytest.raises(IncompleteStudyError, match="0 of an unknown number of images"),
    ):
        pull_studies(archive, StudyQuery(accession_number="A1"), tmp_path / "out")
    assert [path.suffix for path in (tmp_path / "out").iterdir()] == [".partial"]


def test_values_that_break_the_standard_are_not_quoted(orthanc_alone, phantom_files, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data_set = pydicom.dcmread(phantom_files[0])
        data_set.PatientBirthDate = "born in May, Doe"
        data_set.save_as(tmp_path / "odd.dcm")
    orthanc_alone.upload(tmp_path / "odd.dcm")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = archive_of(orthanc_alone, "dicomweb").find_studies(StudyQuery(study_uid=study_uid(phantom_files)))
    assert found == [study_uid(phantom_files)]
    assert [str(one.message) for one in said if "Doe" in str(one.message)] == []
