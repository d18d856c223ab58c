"""Rejected requests for codes: in the log, and with the phones that have a record."""

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from application.otp.events import OtpRequestRejected, ProviderPaused
from application.otp.failover import PAUSED
from application.ports.errors import ERRORS_OF_RECORDS
from application.ports.otp import PhoneVerifications
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.update import change
from domain.errors import (
    CountryNotServed,
    DeliveryFailed,
    DomainError,
    PhoneUnreachable,
    TooManyOtpRequests,
)
from domain.otp.delivery_policy import (
    COUNTRY_NOT_SERVED,
    MAX_REJECTIONS,
    NUMBER_NOT_SERVED,
    PHONE_IS_BLOCKED,
    PROOF_REQUIRED,
    PROVIDER_PAUSED,
    Rejection,
)
from domain.otp.permits import Clients
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber

WRITE_INTERVAL: Final = timedelta(minutes=1)
"""How often a process writes a phone for its rejections."""
MAX_PHONES: Final = 10_000
"""How many phones wait: at most 30 MB. A process rejects fewer requests between two writes."""
MAX_WRITES: Final = 100
"""How many phones one write visits, so that a flood leaves the database to its requests."""

_REASONS: Final = {
    COUNTRY_NOT_SERVED: "the country is not served",
    NUMBER_NOT_SERVED: "the kind of the number",
    PHONE_IS_BLOCKED: "the phone is blocked, and has no account",
}
_IS_BLOCKED: Final = "the number is blocked by its prefix or country"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Waiting:
    """The latest rejections of a phone. `has_record` is None if its record was not loaded."""

    rejections: deque[Rejection] = field(default_factory=lambda: deque(maxlen=MAX_REJECTIONS))
    has_record: bool | None = None


