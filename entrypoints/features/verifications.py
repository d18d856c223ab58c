"""Verifications: whether a person has a phone, for a backend with users of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from application.opened import Opened
from domain.otp.sliding_window import SlidingWindow
from entrypoints.features.feature import Feature
from entrypoints.settings.declaration import setting
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Environment

if TYPE_CHECKING:
    from application.features.verifications import Verifications
    from application.otp.use_cases import OtpPolicy
    from application.use_cases import UseCases
    from entrypoints.http.additions import HttpAdditions
    from entrypoints.parts.composition import Composition


@dataclass(frozen=True, kw_only=True)
class VerificationSettings(Settings):
    """The limit of a backend's verifications."""

    verification_limit: SlidingWindow = setting(
        "Maximum codes that one service token sends for verifications.", "300/1h"
    )

    def otp_policy(self, *, are_messages_reported: bool) -> "OtpPolicy":
        policy = super().otp_policy(are_messages_reported=are_messages_reported)
        limits = replace(policy.rate_limits, per_token=self.verification_limit)
        return replace(policy, rate_limits=limits)


class _Verifications(Feature["Verifications"]):
    name = "verifications"
    needs = ("admin",)
    settings = VerificationSettings

    def http_additions(self, settings: Settings, *_: object) -> "Sequence[HttpAdditions]":
        from entrypoints.http.features.verifications import VerificationsHttpAdditions

        has_public_clients = settings.env is not Environment.DEVELOPMENT
        return (VerificationsHttpAdditions(has_public_clients=has_public_clients),)

    async def open(self, composition: "Composition") -> Opened["Verifications | None"]:
        del composition
        from application.features.verifications import Verifications

        def make(core: "UseCases") -> Verifications | None:
            return Verifications(core) if core.has_otp else None

        return Opened(make)


VERIFICATIONS: Final = _Verifications()
