"""All metrics. docs/metrics.md describes them."""

import re
from collections.abc import Collection
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PREFIX: Final = "dialtone"
OTHER: Final = "other"
"""In the place of a label's value that is none of those expected."""
_WORD_BOUNDARY: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_STORAGE_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
_DECODE_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_CLEANUP_SECONDS: Final = (0.1, 0.5, 1, 5, 15, 60, 300, 900)


class Metrics:
    """The counters, histograms and gauges of one process.

    - No label has a phone, an id or free text, and each has a bounded number of values.
    - Where the parent process has named a folder, the values are in files there, which outlive the
      process: a worker that is killed loses nothing.
    """

    def __init__(self, providers: Collection[str] = (), upload_route: str = "") -> None:
        """Create all metrics.

        Args:
            providers: the names that the label `provider` may have.
            upload_route: the template of the path of uploads.
        """
        self.registry: Final = CollectorRegistry()
        self._providers = frozenset(providers)
        self._upload_route = upload_route
        # To find the labels of a metric takes longer than to change it.
        self._requests: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

        self.http_requests = self._counter(
            "http_requests", "Requests to the service.", "method", "route", "status"
        )
        self.http_request_duration = self._histogram(
            "http_request_duration_seconds",
            "Time from the head of a request to the end of its response.",
            _REQUEST_SECONDS,
            "route",
        )
        self.deliveries = self._counter(
            "deliveries",
            "What a provider did with a message or call that has a code.",
            *("country", "provider", "channel", "result"),
        )
        self.delivery_reports = self._counter(
            "delivery_reports",
            "What a provider reported later of a message or call.",
            *("country", "provider", "channel", "status"),
        )
        self.logins = self._counter("logins", "Logins with a code.", "country", "provider")
        self.otp_requests = self._counter(
            "otp_requests", "Requests for a code.", "country", "result"
        )
        self.attestations = self._counter(
            "attestations", "Proofs that were sent before a code.", "result"
        )
        self.otp_attempts = self._counter("otp_attempts", "Checks of a code.", "country", "result")
        self.rejections = self._counter(
            "rejections", "Requests for a code that a limit rejected.", "limit", "country"
        )
        self.provider_failovers = self._counter(
            "provider_failovers",
            "Messages that a provider rejected, so that the next one was tried.",
            "provider",
        )
        self.uploads = self._counter("uploads", "Uploads of images.", "result")
        self.image_decode_duration = self._histogram(
            "image_decode_duration_seconds",
            "Time to decode and encode an image, with the wait for its turn.",
            _DECODE_SECONDS,
        )
        self.storage_duration = self._histogram(
            "storage_duration_seconds",
            "Time of a call of the database, the limit store or the media store.",
            _STORAGE_SECONDS,
            *("store", "operation"),
        )
        self.storage_errors = self._counter(
            "storage_errors",
            "Calls of the database, the limit store or the media store that failed.",
            *("store", "operation", "error"),
        )
        self.storage_calls_in_progress = self._gauge(
            "storage_calls_in_progress",
            "Calls that wait for the database, the limit store or the media store.",
            "livesum",
            "store",
        )
        self.cleanup_runs = self._counter("cleanup_runs", "Scheduled cleanups.", "result")
        self.cleanup_deleted = self._counter(
            "cleanup_deleted", "What scheduled cleanups cleaned up.", "kind"
        )
        self.cleanup_duration = self._histogram(
            "cleanup_duration_seconds", "Time of a scheduled cleanup.", _CLEANUP_SECONDS
        )
        self.cleanup_last_success = self._gauge(
            "cleanup_last_success_timestamp_seconds",
            "When this instance last completed a scheduled cleanup; 0 if it never did.",
            "max",
        )
        self.worker_starts = self._counter("worker_starts", "Worker processes that started.")
        self.message_cost = self._counter(
            "message_cost",
            "What messages and calls cost, in the currency of the price file.",
            *("country", "provider", "channel"),
        )
        self.events = self._counter(
            "events",
            "Attempts to send an event of a user.",
            *("destination", "result"),
        )
        self.journal_lines = self._counter(
            "journal_lines", "Lines of the journal, and attempts that failed.", "result"
        )
        self.security_events = self._counter("security_events", "Security events.", "event")
        # With a zero from the start, `increase` sees the first event of each.
        for result in ("completed", "failed"):
            self.cleanup_runs.labels(result)
        for result in ("written", "failed"):
            self.journal_lines.labels(result)

    def observe_request(
        self, method: str, route: str, status: int, seconds: float, error: type[Exception] | None, /
    ) -> None:
        """Count a request, and an upload by its result."""
        key = (method, route, status)
        requests, duration = self._requests.get(key) or self._find_request(*key)
        requests.inc()
        duration.observe(seconds)
        if route == self._upload_route and method == "POST":
            self.uploads.labels(_upload_result(status, error)).inc()

    def _find_request(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        is_usual = method in _METHODS
        requests = self.http_requests.labels(method if is_usual else OTHER, route, status)
        found = requests, self.http_request_duration.labels(route)
        if is_usual:
            self._requests[method, route, status] = found
        return found

    def provider_label(self, provider: str) -> str:
        """Return the name of a provider as a label, `other` if it is not one of the settings."""
        return provider if not provider or provider in self._providers else OTHER

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, namespace=PREFIX, registry=self.registry)

    def _histogram(
        self, name: str, text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(
            name, text, labels, namespace=PREFIX, registry=self.registry, buckets=buckets
        )

    def _gauge(self, name: str, text: str, mode: Literal["livesum", "max"], *labels: str) -> Gauge:
        return Gauge(
            name, text, labels, namespace=PREFIX, registry=self.registry, multiprocess_mode=mode
        )


def country_label(country: str) -> str:
    """Return the ISO 3166-1 code of a country as a label, empty if it is none."""
    return country if _COUNTRY.fullmatch(country) else ""


def _upload_result(status: int, error: type[Exception] | None) -> str:
    if error is not None:
        return class_label(error)
    return "stored" if status < 400 else "client_closed_request"


def class_label(error: type[Exception]) -> str:
    """Return the name of an error's class as a label, in snake case."""
    return _WORD_BOUNDARY.sub("_", error.__name__).lower()