@dataclass(slots=True)
class RecentRejections:
    """Record rejections: each in the log, and those of phones with a record there, later.

    - `record` and `add` only append in memory, in the same way for all phones: a response and its
      time do not depend on what is kept, or waits.
    - They are written with a delivery to the phone, and otherwise soon, but once a minute at most.
    - A phone without a record keeps none: the log has them.
    - A killed process loses those that wait. A failed write is repeated, except that of a record
      which the database cannot read or write.
    """

    phone_verifications: PhoneVerifications
    clock: Clock
    events: SecurityEvents
    _waiting: dict[PhoneNumber, _Waiting] = field(default_factory=dict)
    _written_at: dict[PhoneNumber, datetime] = field(default_factory=dict)
    _dropped: int = 0

    def record(
        self,
        phone: PhoneNumber,
        error: DomainError,
        rejection: Rejection,
        *,
        has_record: bool | None,
        token_id: str | None = None,
    ) -> None:
        """Record why no provider is called, and add the rejection.

        `has_record` is whether the phone has a record; None if it was not loaded. `token_id` is the
        service token that asked.
        """
        rejected, reason = _describe(rejection, error)
        if isinstance(error, DeliveryFailed):
            self.events.record(
                ProviderPaused(
                    phone=phone,
                    channel=rejected.channel,
                    provider=rejected.provider,
                    result=PAUSED.status,
                    error_code=PAUSED.error_code,
                    reason=rejected.cause,
                    until=rejected.until,
                    recognition=rejected.recognition,
                    has_proof=rejected.has_proof,
                    actor_id=token_id,
                )
            )
        elif reason:
            self.events.record(
                OtpRequestRejected(
                    phone=phone,
                    reason=reason,
                    limit=rejected.limit,
                    channel=rejected.channel,
                    clients=rejected.clients,
                    until=rejected.until,
                    recognition=rejected.recognition,
                    has_proof=rejected.has_proof,
                    actor_id=token_id,
                )
            )
        self.add(phone, rejected, has_record=has_record)

    def add(self, phone: PhoneNumber, rejection: Rejection, *, has_record: bool | None) -> None:
        waiting = self._waiting.get(phone)
        if waiting is None:
            if len(self._waiting) >= MAX_PHONES:
                self._dropped += 1
                return
            waiting = self._waiting[phone] = _Waiting()
        waiting.rejections.append(rejection)
        if has_record is not None:
            waiting.has_record = has_record

    def of(self, phone: PhoneNumber) -> Sequence[Rejection]:
        """Return the rejections of a phone that wait, for a write of its record."""
        waiting = self._waiting.get(phone)
        return (*waiting.rejections,) if waiting else ()

    async def write(self) -> None:
        """Write the rejections of phones that have a record and were not written in this minute."""
        now = self.clock.now()
        self._report_dropped()
        self._forget_strangers()
        self._written_at = {
            phone: time
            for phone, time in self._written_at.items()
            # A clock that was set back does not make the minute longer.
            if timedelta() <= now - time < WRITE_INTERVAL
        }
        due = [phone for phone in self._waiting if phone not in self._written_at]
        for phone in due[:MAX_WRITES]:
            await self._write(phone, now)

    async def write_rest(self) -> None:
        """Write all that wait: the process ends."""
        now = self.clock.now()
        self._report_dropped()
        self._forget_strangers()
        for phone in [*self._waiting]:
            await self._write(phone, now)

    def _forget_strangers(self) -> None:
        """Forget phones without a record, and most of those whose record was not looked up.

        Requests to countries that are not served are rejected before a record is loaded. A flood of
        them must not keep out those of customers.
        """
        known, unchecked = dict[PhoneNumber, _Waiting](), dict[PhoneNumber, _Waiting]()
        for phone, waiting in self._waiting.items():
            if waiting.has_record:
                known[phone] = waiting
            elif waiting.has_record is None and len(unchecked) < MAX_WRITES:
                unchecked[phone] = waiting
        self._waiting = known | unchecked

    async def _write(self, phone: PhoneNumber, now: datetime) -> None:
        waiting = self._waiting.pop(phone)

        def keep(verification: PhoneVerification) -> tuple[PhoneVerification, bool]:
            pruned = verification.prune(now)
            kept = pruned.keep_rejections(waiting.rejections)
            return (verification, False) if kept is pruned else (kept, True)

        try:
            if await change(self.phone_verifications, phone, keep):
                self._written_at[phone] = now
        except ERRORS_OF_RECORDS as error:
            _log.warning({"event": "rejections_not_written", "reason": str(error)})
        except BaseException:
            # Behind the others, which have nothing to do with it, and before later ones.
            for rejection in (*waiting.rejections, *self.of(phone)):
                self.add(phone, rejection, has_record=waiting.has_record)
            raise

    def _report_dropped(self) -> None:
        if self._dropped:
            _log.warning({"event": "rejections_dropped", "rejections": self._dropped})
            self._dropped = 0


def _describe(rejection: Rejection, error: DomainError) -> tuple[Rejection, str]:
    """Return a rejection with its error, and the reason in the log.

    A request for a proof has an event of its own, and no reason.
    """
    match error:
        case CountryNotServed():
            return replace(rejection, limit=error.limit), _REASONS.get(error.limit, _IS_BLOCKED)
        case PhoneUnreachable():
            return replace(rejection, limit=NUMBER_NOT_SERVED), _REASONS[NUMBER_NOT_SERVED]
        case TooManyOtpRequests():
            until = rejection.at + timedelta(seconds=error.retry_after)
            limited = replace(rejection, limit=error.limit, clients=error.clients, until=until)
            return limited, "too many requests"
        case DeliveryFailed():
            paused = replace(rejection, limit=PROVIDER_PAUSED, provider=error.provider)
            until = rejection.at + timedelta(seconds=error.retry_after)
            return replace(paused, cause=error.cause, until=until), error.cause
        case _:
            return replace(rejection, limit=PROOF_REQUIRED, clients=Clients.STRANGERS), ""
