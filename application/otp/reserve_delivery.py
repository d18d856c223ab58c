from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from application.otp.payment import Payment, RateLimitReached
from application.ports.errors import StorageUnavailable
from application.ports.otp_keys import OtpKeys
from application.ports.phone_verifications import PhoneVerifications
from application.ports.rate_limiter import RateLimiter
from application.update import update_phone_verification
from domain.errors import TooManyOtpRequests
from domain.otp.delivery import OtpRequest
from domain.otp.delivery_policy import DeliveryDecision, DeliveryPolicy
from domain.otp.phone_verification import PhoneVerification, whole_seconds
from domain.otp.rate_limits import Reservation
from domain.phone import PhoneNumber


@dataclass(frozen=True, slots=True)
class ReserveDelivery:
    """Have an ask decided by the phone's record, and paid by the budgets that many share.

    The budgets come between the decision and its swap: an ask that the phone refuses draws on
    nothing, and an address without a slot writes nothing, so it cannot start a phone's cool-down.
    """

    phone_verifications: PhoneVerifications
    rate_limiter: RateLimiter
    otp_keys: OtpKeys

    async def __call__(
        self, phone: PhoneNumber, ask: OtpRequest, draw: Reservation, limits: DeliveryPolicy
    ) -> DeliveryDecision:
        """Raises TooManyOtpRequests, whose time is the later of phone and budgets; StorageUnavailable."""
        payment = Payment(self.rate_limiter, draw)

        def decide(record: PhoneVerification) -> tuple[PhoneVerification, DeliveryDecision]:
            return record.drop_challenges_without_key(self._has_key).request_delivery(ask, limits)

        async def paid(asked: DeliveryDecision, swap: Callable[[], Awaitable[bool]]) -> bool:
            if asked.is_new:
                await payment.make()
            return await swap()

        is_sent = False
        try:
            asked = await update_phone_verification(self.phone_verifications, phone, decide, paid)
            is_sent = asked.is_new
        except RateLimitReached as spent:
            # Who took the last slots may have asked for this phone: then that is the answer.
            record = await self.phone_verifications.load(phone)
            asked = _unless_new(decide, record.value, whole_seconds(ask.now, spent.free_at))
        except TooManyOtpRequests as refusal:
            await payment.refund()
            free_at = await self.rate_limiter.next_available(draw)
            raise TooManyOtpRequests(
                max(refusal.retry_after, whole_seconds(ask.now, free_at))
            ) from None
        finally:
            if not is_sent:
                await payment.refund()
        return asked

    async def cancel(self, phone: PhoneNumber, draw: Reservation) -> None:
        """Undo it where no sender would have the message, and give these slots back.

        What cannot be undone now ends by itself.
        """

        def decide(record: PhoneVerification) -> tuple[PhoneVerification, None]:
            return record.cancel_delivery(draw.id), None

        with suppress(StorageUnavailable):
            await update_phone_verification(self.phone_verifications, phone, decide)
        with suppress(StorageUnavailable):
            await self.rate_limiter.release(draw)

    def _has_key(self, key_id: str) -> bool:
        return self.otp_keys.find_key(key_id) is not None


def _unless_new(
    decide: Callable[[PhoneVerification], tuple[PhoneVerification, DeliveryDecision]],
    record: PhoneVerification,
    retry_after: int,
) -> DeliveryDecision:
    try:
        _, asked = decide(record)
    except TooManyOtpRequests as refusal:
        raise TooManyOtpRequests(max(refusal.retry_after, retry_after)) from None
    if asked.is_new:
        raise TooManyOtpRequests(retry_after)
    return asked
