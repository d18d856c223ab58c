"""A request for a code, with everything about it that does not depend on what is stored."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.otp.challenge import Challenge, Purpose
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Channel, ValidDeviceToken
from domain.otp.delivery_policy import DeliveryPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class OtpRequest:
    """A request for a code from `client_ip`, which gets a response with the new id.

    Attributes:
        new_challenge: It is used if the request causes a delivery that needs one.
        key_ids: The keys of codes. A code is sent again only if its key is one of these.
        new_call_id: The id of the call that reads the code, if one is to.
        channels: The channels that are tried one after another.
        providers: The names of the providers of the first channel, in their order; none if nothing
            is sent.
        policy: When a code is delivered to the phone.
        is_test: Whether the phone has a test OTP, and nothing is sent to it.
        device: The device of a valid device token, if the client sent one.
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
    is_test: bool = False
    device: ValidDeviceToken | None = None

    @property
    def purpose(self) -> Purpose:
        return self.new_challenge.purpose

    @property
    def identity_id(self) -> str | None:
        """The identity whose phone the code is to change, if it is to change one."""
        return self.new_challenge.identity_id

    @property
    def channel(self) -> Channel:
        """The channel that is tried first."""
        return self.channels[0]
