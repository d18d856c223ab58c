"""Recognize the device that sends a request, by its device token."""

from datetime import datetime

from application.ports.identities import Identities
from application.ports.versioned import Versioned
from domain.identities.device_token import DeviceToken
from domain.identities.identity import Identity
from domain.otp.challenge import Purpose
from domain.otp.delivery import DeviceProof


async def recognize_device(
    identities: Identities, token: DeviceToken, purpose: Purpose, now: datetime
) -> tuple[DeviceProof | None, Versioned[Identity] | None]:
    """Check a device token against the identity that it names.

    The token of a browser at the web console counts for codes of the console, that of an app for
    all other codes.

    The phone's verification decides whether the device counts for the phone.

    Returns:
        The device, or None if the token is invalid; and the identity that it names, if it exists.

    Raises:
        StorageError
    """
    loaded = await identities.load(token.identity_id)
    if loaded is None:
        return None, None
    identity = loaded.value
    is_console = purpose is Purpose.CONSOLE_SIGN_IN
    find = identity.find_console_device if is_console else identity.find_device
    device = find(token.device_id, now)
    return DeviceProof(device.id, token.identity_id) if device else None, loaded
