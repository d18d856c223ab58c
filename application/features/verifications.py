"""Verifications: whether a person has a phone, for a backend with users of its own."""

from dataclasses import dataclass
from enum import StrEnum

from application.administration.operator import Operator
from application.otp.check_otp import CheckOtpCommand
from application.otp.events import FixedCodeUsed, OtpVerificationFailed, VerificationApproved
from application.otp.request_otp import RequestOtpCommand, RequestOtpResult
from application.use_cases import UseCases
from domain.administration.scopes import Scope
from domain.otp.attempts import Correct, Wrong
from domain.otp.challenge import OtpCode, Purpose
from domain.otp.delivery import Channel
from domain.otp.messages import MessagePreferences
from domain.phone import PhoneNumber


class VerificationStatus(StrEnum):
    """What a code says."""

    APPROVED = "approved"
    PENDING = "pending"
    """It is wrong, or not looked at, because no attempts are left."""
    EXPIRED = "expired"
    """No code is right anymore, or none was sent under this id for this token."""


@dataclass(frozen=True, slots=True)
class CheckedVerification:
    """The answer to one code. `attempts_left` are those of its id."""

    status: VerificationStatus
    attempts_left: int = 0


class Verifications:
    """Send codes for a service token, and check them.

    - A code is bound to the token that asked for it. It opens nothing, and no other code is
      approved. No identity is made, looked for or told of.
    - The client is a stranger, whatever IP the token names: nothing that makes a client known is
      read or changed. The limits are those of the token, and of the phone.
    """

    def __init__(self, core: UseCases) -> None:
        self._otp, self._events, self._clock = core.otp, core.system.events, core.system.clock

    async def request(
        self,
        operator: Operator,
        phone: PhoneNumber,
        client_ip: str,
        channel: Channel | None,
        preferences: MessagePreferences,
    ) -> RequestOtpResult:
        """Send a code. Raises what `RequestOtp` does, Forbidden and InsufficientScope."""
        token_id = operator.check_token(Scope.VERIFY_PHONES)
        return await self._otp.request_otp(
            RequestOtpCommand(
                phone,
                client_ip,
                channel,
                preferences,
                purpose=Purpose.VERIFICATION,
                bound_to=token_id,
            )
        )

    async def check(
        self, operator: Operator, phone: PhoneNumber, request_id: str, code: OtpCode
    ) -> CheckedVerification:
        """Check a code. The same right code within a minute is approved again."""
        token_id = operator.check_token(Scope.VERIFY_PHONES)
        check_otp = self._otp.check_otp
        command = CheckOtpCommand(
            phone, code, "", request_id, purpose=Purpose.VERIFICATION, bound_to=token_id
        )
        checked = await check_otp(command)
        await check_otp.release(checked)
        if isinstance(checked.result, Wrong):
            left = checked.attempts_left
            self._events.record(
                OtpVerificationFailed(phone=phone, attempts_left=left, actor_id=token_id)
            )
            has_ended = checked.result.has_ended
            status = VerificationStatus.EXPIRED if has_ended else VerificationStatus.PENDING
            return CheckedVerification(status, left)
        if isinstance(checked.result, Correct):
            carrier = checked.result.code.carrier
            self._events.record(
                VerificationApproved(
                    phone=phone,
                    channel=carrier.channel,
                    provider=carrier.provider,
                    actor_id=token_id,
                )
            )
            if check_otp.codes.has_fixed_code(phone, self._clock.now()):
                self._events.record(
                    FixedCodeUsed(phone=phone, reason="verified", actor_id=token_id)
                )
        return CheckedVerification(VerificationStatus.APPROVED)
