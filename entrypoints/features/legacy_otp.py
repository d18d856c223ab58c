"""The API of the older app, below `/authenticate`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.http.additions import HttpAdditions


class _LegacyOtp(Feature[None]):
    name = "legacy_otp"

    def http_additions(self, *_: object) -> "Sequence[HttpAdditions]":
        from entrypoints.http.features.legacy_otp import LegacyOtpHttpAdditions

        return (LegacyOtpHttpAdditions(),)


LEGACY_OTP: Final = _LegacyOtp()
