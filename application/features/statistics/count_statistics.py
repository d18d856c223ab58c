"""Count messages, logins and rejections."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.identities.events import LoginSucceeded
from application.otp.events import (
    OtpAccepted,
    OtpDelivered,
    OtpNotTaken,
    OtpUnconfirmed,
    OtpUndelivered,
    ProviderEvent,
    ReportEvent,
)
from application.ports.security_events import RejectionEvent, SecurityEvent
from application.ports.system import Clock
from domain.features.statistics.period_sums import NONE, UNKNOWN, CountedGroup, PeriodSums, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class CountStatistics:
    """Count security events, in memory. It never waits and never raises.

    Messages, reports, logins and rejections are counted by country, channel, provider and result.
    No phone, no IP and no id is kept.
    """

    sums: Sequence[PeriodSums]
    clock: Clock

    def record(self, event: SecurityEvent) -> None:
        match event:
            case OtpAccepted() | OtpUnconfirmed():
                self._add(event, event.provider, Result.SENT)
            case OtpNotTaken():
                self._add(event, event.provider, Result.NOT_TAKEN)
            case OtpDelivered():
                self._add(event, event.provider, Result.DELIVERED)
            case OtpUndelivered():
                self._add(event, event.provider, Result.UNDELIVERED)
            case LoginSucceeded():
                self._add(event, event.provider, Result.LOGINS)
            case RejectionEvent() if event.limit:
                self._add(event, NONE, Result.REJECTED, event.limit)
            case _:
                pass

    def _add(
        self,
        event: ProviderEvent | ReportEvent | LoginSucceeded | RejectionEvent,
        provider: str,
        result: Result,
        limit: str = "",
    ) -> None:
        country = event.country or UNKNOWN
        group = CountedGroup(country, event.channel, provider or UNKNOWN, result, limit)
        now = self.clock.now()
        for sums in self.sums:
            sums.add(now, group)
