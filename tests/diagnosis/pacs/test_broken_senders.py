"""A sender that dies, gives up or stands still: what came of a study may look whole, and is not taken for it."""

import errno
import socket
from pathlib import Path

import pydicom
import pytest
from pacs_senders import CALLER, FAST, Clock, associate, receiving, send, wait_for_senders, wait_until
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import Verification

from diagnosis.pacs import inbox as inbox_module
from diagnosis.pacs.associations import association
from diagnosis.pacs.attempts import PassingError
from diagnosis.pacs.config import ReceiveLimits, parse_config
from diagnosis.pacs.inbox import Ending, Inbox
from diagnosis.pacs.receiver import Receiver


def end_by(how, made) -> None:
    """As a program that is killed (its connection ends), one that gives up, or one that stands still."""
    if how == "killed":
        made.dul.socket.socket.shutdown(socket.SHUT_RDWR)
    elif how == "aborted":
        made.abort()


@pytest.mark.parametrize("how", ["killed", "aborted"])
def test_a_sender_that_dies_leaves_nothing_that_counts_as_whole(tmp_path, phantom_files, how):
    """What came is a regular series, and no archive says that there is more."""
    clock = Clock()
    inbox = Inbox(tmp_path, FAST, ReceiveLimits(), None, clock)
    with receiving(tmp_path, inbox.take) as receiver:
        made = associate(receiver.port)
        assert [made.send_c_store(path).Status for path in phantom_files[:4]] == [0] * 4
        end_by(how, made)
        wait_for_senders(inbox)
        for _ in range(3):
            clock.now += 6
            assert inbox.next_arrival() is None
        clock.now += 2
        arrival = inbox.next_arrival()
    assert (arrival.ending, arrival.n_images, arrival.n_expected) == (Ending.LOST, 4, None)


def test_a_sender_that_comes_again_and_ends_as_it_should_makes_up_for_it(tmp_path, phantom_files):
    clock = Clock()
    inbox = Inbox(tmp_path, FAST, ReceiveLimits(), None, clock)
    with receiving(tmp_path, inbox.take) as receiver:
        made, other = associate(receiver.port), associate(receiver.port)
        for who, path in ((made, phantom_files[0]), (other, phantom_files[1])):
            assert who.send_c_store(path).Status == 0
        end_by("killed", made)
        wait_until(lambda: next(iter(inbox._open.values())).broken)
        other.release()  # it had begun before: what broke off is not in it
        wait_for_senders(inbox)
        clock.now += 6
        assert inbox.next_arrival() is None
        clock.now += 1
        send(receiver.port, phantom_files[2:4])
        wait_for_senders(inbox)
        clock.now += 1
        assert inbox.next_arrival() is None
        clock.now += 5
        arrival = inbox.next_arrival()
    assert (arrival.ending, arrival.n_images) == (Ending.QUIET, 4)


def test_a_sender_that_keeps_its_connection_is_waited_for_until_our_patience_ends(tmp_path, phantom_files):
    clock = Clock()
    inbox = Inbox(tmp_path, FAST, ReceiveLimits(), None, clock)
    content = {"local": {"port": 0, "callers": [CALLER]}, "timeouts": {"response_s": 15}}
    with Receiver(parse_config(content, tmp_path), inbox.take).running() as receiver:
        made = associate(receiver.port)
        assert made.send_c_store(phantom_files[0]).Status == 0
        clock.now += 16
        assert inbox.next_arrival() is None
        wait_for_senders(inbox)
        assert inbox.next_arrival().ending is Ending.QUIET


def test_an_association_that_ended_before_we_speak_is_a_passing_failure(tmp_path):
    """Between asking whether it stands and sending, pynetdicom has an error of its own for it."""

    def speak(fault=None) -> None:
        with association(config, [build_context(Verification)]) as made:
            if fault is not None:
                raise fault
            made.abort()
            made.send_c_echo()

    with receiving(tmp_path, lambda _: 0) as receiver:
        dimse = {"host": "127.0.0.1", "port": receiver.port, "ae_title": "DIAGNOSIS"}
        config = parse_config({"dimse": dimse, "local": {"ae_title": "SENDER"}}, tmp_path)
        with pytest.raises(PassingError, match="broke off the connection"):
            speak()
        with pytest.raises(RuntimeError, match="a fault of ours"):
            speak(RuntimeError("a fault of ours"))


