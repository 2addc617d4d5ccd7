"""Two machines of a Ray cluster, one of which goes away in the middle: every study is scored, and once."""

import os
import threading
import time

import pyarrow.parquet as pq
import pytest
from databases import postgresql_server
from studies_factory import options, results, write_manifest

from diagnosis.batch.run import run_batch
from diagnosis.errors import ConfigurationError

N_STUDIES = 40


@pytest.fixture(scope="module")
def cluster():
    """Two nodes on this machine, the second of which may be removed."""
    try:
        from ray.cluster_utils import Cluster
    except ModuleNotFoundError:
        if os.environ.get("CI") == "true":
            pytest.fail("ray is not installed")
        pytest.skip("ray is not installed")
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = made.add_node(num_cpus=1)
    yield made, second
    ray.shutdown()
    made.shutdown()


@pytest.fixture(scope="module")
def ledger_url():
    with postgresql_server() as server:
        yield f"{server}postgres"


def remove_at_work(cluster, node, url, seen):
    """Remove a node as soon as it holds a claim."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import ProgrammingError

    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    query = text(
        "SELECT count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE owner LIKE :o) FROM batch_studies"
    )
    while not seen.is_set():
        time.sleep(0.05)
        try:
            with engine.connect() as connection:
                n_done, n_held = connection.execute(query, {"o": f"{node.node_id[:24]}%"}).one()
        except ProgrammingError:  # the tables are not there yet
            continue
        if n_held and n_done < N_STUDIES - 8:
            cluster.remove_node(node)
            seen.set()
    engine.dispose()


def test_a_machine_is_lost_and_no_study_with_it(cluster, ledger_url, tiny_bundle, tmp_path):
    from diagnosis.batch.cluster import run_batch_on_ray

    made, second = cluster
    source = write_manifest(tmp_path / "source", N_STUDIES)
    is_removed = threading.Event()
    thread = threading.Thread(target=remove_at_work, args=(made, second, ledger_url, is_removed), daemon=True)
    thread.start()
    out = tmp_path / "cluster"
    summary = run_batch_on_ray(options(source, tiny_bundle, out, ledger=ledger_url, uses_cache=False), made.address)
    assert is_removed.is_set()
    thread.join()
    assert (summary.n_done, summary.n_failed) == (N_STUDIES, 0)
    names = pq.read_table(out / "results.parquet")["case_id"].to_pylist()
    assert names == sorted(set(names))
    run_batch(options(source, tiny_bundle, tmp_path / "here", uses_cache=False))
    assert results(out) == results(tmp_path / "here")


def test_a_cluster_needs_a_ledger_that_all_machines_reach(source, tiny_bundle, tmp_path):
    pytest.importorskip("ray")
    from diagnosis.batch.cluster import run_batch_on_ray

    with pytest.raises(ConfigurationError, match="name a PostgreSQL database with --ledger"):
        run_batch_on_ray(options(source, tiny_bundle, tmp_path / "out"), None)
