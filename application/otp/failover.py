"""Failover between providers, and the pause of one that fails."""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from application.otp.events import DeliveryRejected
from application.ports.errors import MessengerUnavailable, PortError
from application.ports.otp import (
    DeliveryResult,
    DeliveryStatus,
    Messenger,
    PausedProvider,
    TextMessage,
)
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock, HealthCheck, MonotonicClock
from application.tasks import call_adapter, is_ended, start_task
from domain.otp.delivery import Channel, order_after
from domain.phone import PhoneNumber

MAX_FAILURES_IN_A_ROW: Final = 3
"""Failures in a row before a pause of a busy provider, or of the only one."""
PAUSE: Final = timedelta(minutes=1)
"""Pause of the only provider, after which one message or call tries it again."""
FIRST_PAUSE: Final = timedelta(minutes=5)
"""First pause of a provider that has another one beside it."""
LATER_PAUSE: Final = timedelta(minutes=15)
"""Its pause after the first message that tried it again failed too."""
BUSY_RESULTS: Final = 10
BUSY_PERIOD: Final = timedelta(minutes=1)
"""A provider with `BUSY_RESULTS` results in this time pauses only after several failures."""
PAUSED: Final = DeliveryResult(
    DeliveryStatus.UNAVAILABLE, "The service that sends codes does not respond; try again shortly."
)
"""The result of a message or call that is not handed to a provider in its pause."""

_FAILURES: Final = (
    DeliveryStatus.UNKNOWN,
    DeliveryStatus.UNAVAILABLE,
    DeliveryStatus.NOT_CONNECTED,
)
"""The results of a provider that fails, where there is another one: the next message waits too."""

_log = logging.getLogger(__name__)


def _show_nothing(seconds: float) -> None:
    pass


@dataclass(slots=True)
class ProviderPause:
    """Do not call a provider that fails.

    A message with an unknown result counts as sent, and may be lost; one that a provider could not
    take, such as with wrong credentials, has waited for it. So if there is another provider, a
    provider pauses after its first failure, or after three in a row if busy: single time-outs must
    not move a busy service. At worst the other one costs more.

    Without another provider, only unknown results make a pause, a short one after three in a row.
    Without it a provider that fails, such as with a 503 that does not say whether the message was
    sent, would use up the limits that phones share.

    The pause is that of one process: each learns by itself. `show` gets the seconds that a pause
    has left when it begins, and 0 when it ends.
    """

    clock: Clock
    has_other: bool = False
    name: str = ""
    show: Callable[[float], None] = _show_nothing
    unknown_in_a_row: int = field(default=0, init=False)
    _results: deque[datetime] = field(default_factory=lambda: deque(maxlen=BUSY_RESULTS))
    _pause: timedelta = timedelta()
    _failures_in_a_row: int = 0
    _since: datetime = datetime.min.replace(tzinfo=UTC)
    _is_tried_again: bool = False
    _reason: str = ""

    @property
    def paused(self) -> PausedProvider | None:
        """The pause now, in which it is called after others or not at all; None without one."""
        seconds = max(self._seconds_left_of(self._pause), self.seconds_left)
        return self.describe(seconds) if seconds else None

    def describe(self, seconds: float) -> PausedProvider:
        until = self.clock.now() + timedelta(seconds=seconds)
        return PausedProvider(self.name, self._reason, until)

    @property
    def seconds_left(self) -> float:
        """For how long it is not called, even if no other provider takes messages; 0 if it is."""
        is_paused = self.unknown_in_a_row >= MAX_FAILURES_IN_A_ROW
        return self._seconds_left_of(PAUSE) if is_paused else 0.0

    def _seconds_left_of(self, pause: timedelta) -> float:
        left = self._since + pause - self.clock.now()
        # A clock that was set back does not make the pause longer.
        return max(0.0, min(left, pause).total_seconds())

    def begin_call(self, *, is_resend: bool = False) -> bool:
        """Return whether the provider may be called now, before the others.

        After a pause one call that is no resend may, and the others when its result is known, or
        after another pause.
        """
        if self._pause:
            if is_resend or self._seconds_left_of(self._pause) > 0:
                return False
            self._is_tried_again = True
        return self.begin_last_call()

    def begin_last_call(self) -> bool:
        """Return whether the provider may be called now, because no other one takes the message."""
        if self.seconds_left > 0:
            return False
        self._since = self.clock.now()
        return True

    def record(self, result: DeliveryResult) -> None:
        """Count a result; any but a failure ends the pause. The log has when one begins."""
        had_pause = self.paused is not None
        if self._begins_pause(result.status):
            self._reason = result.full_reason
        elif not (had_pause and self.paused is None):
            return
        paused = self.paused
        self.show((paused.until - self.clock.now()).total_seconds() if paused else 0.0)
        if paused is not None:
            event = {"event": "provider_paused", "provider": paused.name, "reason": paused.reason}
            _log.info({**event, "until": paused.until.isoformat()})

    def _begins_pause(self, status: DeliveryStatus) -> bool:
        now = self.clock.now()
        self._results.append(now)
        is_tried_again, self._is_tried_again = self._is_tried_again, False
        is_unknown = status is DeliveryStatus.UNKNOWN
        self.unknown_in_a_row = self.unknown_in_a_row + 1 if is_unknown else 0
        if status not in (_FAILURES if self.has_other else (DeliveryStatus.UNKNOWN,)):
            self._failures_in_a_row, self._pause = 0, timedelta()
            return False
        self._failures_in_a_row += 1
        self._since = now
        is_third = self._failures_in_a_row == MAX_FAILURES_IN_A_ROW
        if not self.has_other:
            return is_third
        if not self._pause and (is_third or not self._is_busy(now)):
            self._pause = FIRST_PAUSE
            return True
        if is_tried_again:
            self._pause = LATER_PAUSE
        return is_tried_again

    def _is_busy(self, now: datetime) -> bool:
        return len(self._results) == BUSY_RESULTS and now - self._results[0] < BUSY_PERIOD


