import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from diagnosis.cli import app
from diagnosis.cli.similar import parse_parts
from diagnosis.errors import BundleError, ConfigurationError
from diagnosis.vocabulary import Modality

TEXT = "68-year-old male, smoker. Spiculated 14 mm nodule in the right upper lobe. No effusion."


@pytest.fixture
def note(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture
def case_folder(tmp_path, note):
    folder = tmp_path / "case"
    folder.mkdir()
    shutil.copy(note, folder / "note.txt")
    (folder / "case.json").write_text(json.dumps({"case_id": "c-1"}))
    return folder


@pytest.fixture(scope="module")
def indexed(tiny_bundle, tmp_path_factory):
    """A tiny bundle with an index of five nodules beside it."""
    import torch

    from diagnosis.bundle.folder import read_metadata, verify_checksums
    from diagnosis.networks.projection import AlignedSpace, ProjectionConfig
    from diagnosis.retrieval.index import IndexedNodule, NoduleIndex, save_index

    folder = tmp_path_factory.mktemp("indexed") / "bundle"
    shutil.copytree(tiny_bundle, folder)
    torch.manual_seed(0)
    n_readouts = read_metadata(folder).network_config().volume_encoder.n_readouts
    vectors = np.random.default_rng(0).standard_normal((5, 3, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    nodules = tuple(
        IndexedNodule(name=f"n{i}", descriptors={"texture": 5}, diameter_mm=9, outcome="judged") for i in range(5)
    )
    space = AlignedSpace(ProjectionConfig(n_readouts=n_readouts)).eval()
    save_index(folder, verify_checksums(folder), NoduleIndex(space, vectors, nodules, "made up", {}))
    return folder


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def test_a_draft_as_json_points_at_the_words_it_rests_on(note, tiny_bundle):
    done = run("draft", "--note", note, "--bundle", tiny_bundle, "--json")
    draft = json.loads(done.stdout)
    place = next(s for s in draft["sentences"] if "right upper lobe" in s["text"])
    start, end = place["evidence"][0]["span"]
    assert TEXT[start:end] == "right upper lobe"
    assert all(s["evidence"] for s in draft["sentences"])


def test_a_draft_for_people_and_to_edit(note, tiny_bundle):
    shown = run("draft", "--note", note, "--bundle", tiny_bundle).stdout
    assert "not signed" in shown
    assert "[note " in shown
    bare = run("draft", "--note", note, "--bundle", tiny_bundle, "--text").stdout
    assert bare.startswith("CLINICAL INFORMATION:\n68-year-old man.")
    assert "[note" not in bare


def test_an_edited_draft_is_signed_with_its_diff(note, tiny_bundle, tmp_path):
    edited = tmp_path / "edited.txt"
    edited.write_text(run("draft", "--note", note, "--bundle", tiny_bundle, "--text").stdout + "No other lesion.\n")
    done = run("draft", "--note", note, "--bundle", tiny_bundle, "--sign", edited, "--by", "dr-a")
    assert "without evidence of the draft: No other lesion." in " ".join(done.stdout.split())
    kept = json.loads((tmp_path / "edited.txt.signed.json").read_text())
    assert kept["unsupported"] == ["No other lesion."]
    assert "+No other lesion." in kept["diff"]
    assert kept["signed_by"] == "dr-a"


def test_a_question_is_answered_with_its_evidence(case_folder, tiny_bundle):
    found = json.loads(run("ask", case_folder, "Is it spiculated?", "--bundle", tiny_bundle, "--json").stdout)
    assert found["is_known"]
    assert "the note states spiculation" in found["text"].lower()
    unknown = json.loads(run("ask", case_folder, "Is it calcified?", "--bundle", tiny_bundle, "--json").stdout)
    assert not unknown["is_known"]
    assert unknown["text"].startswith("Not known")


def test_similar_nodules_are_told_with_their_similarity(note, indexed):
    found = json.loads(run("similar", "--note", note, "--bundle", indexed, "--in", "ct", "--count", 3, "--json").stdout)
    assert len(found["similar"]) == 3
    assert found["similar"][0]["similarity"] >= found["similar"][1]["similarity"]
    assert "Similar is not the same" in " ".join(run("similar", "--note", note, "--bundle", indexed).stdout.split())


def test_a_bundle_without_an_index_says_how_to_make_one(note, tiny_bundle):
    with pytest.raises(BundleError, match="make one with `diagnosis index`"):
        run("similar", "--note", note, "--bundle", tiny_bundle)


def test_parts_by_name():
    assert parse_parts("all") == frozenset(Modality)
    assert parse_parts("ct+note") == {Modality.CT, Modality.NOTE}
    with pytest.raises(ConfigurationError, match="'xray' names no kind of evidence; use ct, note, voice"):
        parse_parts("xray")