@pytest.mark.parametrize("is_released", [True, False])
def test_a_restart_remembers_whether_the_sender_was_through(tmp_path, phantom_files, is_released):
    with receiving(tmp_path, Inbox(tmp_path / "in", FAST, ReceiveLimits()).take) as receiver:
        made = associate(receiver.port)
        assert made.send_c_store(phantom_files[0]).Status == 0
        if is_released:
            made.release()
            wait_until(lambda: list((tmp_path / "in").glob("*/ended")))
    clock = Clock()
    inbox = Inbox(tmp_path / "in", FAST, ReceiveLimits(), None, clock)
    clock.now += 1
    inbox.next_arrival()
    clock.now += 19
    assert inbox.next_arrival().ending is (Ending.QUIET if is_released else Ending.LOST)


@pytest.mark.parametrize("limits", [ReceiveLimits(images_per_study=2), ReceiveLimits(gib_per_study=1e-6)])
def test_a_study_of_which_images_were_refused_does_not_count_as_whole(tmp_path, phantom_files, limits):
    """The sender ends as it should, and what was taken is a regular beginning."""
    clock = Clock()
    inbox = Inbox(tmp_path, FAST, limits, None, clock)
    with receiving(tmp_path, inbox.take) as receiver:
        statuses = send(receiver.port, phantom_files[:4])
        wait_for_senders(inbox)
        clock.now += 6
        assert inbox.next_arrival() is None
        clock.now += 14
        arrival = inbox.next_arrival()
    n_taken = statuses.count(0)
    assert (arrival.ending, arrival.n_images, arrival.n_refused) == (Ending.LOST, n_taken, 4 - n_taken)


def test_room_that_comes_while_a_study_is_sent_does_not_hide_its_lost_beginning(tmp_path, phantom_files):
    clock = Clock()
    inbox = Inbox(tmp_path, FAST, ReceiveLimits(open_studies=1), None, clock)
    first = pydicom.dcmread(phantom_files[9])
    first.StudyInstanceUID = "1.2.3.77"
    first.save_as(tmp_path / "other.dcm")
    with receiving(tmp_path, inbox.take) as receiver:
        assert send(receiver.port, [tmp_path / "other.dcm"]) == [0]
        wait_for_senders(inbox)
        made = associate(receiver.port)
        assert [made.send_c_store(path).Status for path in phantom_files[:2]] == [0xA700] * 2
        clock.now += 1
        inbox.next_arrival()
        clock.now += 5
        assert inbox.next_arrival().study_uid == "1.2.3.77"
        assert [made.send_c_store(path).Status for path in phantom_files[2:5]] == [0] * 3
        made.release()
        wait_for_senders(inbox)
        clock.now += 1
        assert inbox.next_arrival() is None
        clock.now += 19
        arrival = inbox.next_arrival()
    assert (arrival.ending, arrival.n_images, arrival.n_refused) == (Ending.LOST, 3, 2)


def test_an_image_for_which_not_even_a_folder_could_be_made_is_missed(tmp_path, phantom_files, monkeypatch):
    clock, full = Clock(), [True]
    inbox = Inbox(tmp_path, FAST, ReceiveLimits(), None, clock)
    make = Path.mkdir

    def mkdir(path, *arguments, **options):
        if full and path.name.startswith("study-"):
            raise OSError(errno.ENOSPC, "No space left on device")
        make(path, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with receiving(tmp_path, inbox.take) as receiver:
        assert send(receiver.port, phantom_files[:1]) == [0xA700]
        full.clear()
        assert send(receiver.port, phantom_files[1:3]) == [0, 0]
        wait_for_senders(inbox)
        clock.now += 6
        assert inbox.next_arrival() is None
        clock.now += 14
        arrival = inbox.next_arrival()
    assert (arrival.ending, arrival.n_images, arrival.n_refused) == (Ending.LOST, 2, 1)


def test_an_image_that_was_refused_and_comes_again_is_no_longer_missed(tmp_path, phantom_files, monkeypatch):
    clock, answers = Clock(), [0xA700]
    inbox = Inbox(tmp_path, FAST, ReceiveLimits(), None, clock)
    kept = inbox_module.keep_image
    monkeypatch.setattr(inbox_module, "keep_image", lambda *a: answers.pop() if answers else kept(*a))
    with receiving(tmp_path, inbox.take) as receiver:
        assert send(receiver.port, phantom_files[:2]) == [0xA700, 0]
        assert send(receiver.port, phantom_files[:1]) == [0]
        wait_for_senders(inbox)
        clock.now += 1
        assert inbox.next_arrival() is None
        clock.now += 5
        arrival = inbox.next_arrival()
    assert (arrival.ending, arrival.n_images, arrival.n_refused) == (Ending.QUIET, 2, 0)
