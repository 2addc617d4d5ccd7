"""Counts for Prometheus; no label holds an identifier."""

from typing import final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST


@final
class Metrics:
    """The metrics of one service; each service has its own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter("diagnosis_requests", "HTTP requests", ["method", "status"], registry=self.registry)
        self._jobs = Counter("diagnosis_studies", "Finished studies", ["status"], registry=self.registry)
        self._seconds = Histogram("diagnosis_study_seconds", "Seconds a study took", registry=self.registry)
        self._waiting = Gauge("diagnosis_waiting", "Studies that wait", registry=self.registry)

    def request(self, method: str, status: int) -> None:
        """Count an answered request."""
        known = method if method in {"GET", "POST", "DELETE", "HEAD", "PUT", "PATCH", "OPTIONS"} else "OTHER"
        self._requests.labels(known, str(status)).inc()

    def job_finished(self, status: str, seconds: float) -> None:
        """Count a finished study."""
        self._jobs.labels(status).inc()
        self._seconds.observe(seconds)

    def exposition(self, n_waiting: int) -> bytes:
        """All metrics in Prometheus' text format."""
        self._waiting.set(n_waiting)
        return generate_latest(self.registry)
