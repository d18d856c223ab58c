"""The API of the older app, below `/authenticate`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.http.plugin import ApiPlugin


class _LegacyOtp(Feature[None]):
    name = "legacy_otp"

    def plugins(self, *_: object) -> "Sequence[ApiPlugin]":
        from entrypoints.http.features.legacy_otp import LegacyOtpPlugin

        return (LegacyOtpPlugin(),)


LEGACY_OTP: Final = _LegacyOtp()
