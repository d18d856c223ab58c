"""Questions to the login hook."""

import time
from typing import Final

from prometheus_client import Histogram

from adapters.operations.metrics.metrics import Metrics
from application.features.login_hook import LoginHook, LoginInquiry
from application.identities.additions import AllowLogin, RejectLogin

_SECONDS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3)


def declare_login_hook_duration(metrics: Metrics) -> Histogram:
    """Declare the time of questions. It has no value without a hook."""
    duration = metrics.histogram(
        "login_hook_duration_seconds",
        "Time until the login hook decided about a login, or failed.",
        _SECONDS,
        "result",
    )
    for result in ("allowed", "rejected", "failed"):
        duration.labels(result)
    return duration


class MeasuredLoginHook:
    """A hook whose questions are measured, by their result."""

    def __init__(self, hook: LoginHook, duration: Histogram) -> None:
        self._hook = hook
        self._duration = duration

    async def ask(self, inquiry: LoginInquiry) -> AllowLogin | RejectLogin:
        began_at = time.monotonic()
        result = "failed"
        try:
            decision = await self._hook.ask(inquiry)
            result = "allowed" if isinstance(decision, AllowLogin) else "rejected"
        finally:
            self._duration.labels(result).observe(time.monotonic() - began_at)
        return decision
