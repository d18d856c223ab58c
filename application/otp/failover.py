"""Failover between messengers, and their common health check."""

import asyncio
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from application.otp.events import DeliveryRejected
from application.otp.provider_pause import PAUSED, ProviderPause
from application.ports.errors import MessengerUnavailable, PortError
from application.ports.otp import (
    DeliveryResult,
    DeliveryStatus,
    Messenger,
    PausedProvider,
    TextMessage,
)
from application.ports.security_events import SecurityEvents
from application.ports.system import HealthCheck, MonotonicClock
from application.tasks import call_adapter, is_ended, start_task
from domain.otp.deliveries import order_after
from domain.otp.delivery import Channel
from domain.phone import PhoneNumber

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

_log = logging.getLogger(__name__)


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
