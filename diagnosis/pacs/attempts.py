"""Passing failures are tried again, with waits that double; lasting ones are not."""

from collections.abc import Callable
from typing import TypeVar, final

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from diagnosis.errors import PacsError
from diagnosis.pacs.config import RetryConfig

T = TypeVar("T")


@final
class PassingError(PacsError):
    """A failure that may be gone at the next attempt: out of reach, busy, out of time."""


def attempt(action: Callable[[], T], retries: RetryConfig) -> T:
    """Result of an action, which is repeated while it fails in passing.

    Raises:
        PacsError: it failed for good, or at every attempt.
    """
    policy = Retrying(
        stop=stop_after_attempt(retries.attempts),
        wait=wait_exponential_jitter(
            multiplier=min(1.0, retries.longest_wait_s), max=retries.longest_wait_s, jitter=0.5
        ),
        retry=retry_if_exception_type(PassingError),
        reraise=True,
    )
    return policy(action)
