import json

import numpy as np
import pytest
import torch

from diagnosis.errors import BundleError, CaseError, ConfigurationError
from diagnosis.networks.projection import AlignedSpace, ProjectionConfig
from diagnosis.retrieval import search
from diagnosis.retrieval.ann_benchmark import exact_neighbors, like_embeddings, measure, recall
from diagnosis.retrieval.index import FOLDER, NODULES, VECTORS, IndexedNodule, NoduleIndex, load_index, save_index
from diagnosis.retrieval.libraries import build
from diagnosis.retrieval.quality import pair_likelihood, recall_of
from diagnosis.retrieval.search import NoduleSearch
from diagnosis.vocabulary import Modality

CT, NOTE, VOICE = (frozenset({m}) for m in Modality)


def unit(values):
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture
def index():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    embeddings = unit(rng.standard_normal((20, 3, 64)))
    embeddings[10:, 2] = 0  # the last ten have no dictation
    nodules = tuple(
        IndexedNodule(name=f"n{i}", descriptors={"texture": 5, "spiculation": 4}, diameter_mm=i + 3, outcome="judged")
        for i in range(20)
    )
    space = AlignedSpace(ProjectionConfig(n_readouts=12)).eval()
    return NoduleIndex(space, embeddings, nodules, "made up", {"recall": {}})


def test_an_index_survives_the_disk(index, tmp_path):
    save_index(tmp_path, "a" * 64, index)
    loaded = load_index(tmp_path, "a" * 64)
    assert loaded.nodules == index.nodules
    assert loaded.nodules[0].wording == "3 mm, texture solid, spiculation near marked"
    np.testing.assert_allclose(loaded.embeddings, index.embeddings, atol=1e-3)
    reading = torch.randn(4, 18)
    torch.testing.assert_close(loaded.space.text(reading), index.space.text(reading))


def test_an_index_of_another_bundle_is_refused(index, tmp_path):
    save_index(tmp_path, "a" * 64, index)
    with pytest.raises(BundleError, match=r"made for bundle aaaaaaaaaaaa, this one is bbbbbbbbbbbb.*diagnosis index"):
        load_index(tmp_path, "b" * 64)


def test_a_missing_or_changed_index_is_refused(index, tmp_path):
    with pytest.raises(BundleError, match="there is none beside the bundle; make one with `diagnosis index`"):
        load_index(tmp_path, "a" * 64)
    save_index(tmp_path, "a" * 64, index)
    vectors = tmp_path / FOLDER / VECTORS
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"x")
    with pytest.raises(BundleError, match="differs from its checksum"):
        load_index(tmp_path, "a" * 64)
    (tmp_path / FOLDER / NODULES).write_text("{}")
    with pytest.raises(BundleError, match="is not valid"):
        load_index(tmp_path, "a" * 64)


def test_an_index_holds_neither_image_nor_text(index, tmp_path):
    save_index(tmp_path, "a" * 64, index)
    document = json.loads((tmp_path / FOLDER / NODULES).read_text())
    assert set(document["nodules"][0]) == {"name", "descriptors", "diameter_mm", "outcome"}
    assert sorted(p.name for p in (tmp_path / FOLDER).iterdir()) == [NODULES, VECTORS]


def test_a_nodule_of_the_index_finds_itself(index):
    searcher = NoduleSearch(index)
    for row in (0, 7, 15):
        assert searcher.similar(index.embeddings[row])[0].nodule.name == f"n{row}"
        assert searcher.similar(index.embeddings[row], NOTE, NOTE)[0].similarity == pytest.approx(1, abs=1e-5)


def test_a_large_index_is_searched_in_cells(monkeypatch):
    pytest.importorskip("faiss")
    rng = np.random.default_rng(0)
    embeddings = unit(rng.standard_normal((3000, 3, 16)))
    nodules = tuple(
        IndexedNodule(name=f"n{i}", descriptors={}, diameter_mm=None, outcome="judged") for i in range(3000)
    )
    space = AlignedSpace(ProjectionConfig(n_readouts=12)).eval()
    large = NoduleIndex(space, embeddings, nodules, "made up", {})
    exact = [NoduleSearch(large).similar(embeddings[row], CT, CT) for row in range(20)]
    monkeypatch.setattr(search, "EXACT_UP_TO", 100)
    cells = [NoduleSearch(large).similar(embeddings[row], CT, CT) for row in range(20)]
    assert [c[0] for c in cells] == [e[0] for e in exact]
    shared = [len({i.nodule.name for i in c} & {i.nodule.name for i in e}) for c, e in zip(cells, exact, strict=True)]
    assert np.mean(shared) >= 4  # of 5
    assert all(item.similarity <= 1.0001 for item in NoduleSearch(large).similar(embeddings[0], CT, CT, count=3000))


