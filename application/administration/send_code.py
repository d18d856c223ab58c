"""Send a code to a user, because an operator says so."""

from dataclasses import dataclass
from typing import Final

from application.administration.act_for_users import ActForUsers
from application.administration.acts import SEND_CODE
from application.administration.find_user import UserQuery
from application.administration.operator import Operator
from application.otp.request_otp import RequestOtp, RequestOtpCommand, RequestOtpResult
from domain.errors import (
    ConflictingValue,
    PhoneBlocked,
    TooManyOperatorCodes,
    TooManyOtpRequests,
)
from domain.otp.delivery import Channel
from domain.otp.grants import OPERATOR_CODES_LIMIT
from domain.otp.message_preferences import MessagePreferences

HAS_FIXED_CODE: Final = "This phone has a fixed code in the settings: nothing is sent to it."

NO_SUCH_CHANNEL: Final = "Codes to {country} go by {channels}: choose one of these."


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCodeCommand:
    """A code for a user, which an operator asks for from `client_ip`.

    `channel` is None if the operator named none.
    """

    client_ip: str
    channel: Channel | None
    preferences: MessagePreferences


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCode:
    """Send a code to a user; see `ActForUsers`."""

    act: ActForUsers
    request_otp: RequestOtp

    async def __call__(
        self, operator: Operator, query: UserQuery, command: SendCodeCommand, reason: str = ""
    ) -> RequestOtpResult:
        """Send a code to a user. The operator never sees it.

        - It has attempts of its own (`OperatorCode`).
        - Operators send three a day to a phone, and each of them so many acts an hour and a day.
        - It counts in all messages of the country and in total. No request of others for this
          phone, or from the network of the operator, keeps it back, but for the shortest cooldown.

        Raises:
            PhoneBlocked
            ConflictingValue: the phone has a fixed code, or its country has no such channel.
            TooManyOperatorCodes: three were sent to this phone within a day.
            CountryNotServed: with a message if the number is blocked.
            TooManyOtpRequests, PhoneUnreachable, DeliveryFailed
        """
        user = await self.act.find(operator, SEND_CODE, query, reason)
        phone = user.require_phone()
        if self.request_otp.codes.is_test_phone(phone, self.request_otp.clock.now()):
            raise ConflictingValue(HAS_FIXED_CODE)
        channels = self.request_otp.deliver_code.channels.of(phone.country)
        if command.channel is not None and command.channel not in channels:
            raise ConflictingValue(
                NO_SUCH_CHANNEL.format(country=phone.country, channels=", ".join(channels))
            )
        loaded = await self.request_otp.phone_verifications.load(phone)
        if loaded.value.blocked_at is not None:
            raise PhoneBlocked
        requested = RequestOtpCommand(
            phone,
            command.client_ip,
            command.channel,
            command.preferences,
            is_by_operator=True,
        )
        async with self.act.record_act(operator.actor, SEND_CODE.action, user.subject, reason):
            try:
                return await self.request_otp(requested)
            except TooManyOtpRequests as error:
                if error.limit == OPERATOR_CODES_LIMIT:
                    raise TooManyOperatorCodes(error.retry_after, error.limit) from error
                raise
