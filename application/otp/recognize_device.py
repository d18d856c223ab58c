"""Recognize the device that sends a request, by its device token."""

from datetime import datetime
from typing import TypeAlias

from application.ports.identities import Identities
from application.ports.versioned import Versioned
from domain.identities.device_token import DeviceToken
from domain.identities.identity import Identity
from domain.otp.delivery import ValidDeviceToken

CheckedDevice: TypeAlias = tuple[ValidDeviceToken | None, Versioned[Identity] | None]
"""The device of a token, or None if the token is invalid; and the identity that it names, if that
exists."""


async def recognize_device(
    identities: Identities, token: DeviceToken, now: datetime
) -> CheckedDevice:
    """Check a device token against the identity that it names.

    The phone's verification decides whether the device counts for the phone.
    """
    loaded = await identities.load(token.identity_id)
    device = loaded.value.find_device(token.device_id, now) if loaded else None
    return ValidDeviceToken(device.id, token.identity_id) if device else None, loaded
