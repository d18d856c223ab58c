"""Verifications over HTTP."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import Controller, Response, post
from litestar.config.app import AppConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody

from application.features.verifications import Verifications, VerificationStatus
from domain import errors
from domain.otp.challenge import parse_otp_code
from domain.phone import parse_phone
from entrypoints.http.additions import HttpAdditions
from entrypoints.http.fields import PhoneField, described
from entrypoints.http.otp.schemas import (
    ChannelsField,
    CodeExpiresInField,
    MessageBody,
    OtpField,
    RequestedChannelField,
    ResendInField,
)
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.client_ip import parse_client_ip
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.requests.parsing import FieldErrors, parse_channel
from entrypoints.http.requests.request import ApiRequest

_ID_EXAMPLE = "5f1c0a9be0d34f6c8a7b6c5d4e3f2a1b0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b"


class RequestVerificationBody(MessageBody, forbid_unknown_fields=True, kw_only=True):
    """The phone to send a code to, and who asks your backend for it."""

    phone: PhoneField
    client_ip: Annotated[
        str,
        described(
            "The public IP address of your user, as your backend sees it. It has limits of its own,"
            " and is never taken for that of somebody who signs in here.",
            "203.0.113.7",
        ),
    ]
    channel: RequestedChannelField = None


class RequestedVerificationResponse(msgspec.Struct, kw_only=True):
    """A verification: a code was sent, or had been sent within the cooldown (`sent` is false)."""

    id: Annotated[
        str,
        described(
            "New in every response. Send it with the code. `GET /auth/requests/{id}` says what"
            " became of the message.",
            _ID_EXAMPLE,
        ),
    ]
    sent: Annotated[
        bool,
        described(
            "False if no new message was sent. The code sent before is still valid, and this `id`"
            " has two attempts instead of five.",
            True,
        ),
    ]
    channels: ChannelsField
    expires_in: CodeExpiresInField
    resend_in: ResendInField


class CheckVerificationBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A code, with the verification that it belongs to."""

    phone: PhoneField
    id: Annotated[str, described("The `id` of the verification.", _ID_EXAMPLE)]
    code: OtpField


class CheckedVerificationResponse(msgspec.Struct, kw_only=True):
    """The answer to this code. It is kept nowhere."""

    status: Annotated[
        str,
        described(
            "`approved`: the code is right, or was within the last minute. `pending`: it is wrong."
            " `expired`: no code is right anymore, or this token asked for none under this id.",
            VerificationStatus.APPROVED.value,
            enum=[status.value for status in VerificationStatus],
        ),
    ]
    attempts_left: Annotated[
        int, described("How many further codes are looked at. At 0 ask for a new one.", 0)
    ]


_ERRORS = (errors.Forbidden, errors.InsufficientScope, errors.PasskeyRequired)


class VerificationController(Controller):
    """Whether a person has a phone, without an account."""

    path = "/admin/verifications"
    tags = ["Administration"]
    middleware = [AdministrationMiddleware]
    security = BEARER

    @post(
        summary="Request a verification",
        response_description="A code was sent.",
        responses={
            200: ResponseSpec(
                RequestedVerificationResponse,
                description="A code had been sent within the cooldown, and this joins it.",
                generate_examples=False,
            )
        },
        errors=[
            *_ERRORS,
            errors.CountryNotServed,
            errors.PhoneUnreachable,
            errors.TooManyOtpRequests,
            errors.DeliveryFailed,
        ],
        has_own_errors_only=True,  # no proof is asked for
    )
    async def request_verification(
        self,
        request: ApiRequest,
        verifications: Injected[Verifications],
        data: JSONBody[RequestVerificationBody],
    ) -> Response[RequestedVerificationResponse]:
        """Send a code that says whether your user has this phone. It signs nobody in.

        Only a service token with the scope `verifications:write` does this: no role has it. The
        code belongs to this token, and another token gets another one. A second request within the
        cooldown sends no message: the status is 200, `sent` is false, and the `id` is a new one for
        the message that was sent before. A blocked number without an account gets the response of
        an unserved country.
        """
        settings, country = request.settings.otp, None
        is_public: bool = request.app.state.has_public_clients
        with FieldErrors(data) as invalid:
            with invalid.of("phone"):
                phone = parse_phone(data.phone, settings.default_region, settings.phone_rules)
                country = phone.country
            with invalid.of("client_ip"):
                client_ip = parse_client_ip(data.client_ip, is_public=is_public)
            with invalid.of("channel"):
                channel = parse_channel(data.channel, settings, country)
        requested = await verifications.request(
            request.operator, phone, client_ip, channel, data.preferences
        )
        status_path = request.settings.server.public_path(f"/auth/requests/{requested.request_id}")
        return Response(
            RequestedVerificationResponse(
                id=requested.request_id,
                sent=requested.sent,
                channels=[*settings.channels.of(phone.country)],
                expires_in=requested.expires_in,
                resend_in=requested.resend_in,
            ),
            status_code=201 if requested.sent else 200,
            headers={"Location": status_path} if requested.sent else {},
        )

    @post(
        "/check",
        summary="Check the code of a verification",
        response_description="What the code says.",
        status_code=200,
        errors=_ERRORS,
    )
    async def check_verification(
        self,
        request: ApiRequest,
        verifications: Injected[Verifications],
        data: JSONBody[CheckVerificationBody],
    ) -> CheckedVerificationResponse:
        """Say whether a code is right, for the token that asked for it.

        Without a response, send the same request again: the same right code is approved again
        within 60 seconds. Attempts count for this `id` only; without any left, no code is checked.
        The right code of a number whose account is blocked is approved.
        """
        settings = request.settings.otp
        with FieldErrors(data) as invalid:
            with invalid.of("phone"):
                phone = parse_phone(data.phone, settings.default_region, settings.phone_rules)
            with invalid.of("code"):
                code = parse_otp_code(data.code, settings.otp_length)
        checked = await verifications.check(request.operator, phone, data.id, code)
        return CheckedVerificationResponse(
            status=checked.status.value, attempts_left=checked.attempts_left
        )


class VerificationsHttpAdditions(HttpAdditions):
    """Verifications. `has_public_clients` is whether each client has a public IP."""

    use_cases = ("verifications",)
    administration: Sequence[type[Controller]] = (VerificationController,)

    def __init__(self, *, has_public_clients: bool) -> None:
        self._has_public_clients = has_public_clients

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        app_config.state["has_public_clients"] = self._has_public_clients
        return super().on_app_init(app_config)
