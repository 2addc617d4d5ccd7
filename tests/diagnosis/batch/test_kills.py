"""A run that is killed at random moments says in the end what one says that nobody killed."""

from killing import kill_often


def test_nothing_is_lost_or_twice_however_often_it_is_killed(tmp_path):
    tally = kill_often(5, seed=1, n_studies=12, longest_s=2.0, folder=tmp_path)
    assert tally.problems == []
    assert tally.kills_of_run + tally.kills_of_reader >= 5
    assert tally.most_read_again_per_kill <= 1
