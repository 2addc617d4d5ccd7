"""Programs that send images to us, and a clock that tests move."""

import time

from pynetdicom import AE
from pynetdicom.sop_class import CTImageStorage, Verification

from diagnosis.pacs.config import CompletenessConfig, parse_config
from diagnosis.pacs.receiver import Receiver

CALLER = {"ae_title": "SENDER", "address": "127.0.0.1"}
FAST = CompletenessConfig(settle_s=1, quiet_s=5, give_up_s=20)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def receiving(tmp_path, inbox_or_handler, callers=(CALLER,), **local):
    content = {"local": {"ae_title": "DIAGNOSIS", "port": 0, "callers": list(callers), **local}}
    return Receiver(parse_config(content, tmp_path), inbox_or_handler).running()


def associate(port, title="SENDER", called="DIAGNOSIS", bind="127.0.0.1", contexts=(CTImageStorage, Verification)):
    entity = AE(ae_title=title)
    # Longer than a busy machine takes to answer: a sender that gave up has not been rejected.
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 60
    for context in contexts:
        entity.add_requested_context(context, "1.2.840.10008.1.2.1")
        if context == CTImageStorage:
            entity.add_requested_context(context, "1.2.840.10008.1.2.4.90")
    return entity.associate("127.0.0.1", port, ae_title=called, bind_address=(bind, 0))


def wait_until(condition) -> None:
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def wait_for_senders(inbox) -> None:
    """Until the inbox has heard that its senders are through: a thread of its own tells it, a moment after them."""
    wait_until(lambda: not any(study.links for study in inbox._open.values()))


def send(port, files, **options):
    made = associate(port, **options)
    assert made.is_established
    found = [made.send_c_store(path).Status for path in files]
    made.release()
    return found
