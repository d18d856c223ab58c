"""Approximate limits of requests, counted in the memory of each worker."""

import math
from collections import OrderedDict
from ipaddress import IPv6Network
from typing import Final

from application.limits.limit_alerts import LimitAlerts
from application.ports.system import MonotonicClock
from domain.errors import TooManyRequests
from domain.otp.sliding_window import SlidingWindow

MAX_SUBJECTS: Final = 10_000
_SITE_PREFIX_LENGTH: Final = 48
_SITE_FACTOR: Final = 10
"""A customer often has an IPv6 network of /48 (RFC 6177): it has ten times the limit of a /64."""
_TOLERANCE: Final = 0.001
"""Rounding errors, as a fraction of the time between two requests."""


class RequestLimit:
    """A limit of requests for each subject, such as an identity or an IP.

    - After a pause, the requests of a whole period may come at once; then they must be spread
      evenly (the generic cell rate algorithm, ITU-T I.371). So at most twice the limit comes in
      any period. A rejected request does not count.
    - Each of `workers` processes has an equal limit, because none knows the others' counts.
    - Only the `MAX_SUBJECTS` latest are kept. A subject that sends too much is always one of them.
    """

    def __init__(self, window: SlidingWindow | None, workers: int, now: MonotonicClock) -> None:
        """Start without requests. A window of None is no limit."""
        limit = math.ceil(window.limit / workers) if window else math.inf
        self._period = window.period.total_seconds() if window else 0.0
        self._interval = self._period / limit
        self._now = now
        # When all requests of each subject would have come if they were spread evenly.
        self._used_until: OrderedDict[str, float] = OrderedDict()

    def acquire(self, subject: str) -> None:
        """Count a request.

        Raises:
            TooManyRequests
        """
        now = self._now()
        used_until = max(now, self._used_until.pop(subject, now))
        wait = used_until + self._interval - self._period - now
        is_allowed = wait <= self._interval * _TOLERANCE
        self._used_until[subject] = used_until + self._interval if is_allowed else used_until
        if len(self._used_until) > MAX_SUBJECTS:
            self._used_until.popitem(last=False)
        if not is_allowed:
            raise TooManyRequests(math.ceil(wait))


class RequestLimits:
    """All limits of requests. A window of None is no limit."""

    def __init__(
        self,
        per_identity: SlidingWindow | None,
        per_ip: SlidingWindow | None,
        workers: int,
        now: MonotonicClock,
        alerts: LimitAlerts,
    ) -> None:
        per_site = per_ip and SlidingWindow(per_ip.limit * _SITE_FACTOR, per_ip.period)
        self._per_identity = RequestLimit(per_identity, workers, now)
        self._per_ip = RequestLimit(per_ip, workers, now)
        self._per_site = RequestLimit(per_site, workers, now)
        self._alerts = alerts

    def acquire_for_identity(self, identity_id: str) -> None:
        """Count a request of an identity; raises TooManyRequests."""
        self._per_identity.acquire(identity_id)

    def acquire_for_ip(self, client_ip: str) -> None:
        """Count a request from the client's IP and its /48 network; raises TooManyRequests."""
        try:
            self._per_ip.acquire(client_ip)
            if ":" in client_ip:
                site = IPv6Network(client_ip).supernet(new_prefix=_SITE_PREFIX_LENGTH)
                self._per_site.acquire(str(site))
        except TooManyRequests:
            self._alerts.warn_of_ip("per_ip", "requests")
            raise
