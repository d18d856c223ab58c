"""Recognize the device that sends a request, by its device token."""

from datetime import datetime

from application.otp.extensions import CheckedDevice, OtpExtensions
from application.ports.identities import Identities
from domain.identities.device_token import DeviceToken
from domain.otp.challenge import Purpose
from domain.otp.delivery import ValidDeviceToken


async def recognize_device(
    identities: Identities,
    extensions: OtpExtensions,
    token: DeviceToken,
    purpose: Purpose,
    now: datetime,
) -> CheckedDevice:
    """Check a device token against the identity that it names.

    The token of a browser at the web console counts for codes of the console, that of an app for
    all other codes.

    The phone's verification decides whether the device counts for the phone.
    """
    if purpose is Purpose.CONSOLE_SIGN_IN:
        return await extensions.recognize_console_device(token, now)
    loaded = await identities.load(token.identity_id)
    device = loaded.value.find_device(token.device_id, now) if loaded else None
    return ValidDeviceToken(device.id, token.identity_id) if device else None, loaded