def test_search_among_dictations_leaves_out_nodules_without(index):
    found = NoduleSearch(index).similar(index.embeddings[3], CT, VOICE, count=20)
    assert {item.nodule.name for item in found} == {f"n{i}" for i in range(10)}
    assert [f.similarity for f in found] == sorted((f.similarity for f in found), reverse=True)


def test_what_is_not_there_cannot_be_searched_by(index):
    searcher = NoduleSearch(index)
    with pytest.raises(CaseError, match="the case has no voice to search by"):
        searcher.similar(index.embeddings[12], VOICE)
    index.embeddings[:, 2] = 0
    with pytest.raises(CaseError, match="the index has no voice to search in"):
        NoduleSearch(index).similar(index.embeddings[0], CT, VOICE)


def test_the_space_places_what_is_present_at_unit_length(tiny_engine):
    from diagnosis.ingest.notes import note_from_text
    from diagnosis.preprocessing.batch import stack_cases
    from diagnosis.record import Case

    config = tiny_engine.bundle.network.config
    space = AlignedSpace(ProjectionConfig(n_readouts=config.volume_encoder.n_readouts)).eval()
    case = Case("c", note=note_from_text("Spiculated nodule of 12 mm."))
    batch = stack_cases([tiny_engine.prepare(case)], tiny_engine.contract)
    embedded = space.embed(tiny_engine.bundle.network, batch)[0]
    assert embedded.norm(dim=1).tolist() == pytest.approx([0, 1, 0], abs=1e-5)


def test_recall_counts_ties_by_their_mean_rank():
    similarity = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 2.0], [5.0, 5.0, 5.0]])
    found = recall_of(similarity, np.arange(3))
    assert found.at[1] == pytest.approx(1 / 3)
    assert found.at[5] == 1
    assert found.median_rank == 2
    assert found.times_chance(1) == pytest.approx(1)


def test_random_similarities_give_chance():
    similarity = np.random.default_rng(0).standard_normal((2000, 200))
    assert recall_of(similarity, np.arange(2000) % 200).times_chance(5) == pytest.approx(1, abs=0.3)


def test_pair_likelihood_finds_the_same_item_again():
    rng = np.random.default_rng(0)
    latent = rng.standard_normal((400, 4))
    first, second = latent + 0.1 * rng.standard_normal((400, 4)), latent @ rng.standard_normal((4, 4))
    table = pair_likelihood(second[200:], first[200:], (second[:200], first[:200]))
    assert recall_of(table, np.arange(200)).at[1] > 0.6


@pytest.mark.parametrize("library", ["exact", "faiss-hnsw", "faiss-ivf"])
def test_libraries_find_what_exact_search_finds(library):
    if library != "exact":
        pytest.importorskip("faiss")
    vectors = like_embeddings(unit(np.random.default_rng(1).standard_normal((300, 16))), 1000, 0)
    queries = vectors[:50]
    searcher = build(library, vectors)
    found = [searcher.search(q, 10, searcher.efforts[-1]) for q in queries]
    assert [f[0] for f in found] == list(range(50))
    assert recall(found, exact_neighbors(vectors, queries)) > 0.95


def test_an_unknown_library_is_refused():
    with pytest.raises(ConfigurationError, match="'annoy' is not known; use one of exact"):
        build("annoy", np.zeros((2, 2), np.float32))


def test_made_vectors_are_spread_like_the_real_ones():
    real = unit(np.random.default_rng(1).standard_normal((500, 8)) * [4, 3, 2, 1, 1, 1, 0.1, 0.1])
    made = like_embeddings(real, 5000, 0)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.cov(made.T), np.cov(real.T), atol=0.06)


def test_exact_search_is_measured_as_exact():
    found = measure("exact", unit(np.random.default_rng(1).standard_normal((100, 8))), 2000)
    assert found.recall_at_10 == 1
    assert found.p95_ms >= found.p50_ms > 0
