"""When a client without attempts can request a new code."""

from dataclasses import dataclass

from application.otp.codes import OtpCodes
from application.otp.delivery_permits import DeliveryPermits
from domain.otp.attempt_limits import find_limits
from domain.otp.attempts import OtpAttempt
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.phone_verification import PhoneVerification
from domain.otp.review_otps import TEST_OTP_POLICY
from domain.otp.sliding_window import whole_seconds
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class ResendTime:
    """Find out when a new code can be requested, by a message from the same IP.

    - It is exact only for a client that has a valid request id or device token of this phone.
    - All others get the default cooldown, which is the same for every phone: it does not reveal
      whether somebody requests codes.
    """

    delivery_permits: DeliveryPermits
    codes: OtpCodes
    delivery_policy: DeliveryPolicy

    async def __call__(
        self, phone: PhoneNumber, attempt: OtpAttempt, verification: PhoneVerification
    ) -> int:
        """Return the time from the attempt on, in whole seconds.

        Raises:
            StorageError
        """
        now = attempt.now
        if not find_limits(verification.prune(now), attempt).are_own:
            return whole_seconds(now, now + self.delivery_policy.cooldown)
        is_test_phone = self.codes.is_test_phone(phone, now)
        policy = TEST_OTP_POLICY if is_test_phone else self.delivery_policy
        reservation = self.delivery_permits.make_reservation(phone, attempt, verification)
        available_at = await self.delivery_permits.next_available(reservation, verification)
        next_request_at = verification.next_request_at(attempt, policy)
        return whole_seconds(now, max(next_request_at, available_at))
