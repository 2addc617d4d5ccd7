"""The ledger of batch runs: one owner a study, results with their state, nothing twice, on both databases."""

import threading

import pytest

from diagnosis.errors import StoreError
from diagnosis.store.ledger import MOST_CRASHES, Claim, Ledger


@pytest.fixture
def ledger(store):
    made = Ledger(store, "run")
    assert made.begin("b" * 64, "torch-float32") == "torch-float32"
    made.add([(f"s{i}", "hash") for i in range(6)])
    return made


def test_studies_are_claimed_in_their_order_and_finished_by_their_owner_alone(ledger):
    assert [ledger.claim("one"), ledger.claim("two")] == [Claim("s0", None), Claim("s1", None)]
    assert not ledger.finish("s0", "two", "{}", "{}")
    assert ledger.finish("s0", "one", '{"a": 1}', "{}")
    assert not ledger.finish("s0", "one", '{"a": 2}', "{}")
    assert ledger.fail("s1", "two", "it is damaged")
    assert [(e.case_id, e.state, e.result, e.reason) for e in ledger.entries()] == [
        ("s0", "done", '{"a": 1}', None),
        ("s1", "failed", None, "it is damaged"),
    ]
    assert ledger.counts() == {"waiting": 4, "claimed": 0, "done": 1, "failed": 1}


def test_what_was_prepared_is_there_for_the_next_claim(ledger):
    ledger.claim("one")
    assert ledger.keep_prepared("s0", "one", b"tensors", '{"read": 1}')
    assert ledger.release("nobody") == 0
    assert ledger.release("one") == 1
    assert not ledger.keep_prepared("s0", "one", b"late", "{}")
    assert ledger.claim("two") == Claim("s0", b"tensors")
    assert ledger.seconds_so_far("s0") == '{"read": 1}'
    assert ledger.attempts() == 1
    ledger.claim("two")
    assert ledger.attempts() == 2


def test_a_study_under_which_processes_die_fails_in_the_end(ledger):
    for n in range(1, MOST_CRASHES + 1):
        assert ledger.claim("one") == Claim("s0", None)
        ledger.note_crash("s0", "one", "the process died")
        assert ledger.counts()["failed"] == (n == MOST_CRASHES)
    ledger.retry_failed()
    assert ledger.claim("one") == Claim("s0", None)


def test_a_study_of_which_the_source_says_something_else_waits_again(ledger):
    ledger.claim("one")
    ledger.finish("s0", "one", "{}", "{}")
    ledger.add([("s0", "hash"), ("s9", "hash")])
    assert ledger.counts()["done"] == 1
    ledger.add([("s0", "other"), ("s9", "hash")])
    assert ledger.counts() == {"waiting": 7, "claimed": 0, "done": 0, "failed": 0}


def test_a_run_keeps_its_bundle_and_runtime(ledger, store):
    assert ledger.begin("b" * 64, "openvino-bfloat16") == "torch-float32"
    assert Ledger(store, "another").runtime() is None
    with pytest.raises(StoreError, match="begun with the bundle bbbbbbbbbbbb…, not cccccccccccc…; name another --out"):
        ledger.begin("c" * 64, "torch-float32")


def test_many_at_once_share_out_the_studies(ledger):
    ledger.add([(f"t{i:03d}", "hash") for i in range(40)])
    got: dict[str, list[str]] = {"a": [], "b": [], "c": []}

    def work(owner):
        while (claim := ledger.claim(owner)) is not None:
            got[owner].append(claim.case_id)
            ledger.finish(claim.case_id, owner, "{}", "{}")

    threads = [threading.Thread(target=work, args=(owner,)) for owner in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    claimed = [case_id for names in got.values() for case_id in names]
    assert len(claimed) == len(set(claimed)) == 46
    assert ledger.counts()["done"] == 46
