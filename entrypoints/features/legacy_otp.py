"""The API of the older app, below `/authenticate`."""

from typing import Final

from entrypoints.features.feature import Feature


class LegacyOtp(Feature):
    """The API of the older app, below `/authenticate`."""

    name = "legacy_otp"
    folders = ("entrypoints/http/legacy_otp",)


LEGACY_OTP: Final = LegacyOtp()
