"""The API of the older app."""

from collections.abc import Sequence

from litestar import Controller

from entrypoints.http.features.legacy_otp.controller import LegacyOtpController
from entrypoints.http.features.legacy_otp.errors import LegacyErrorTable
from entrypoints.http.plugin import ApiPlugin


class LegacyOtpPlugin(ApiPlugin):
    """The two paths of the older app."""

    error_table = LegacyErrorTable
    controllers: Sequence[type[Controller]] = (LegacyOtpController,)
