"""Reset the limits of one phone."""

from dataclasses import dataclass
from typing import NamedTuple

from application.otp.events import LimitsReset
from application.ports.otp import PhoneVerifications
from application.ports.security_events import SecurityEvents
from application.ports.system import Clock
from application.update import change
from domain.errors import LimitsResetBefore, PhoneBlocked
from domain.otp.phone_verification import PhoneVerification
from domain.phone import PhoneNumber


class ResetResult(NamedTuple):
    """How often a reset is possible today after this one, and what the next message brings."""

    resets_left: int
    attempts: int


@dataclass(frozen=True, slots=True)
class ResetLimits:
    """Let a phone get a code again: its cooldown and its deliveries no longer count.

    - The wait after failed attempts ends. Of those in a row at most 50 stay: with them a message
      brings a stranger one attempt.
    - Devices and IPs that failed too often are recognized again.
    - Limits that many phones share stay as they are.
    - A phone can be reset twice a day. A blocked number without an account is not reset: it would
      get no message.
    """

    phone_verifications: PhoneVerifications
    clock: Clock
    events: SecurityEvents

    async def __call__(self, phone: PhoneNumber, expected_left: int | None = None) -> ResetResult:
        """Reset the limits.

        `expected_left` is how often a reset was possible when somebody decided on this one, so that
        a form that is sent twice resets once.
        """

        def reset(verification: PhoneVerification) -> tuple[PhoneVerification, ResetResult]:
            successor = self._reset(verification, expected_left)
            return successor, ResetResult(
                successor.resets_left, successor.attempts_of_next_delivery
            )

        result = await change(self.phone_verifications, phone, reset)
        self.events.record(LimitsReset(phone=phone))
        return result

    async def check(self, phone: PhoneNumber, expected_left: int | None = None) -> None:
        """Check that a reset is possible now; see `__call__`."""
        self._reset((await self.phone_verifications.load(phone)).value, expected_left)

    def _reset(
        self, verification: PhoneVerification, expected_left: int | None
    ) -> PhoneVerification:
        now = self.clock.now()
        if verification.gets_no_messages:
            raise PhoneBlocked
        if expected_left not in (None, verification.prune(now).resets_left):
            raise LimitsResetBefore
        return verification.reset_limits(now)
