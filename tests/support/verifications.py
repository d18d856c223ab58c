"""Verifications by service tokens, for tests."""

from typing import Any

from application.administration.operator import Operator, service_token
from application.features.verifications import CheckedVerification, Verifications
from application.otp.request_otp import RequestOtpResult
from domain.administration.audit import Actor, ActorKind
from domain.administration.scopes import Scope
from domain.otp.challenge import parse_otp_code
from domain.otp.delivery import Channel
from domain.otp.messages import MessagePreferences
from domain.phone import PhoneNumber
from tests.support.builders import a_phone
from tests.support.core_harness import CoreHarness

STRANGER_IP = "198.51.100.20"


def a_token(number: int = 1, *scopes: Scope) -> Operator:
    """Return a service token that may verify phones."""
    actor = Actor(ActorKind.SERVICE_TOKEN, f"{number:024x}")
    return service_token(actor, scopes or [Scope.VERIFY_PHONES])


class VerificationDriver:
    """Requests verifications of a token, and checks codes."""

    def __init__(self, app: CoreHarness, number: int = 1) -> None:
        self.app, self.token, self.verifications = (
            app,
            a_token(number),
            Verifications(app.use_cases),
        )

    async def request(
        self,
        phone: PhoneNumber | None = None,
        client_ip: str = STRANGER_IP,
        channel: Channel | None = Channel.SMS,
        **preferences: Any,
    ) -> RequestOtpResult:
        return await self.verifications.request(
            self.token, phone or a_phone(), client_ip, channel, MessagePreferences(**preferences)
        )

    async def check(
        self, digits: str, request_id: str, phone: PhoneNumber | None = None
    ) -> CheckedVerification:
        return await self.verifications.check(
            self.token, phone or a_phone(), request_id, parse_otp_code(digits)
        )
