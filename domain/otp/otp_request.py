"""A request for a code, with everything about it that does not depend on what is stored."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.errors import DeliveryFailed, TooManyOtpRequests
from domain.otp.challenge import Challenge, Purpose
from domain.otp.delivery import Channel, HashedClientIp, ValidDeviceToken
from domain.otp.delivery_policy import DeliveryPolicy

MAX_RESPONSE_LENGTH: Final = 8_192
"""Characters of a response. The longest are those of reCAPTCHA, with some 2,000."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof as the client sent it: two texts that may be anything."""

    type: str
    response: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OtpRequest:
    """A request for a code from `client_ip`, which gets a response with the new id.

    Attributes:
        new_challenge: It is used if the request causes a delivery that needs one.
        key_ids: A code is sent again only if its key is one of these.
        rejection_error: Why it is rejected if it joins no earlier delivery, whatever the limits.
    """

    client_ip: HashedClientIp
    now: datetime
    new_challenge: Challenge
    key_ids: Collection[str]
    new_request_id: str
    new_call_id: str | None = None
    channels: Sequence[Channel]
    providers: Sequence[str]
    policy: DeliveryPolicy
    has_fixed_code: bool = False
    device: ValidDeviceToken | None = None
    rejection_error: TooManyOtpRequests | DeliveryFailed | None = None

    @property
    def purpose(self) -> Purpose:
        return self.new_challenge.purpose

    @property
    def bound_to(self) -> str | None:
        return self.new_challenge.bound_to

    @property
    def channel(self) -> Channel:
        return self.channels[0]
