"""Two machines of a Ray cluster, one of which goes away in the middle: every study is scored, and once."""

import os
import threading
import time

import pyarrow.parquet as pq
import pytest
from databases import postgresql_server
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError
from studies_factory import options, results, write_manifest

from diagnosis.batch.cluster import run_batch_on_ray
from diagnosis.batch.run import run_batch
from diagnosis.errors import BundleError, ConfigurationError

N_STUDIES = 120
NODE = {"num_cpus": 1, "object_store_memory": 256 * 2**20, "include_dashboard": False}
STATE = "SELECT count(*) FILTER (WHERE state = 'claimed' AND owner LIKE :o), count(*) FILTER (WHERE state = 'done'), "
WHO = "array_agg(DISTINCT split_part(owner, '-', 1)) FILTER (WHERE owner IS NOT NULL) FROM batch_studies"


@pytest.fixture(scope="module")
def cluster():
    """Two nodes on this machine, the second of which may be lost."""
    try:
        import ray
        from ray.cluster_utils import Cluster
    except ModuleNotFoundError:
        if os.environ.get("CI") == "true":
            pytest.fail("ray is not installed")
        pytest.skip("ray is not installed")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    made = Cluster(initialize_head=True, head_node_args=NODE)
    second = made.add_node(**NODE)
    yield made, second
    ray.shutdown()
    made.shutdown()


@pytest.fixture(scope="module")
def ledger_url():
    with postgresql_server() as server:
        yield f"{server}postgres"


def lose_at_work(cluster, node, url, seen):
    """Kill a node as soon as it holds a claim, both work, and some studies are done."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    while not seen:
        time.sleep(0.02)
        try:
            with engine.connect() as connection:
                found = connection.execute(text(STATE + WHO), {"o": f"{node.node_id[:24]}%"}).one()
        except ProgrammingError:  # the tables are not there yet
            continue
        n_held, n_done, who = found
        if n_held and 0 < n_done < N_STUDIES - 40 and len(who) == 2:
            cluster.remove_node(node, allow_graceful=False)
            seen.append((n_held, n_done))
    engine.dispose()


def test_a_machine_is_lost_and_no_study_with_it(cluster, ledger_url, tiny_bundle, tmp_path):
    made, second = cluster
    source = write_manifest(tmp_path / "source", N_STUDIES)
    seen: list[tuple[int, int]] = []
    thread = threading.Thread(target=lose_at_work, args=(made, second, ledger_url, seen), daemon=True)
    thread.start()
    out = tmp_path / "cluster"
    told: list[tuple[int, int]] = []
    changed = options(source, tiny_bundle, out, ledger=ledger_url, uses_cache=False)
    summary = run_batch_on_ray(changed, made.address, lambda done, total: told.append((done, total)))
    assert seen, "no moment came at which both machines were at work"
    thread.join()
    assert (summary.n_done, summary.n_failed) == (N_STUDIES, 0)
    assert told[-1] == (N_STUDIES, N_STUDIES)
    names = pq.read_table(out / "results.parquet")["case_id"].to_pylist()
    assert names == [f"s{i:04d}" for i in range(N_STUDIES)]
    run_batch(options(source, tiny_bundle, tmp_path / "here", uses_cache=False))
    assert results(out) == results(tmp_path / "here")


def test_what_a_machine_cannot_use_is_said_in_its_own_words(cluster, ledger_url, tiny_bundle, tmp_path, monkeypatch):
    from diagnosis.batch import cluster as room

    source = write_manifest(tmp_path / "source", 2, n_ct=0)
    load = room.load_bundle

    def load_and_lose(folder):
        loaded = load(folder)
        (folder / "configs" / "metadata.json").rename(folder / "gone.json")
        return loaded

    from factories import make_tiny_bundle

    make_tiny_bundle(tmp_path / "bundle")
    monkeypatch.setattr(room, "load_bundle", load_and_lose)
    with pytest.raises(BundleError, match="metadata"):
        run_batch_on_ray(options(source, tmp_path / "bundle", tmp_path / "out", ledger=ledger_url), cluster[0].address)


def test_a_cluster_needs_a_ledger_that_all_machines_reach(source, tiny_bundle, tmp_path):
    with pytest.raises(ConfigurationError, match="name a PostgreSQL database with --ledger or DIAGNOSIS_LEDGER"):
        run_batch_on_ray(options(source, tiny_bundle, tmp_path / "out"), None)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("somewhere", "the address 'somewhere' of the cluster is not HOST:PORT or auto"),
        ("127.0.0.1:1", "no Ray cluster answers at 127.0.0.1:1"),
    ],
)
def test_an_address_without_a_cluster_is_said_at_once(ledger_url, source, tiny_bundle, tmp_path, address, message):
    pytest.importorskip("ray")
    with pytest.raises(ConfigurationError, match=message):
        run_batch_on_ray(options(source, tiny_bundle, tmp_path / "out", ledger=ledger_url), address)
