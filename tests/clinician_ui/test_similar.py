"""Similar nodules come from the index beside the bundle; without one the page does not speak of them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from dashboard_records import html_of

from clinician_ui.folders import list_cases
from clinician_ui.services import engine_of
from clinician_ui.similar import find_similar, has_index, known_similar
from diagnosis.errors import BundleError


@pytest.fixture
def indexed(tiny_bundle, tmp_path) -> Path:
    """A bundle of random networks with an index of three nodules."""
    from diagnosis.networks.projection import AlignedSpace, ProjectionConfig
    from diagnosis.retrieval.index import IndexedNodule, NoduleIndex, save_index

    folder = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, folder)
    engine = engine_of(folder)
    n_readouts = engine.bundle.network.config.volume_encoder.n_readouts
    space = AlignedSpace(ProjectionConfig(n_readouts=n_readouts)).eval()
    random = np.random.default_rng(0).normal(size=(3, 3, space.config.embed)).astype(np.float32)
    embeddings = random / np.linalg.norm(random, axis=-1, keepdims=True)
    nodules = tuple(
        IndexedNodule(name=f"n-{i}", descriptors={"texture": 5}, diameter_mm=8 + i, outcome="benign") for i in range(3)
    )
    save_index(folder, engine.bundle.sha256, NoduleIndex(space, embeddings, nodules, "made by hand", {}))
    return folder


@pytest.fixture
def entry(tmp_path):
    folder = tmp_path / "cases" / "one"
    folder.mkdir(parents=True)
    (folder / "case.json").write_text('{"case_id": "one"}')
    (folder / "note.txt").write_text("FINDINGS: Spiculated nodule of 12 mm.")
    return list_cases(folder.parent)[0]


def test_the_nearest_nodules_are_found_once(indexed, entry):
    assert has_index(indexed)
    assert known_similar(entry, indexed) is None
    found = find_similar(entry, indexed)
    assert {n.name for n in found} == {"n-0", "n-1", "n-2"}
    assert [n.similarity for n in found] == sorted((n.similarity for n in found), reverse=True)
    assert found[0].outcome == "benign"
    assert known_similar(entry, indexed) is found


def test_the_page_offers_and_shows_them(start, indexed, entry, tiny_bundle):
    app = start(entry.folder.parent, indexed)
    next(b for b in app.button if b.label == "one").click().run()
    assert not app.exception
    next(b for b in app.button if b.label == "Find similar nodules").click().run()
    assert not app.exception
    assert "Similar is not the same" in html_of(app)
    assert "Find similar nodules" not in [b.label for b in app.button]
    assert "n-0" in html_of(app)
    without = start(entry.folder.parent, tiny_bundle)
    next(b for b in without.button if b.label == "one").click().run()
    assert "Similar nodules" not in [h.value for h in without.header]


def test_an_index_of_another_bundle_is_refused(indexed, entry):
    document = indexed / "retrieval" / "index.json"
    document.write_text(document.read_text().replace(engine_of(indexed).bundle.sha256, "0" * 64))
    with pytest.raises(BundleError, match="made for bundle 000000000000"):
        find_similar(entry, indexed)