SEND_TIMEOUT: Final = 10.0
"""Seconds that a provider has for a message."""
UNKNOWN_TTL: Final = 600.0
"""Seconds for which a delivery with an unknown result fails the health check."""
_NO_MESSENGER: Final = DeliveryResult(
    DeliveryStatus.NOT_CONNECTED, "No message provider is configured."
)
_NO_RESPONSE: Final = "The message service does not respond."
_MAY_BE_LOST: Final = "a recent message may be lost: {reason}"
_PAUSED: Final = "this worker does not call it before {until:%H:%M:%S} UTC"
_NEXT_IS_TRIED: Final = (
    DeliveryStatus.NOT_CONNECTED,
    DeliveryStatus.UNAVAILABLE,
    DeliveryStatus.REJECTED,
)
"""If no provider accepts a message, its result has the last of these that one returned."""


def _weight(result: DeliveryResult) -> int:
    is_rejection = result.status in _NEXT_IS_TRIED
    return _NEXT_IS_TRIED.index(result.status) if is_rejection else len(_NEXT_IS_TRIED)


@dataclass(slots=True)
class FailoverProvider:
    """A messenger, its name in the settings, and its latest unknown result in this process."""

    name: str
    messenger: Messenger
    pause: ProviderPause
    unknown_reason: str = ""
    unknown_until: float = -math.inf

    def record(self, result: DeliveryResult, now: float) -> None:
        """Record the result. An accepted message ends the failure of an unknown one."""
        self.pause.record(result)
        if result.status is DeliveryStatus.ACCEPTED:
            self.unknown_until = -math.inf
        if result.status is DeliveryStatus.UNKNOWN:
            self.unknown_reason, self.unknown_until = result.full_reason, now + UNKNOWN_TTL

    def find_problem(self, now: float) -> str | None:
        """Say why a message may be lost, and until when this process does not call it."""
        problems = []
        if now < self.unknown_until:
            problems.append(_MAY_BE_LOST.format(reason=self.unknown_reason))
        if paused := self.pause.paused:
            problems.append(_PAUSED.format(until=paused.until))
        return f"{self.name}: {'; '.join(problems)}" if problems else None


