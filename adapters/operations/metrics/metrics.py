"""The metrics of the core, and how features add theirs. docs/log.md describes all."""

import re
from collections.abc import Callable, Collection
from typing import Final, Literal, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PREFIX: Final = "dialtone"
OTHER: Final = "other"
"""Replacement of a value that a label is not expected to have."""
_WORD_BOUNDARY: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_STORAGE_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
_CLEANUP_SECONDS: Final = (0.1, 0.5, 1, 5, 15, 60, 300, 900)

CountResponse: TypeAlias = Callable[[int, type[Exception] | None], None]


class Metrics:
    """The counters, histograms and gauges of one process.

    - No label has a phone, an id or free text, and each has a bounded number of values.
    - Where the parent process has named a folder, the values are in files there, which outlive the
      process: a worker that is killed loses nothing.
    """

    def __init__(self, providers: Collection[str] = ()) -> None:
        """Create the metrics of the core. The label `provider` has one of `providers`."""
        self.registry: Final = CollectorRegistry()
        self._providers = frozenset(providers)
        self._counted_routes: dict[tuple[str, str], CountResponse] = {}
        # To find the labels of a metric takes longer than to change it.
        self._requests: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

        self.http_requests = self.counter(
            "http_requests", "Requests to the service.", "method", "route", "status"
        )
        self.http_request_duration = self.histogram(
            "http_request_duration_seconds",
            "Time from the head of a request to the end of its response.",
            _REQUEST_SECONDS,
            "route",
        )
        self.deliveries = self.counter(
            "deliveries",
            "What a provider did with a message or call that has a code.",
            *("country", "provider", "channel", "result"),
        )
        self.delivery_reports = self.counter(
            "delivery_reports",
            "What a provider reported later of a message or call.",
            *("country", "provider", "channel", "status"),
        )
        self.logins = self.counter(
            "logins", "Logins with a code.", "country", "provider", "channel"
        )
        self.otp_requests = self.counter(
            "otp_requests", "Requests for a code.", "country", "result"
        )
        self.otp_attempts = self.counter("otp_attempts", "Checks of a code.", "country", "result")
        self.rejections = self.counter(
            "rejections", "Requests for a code that a limit rejected.", "limit", "country"
        )
        self.provider_failovers = self.counter(
            "provider_failovers",
            "Messages that a provider rejected, and the result of another one decided.",
            "provider",
        )
        self.provider_paused = self.gauge(
            "provider_paused",
            "Pauses of the provider now, of messages and calls, in all workers.",
            "livesum",
            "provider",
        )
        self.storage_duration = self.histogram(
            "storage_duration_seconds",
            "Time of a call of the database, the limit store or the media store.",
            _STORAGE_SECONDS,
            *("store", "operation"),
        )
        self.storage_errors = self.counter(
            "storage_errors",
            "Calls of the database, the limit store or the media store that failed.",
            *("store", "operation", "error"),
        )
        self.storage_overloads = self.counter(
            "storage_overloads",
            "Calls that were rejected because too many waited for a store that answered others.",
            *("store", "operation"),
        )
        self.storage_calls_in_progress = self.gauge(
            "storage_calls_in_progress",
            "Calls that wait for the database, the limit store or the media store.",
            "livesum",
            "store",
        )
        self.cleanup_runs = self.counter("cleanup_runs", "Scheduled cleanups.", "result")
        self.cleanup_deleted = self.counter(
            "cleanup_deleted", "What scheduled cleanups cleaned up.", "kind"
        )
        self.cleanup_duration = self.histogram(
            "cleanup_duration_seconds", "Time of a scheduled cleanup.", _CLEANUP_SECONDS
        )
        self.cleanup_last_success = self.gauge(
            "cleanup_last_success_timestamp_seconds",
            "When this instance last completed a scheduled cleanup; 0 if it never did.",
            "max",
        )
        self.clock_difference = self.gauge(
            "clock_difference_seconds",
            "How far the clock of this machine is from that of the database.",
            "livemax",
        )
        self.background_failures = self.counter(
            "background_failures",
            "Failures that no request waits for: of a background task, or an uncaught error.",
            "task",
        )
        self.worker_starts = self.counter("worker_starts", "Worker processes that started.")
        self.security_events = self.counter("security_events", "Security events.", "event")
        # With a zero from the start, `increase` sees the first event of each.
        for result in ("completed", "failed"):
            self.cleanup_runs.labels(result)

        for task in ("log", "unhandled"):
            self.background_failures.labels(task)

    def count_background_failures(self, task: str, number: int) -> None:
        self.background_failures.labels(task).inc(number)

    def observe_request(
        self, method: str, route: str, status: int, seconds: float, error: type[Exception] | None, /
    ) -> None:
        """Count a request, and by what `count_requests_of` added for its route."""
        key = (method, route, status)
        requests, duration = self._requests.get(key) or self._find_request(*key)
        requests.inc()
        duration.observe(seconds)
        if count := self._counted_routes.get((method, route)):
            count(status, error)

    def count_requests_of(self, method: str, route: str, count: CountResponse) -> None:
        """Count the requests of a route, by the template of its path, in another metric too."""
        self._counted_routes[method, route] = count

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

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """Declare a counter. Its name has no prefix."""
        return Counter(name, text, labels, namespace=PREFIX, registry=self.registry)

    def histogram(
        self, name: str, text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        """Declare a histogram with the upper bounds of its buckets. Its name has no prefix."""
        return Histogram(
            name, text, labels, namespace=PREFIX, registry=self.registry, buckets=buckets
        )

    def gauge(
        self, name: str, text: str, mode: Literal["livemax", "livesum", "max"], *labels: str
    ) -> Gauge:
        """Declare a gauge, with how the values of several workers become one."""
        return Gauge(
            name, text, labels, namespace=PREFIX, registry=self.registry, multiprocess_mode=mode
        )


def country_label(country: str) -> str:
    """Return the ISO 3166-1 code of a country as a label, empty if it is invalid."""
    return country if _COUNTRY.fullmatch(country) else ""


def class_label(error: type[Exception]) -> str:
    """Return the name of an error's class as a label, in snake case."""
    return _WORD_BOUNDARY.sub("_", error.__name__).lower()
