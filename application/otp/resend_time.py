"""When a client without attempts can request a new code."""

from dataclasses import dataclass

from application.otp.codes import OtpCodes
from application.ports.keyed_hashes import KeyedHashes
from application.ports.rate_limiter import RateLimiter
from domain.otp.attempt_limits import find_limits
from domain.otp.attempts import OtpAttempt
from domain.otp.delivery_policy import DeliveryPolicy
from domain.otp.phone_verification import PhoneVerification
from domain.otp.rate_limits import DeliveryRoute, RateLimits, Reservation
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

    rate_limiter: RateLimiter
    codes: OtpCodes
    keyed_hashes: KeyedHashes
    delivery_policy: DeliveryPolicy
    rate_limits: RateLimits

    async def __call__(
        self, phone: PhoneNumber, attempt: OtpAttempt, verification: PhoneVerification
    ) -> int:
        """Return the time from the attempt on, in whole seconds.

        Raises:
            StorageError
        """
        now, client_ip = attempt.now, attempt.client_ip
        if not find_limits(verification.prune(now), attempt).are_own:
            return whole_seconds(now, now + self.delivery_policy.cooldown)
        policy, limits = self.delivery_policy, self.rate_limits.for_ip(client_ip)
        if self.codes.is_test_phone(phone, now):
            policy = TEST_OTP_POLICY
        else:
            number_range = self.keyed_hashes.hash_number_range(phone.number_range)
            route = DeliveryRoute(client_ip, phone.country, number_range)
            limits = self.rate_limits.for_delivery(route, verification.recognize(attempt))
        available_at = await self.rate_limiter.next_available(Reservation("", now, limits))
        next_request_at = verification.next_request_at(attempt, policy)
        return whole_seconds(now, max(next_request_at, available_at))