class FailoverMessenger:
    """Try one messenger after the other until one does not reject the message.

    - After `UNKNOWN` the message may have been sent, so no other messenger is tried: one call
      never leads to two accepted messages.
    - After `INVALID_NUMBER` no other messenger is tried: no provider can reach the number.
    - If one rejects the message and the result of another one decides, operators get a warning.
    - If no messenger accepts the message, the result is a rejection of the number or the message,
      if there is one, and otherwise that of a provider that was connected.
    - A messenger that raises an exception, is not asynchronous, returns something else than a
      result, or takes longer than `SEND_TIMEOUT` has an unknown result.
    - A provider that fails has a pause: see `ProviderPause`. It is tried after the others then, and
      of several the one that lost least is tried first. If none may be called, the message is
      `UNAVAILABLE`.
    - The client of a message with an unknown result is told that it was sent. The security event
      is the operator's warning, and the health check fails until that messenger accepts a message,
      at most for `UNKNOWN_TTL`.
    """

    def __init__(
        self,
        providers: Sequence[FailoverProvider],
        events: SecurityEvents,
        now: MonotonicClock,
        health_checks: Sequence[HealthCheck] = (),
        send_timeout: float = SEND_TIMEOUT,
    ) -> None:
        self._providers = providers
        self._events = events
        self._health_checks = health_checks
        self._now = now
        self._send_timeout = send_timeout
        self._logged_problems: set[str] = set()
        self.names: Final = tuple(provider.name for provider in providers)

    async def send(
        self, phone: PhoneNumber, message: TextMessage, last_provider: str = ""
    ) -> DeliveryResult:
        deciding: DeliveryResult | None = None
        for provider in self._begin_calls(last_provider):
            sent = await self._send(provider.messenger, phone, message)
            provider.record(sent, self._now())
            sent = replace(sent, provider=provider.name)
            # The caller reports the result that decides. So each is reported once.
            if deciding is None:
                deciding = sent
            elif _weight(sent) >= _weight(deciding):
                self._report_rejection(phone, deciding)
                deciding = sent
            else:
                self._report_rejection(phone, sent)
            if sent.status not in _NEXT_IS_TRIED:
                break
        if deciding is None:
            return replace(PAUSED, provider=self.names[0]) if self.names else _NO_MESSENGER
        return deciding

    def _begin_calls(self, last_provider: str) -> Iterator[FailoverProvider]:
        by_name = {provider.name: provider for provider in self._providers}
        paused = []
        for provider in map(by_name.__getitem__, order_after(self.names, last_provider)):
            if provider.pause.begin_call(is_resend=bool(last_provider)):
                yield provider
            else:
                paused.append(provider)
        if not last_provider:
            paused.sort(key=lambda provider: provider.pause.unknown_in_a_row)
        for provider in paused:
            if provider.pause.begin_last_call():
                yield provider

    def find_pause(self) -> PausedProvider | None:
        pauses = [(provider.pause.seconds_left, provider.pause) for provider in self._providers]
        seconds, pause = min(pauses, key=lambda each: each[0], default=(0.0, None))
        return pause.describe(seconds) if pause is not None and seconds else None

    def _report_rejection(self, phone: PhoneNumber, rejected: DeliveryResult) -> None:
        self._events.record(
            DeliveryRejected(
                phone=phone,
                reason=rejected.full_reason,
                channel=Channel.SMS,
                provider=rejected.provider,
                error_code=rejected.error_code,
                result=rejected.status,
            )
        )

    async def _send(
        self, messenger: Messenger, phone: PhoneNumber, message: TextMessage
    ) -> DeliveryResult:
        send = partial(messenger.send, phone, message)
        try:
            result: object = await call_adapter("send_message", send, self._send_timeout)
        except TimeoutError:
            return DeliveryResult(DeliveryStatus.UNKNOWN, _NO_RESPONSE)
        except BaseException as error:  # SystemExit would end the service
            if is_ended():
                raise
            _log.error({"event": "messenger_failed"}, exc_info=error)
            # Its text may have the number or the code.
            reason = f"It failed with {type(error).__name__}."
            return DeliveryResult(DeliveryStatus.UNKNOWN, reason)
        if not isinstance(result, DeliveryResult):
            reason = f"It returned {type(result).__name__} instead of a result."
            return DeliveryResult(DeliveryStatus.UNKNOWN, reason)
        return result

    async def check(self) -> None:
        """Return when the first health check succeeds, if no recent message may be lost.

        Raises:
            MessengerUnavailable: all health checks failed, a recent result is unknown, or a
                provider has a pause; the message names the providers, with the reasons.
        """
        now = self._now()
        if unknown := [*filter(None, (each.find_problem(now) for each in self._providers))]:
            raise MessengerUnavailable(". ".join(unknown))
        tasks = [
            start_task("check_messenger", self._find_problem(provider.name, check))
            for provider, check in zip(self._providers, self._health_checks, strict=False)
        ]
        problems = []
        try:
            for task in asyncio.as_completed(tasks):
                problem = await task
                if problem is None:
                    return
                problems.append(problem)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        raise MessengerUnavailable("; ".join(problems))

    async def _find_problem(self, name: str, health_check: HealthCheck) -> str | None:
        try:
            await health_check.check()
        except PortError as error:
            return f"{name}: {error.reason}"
        # An operator's adapter may raise anything: SystemExit would end the process.
        except BaseException as error:
            if is_ended():
                raise
            problem = f"{name}: failed with {type(error).__name__}"
            if problem not in self._logged_problems:
                self._logged_problems.add(problem)
                _log.error({"event": "health_check_failed"}, exc_info=error)
            return problem
        return None
