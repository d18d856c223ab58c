"""One-time codes, main API."""

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import JSONBody, SkipValidation

from application.otp.log_in import VerifyOtpCommand
from application.otp.request_otp import RequestOtpCommand
from application.otp.use_cases import OtpUseCases
from domain import errors
from domain.otp.challenge import parse_otp_code
from domain.phone import parse_phone
from entrypoints.http.otp import schemas
from entrypoints.http.otp.proofs import parse_sent_proof
from entrypoints.http.requests.auth import limit_by_ip
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.parsing import FieldErrors, parse_channel
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.requests.signed_request import EXCEPTION_HANDLERS, read_signed_request, reject


class OtpController(Controller):
    """Requests for codes, and their verification."""

    path = "/auth"
    tags = ["OTP"]
    opt = {"tag_description": "Request a one-time code, and exchange it for an access token."}
    dependencies = {"otp": provide(lambda use_cases: use_cases.otp)}

    @post(
        "/request-otp",
        summary="Request a code",
        response_description="The message was sent. If `sent` is false, it had been sent before.",
        status_code=200,
        errors=[
            errors.CountryNotServed,
            errors.PhoneUnreachable,
            errors.TooManyOtpRequests,
            errors.DeliveryFailed,
        ],
    )
    async def request_otp(
        self,
        request: ApiRequest,
        otp: Injected[OtpUseCases],
        data: JSONBody[SkipValidation[schemas.RequestOtpBody]],
    ) -> schemas.RequestOtpResponse:
        """Send a code to a phone.

        A second request within the cooldown sends no message: `sent` is false, and the response
        has a `request_id` of its own for the message that was sent before. Keep the first id while
        its code is valid: it has more attempts. The fourth of such requests is a 429; after a 429
        keep the id that you have. A login ends the cooldown. A resend has the same code and does
        not extend its life. With a `device_token` of an earlier login the request has limits of its
        own. A blocked number without an account is answered as one of a country that is not served.
        """
        settings, country = request.settings.otp, None
        with FieldErrors(data) as invalid:
            with invalid.of("phone"):
                phone = parse_phone(data.phone, settings.default_region, settings.phone_rules)
                country = phone.country
            with invalid.of("channel"):
                channel = parse_channel(data.channel, settings, country)
            sent = parse_sent_proof(request, data, invalid)
        device_token = schemas.parse_sent_device_token(data.device_token)
        result = await otp.request_otp(
            RequestOtpCommand(
                phone,
                request.client_ip,
                channel,
                data.preferences,
                device_token,
                can_send_proof=sent.can_send_proof,
                proof=sent.proof,
            )
        )
        return schemas.RequestOtpResponse(
            request_id=result.request_id,
            sent=result.sent,
            expires_in=result.expires_in,
            resend_in=result.resend_in,
            channels=[*settings.channels.of(phone.country)],
        )

    @get(
        "/requests/{request_id:str}",
        summary="Get the delivery status of a code",
        response_description="What became of the message or call.",
        guards=[limit_by_ip],
    )
    async def get_delivery_status(
        self, otp: Injected[OtpUseCases], request_id: schemas.RequestIdParameter
    ) -> schemas.DeliveryStatusResponse:
        """Return what became of the message or call that a request for a code refers to.

        The `request_id` is the credential. An unknown id, and a message whose provider reports no
        statuses, look like a queued message. Within the cooldown all ids refer to the same message.
        """
        status, error_code = await otp.get_delivery_status(request_id)
        return schemas.DeliveryStatusResponse(
            status=status.value, error_code=error_code or msgspec.UNSET
        )

    @post(
        "/verify-otp",
        summary="Exchange a code for an access token",
        response_description="The code was correct (`success` is true) or not.",
        status_code=200,
        union="VerifyOtpResponse",
        errors=[
            errors.AccountBlocked,
            errors.LoginRejected,
            errors.TooManyAttempts,
            errors.TooManyAttemptsFromIp,
        ],
    )
    async def verify_otp(
        self, request: ApiRequest, otp: Injected[OtpUseCases], data: JSONBody[schemas.VerifyOtpBody]
    ) -> schemas.VerifiedOtpResponse | schemas.RejectedOtpResponse:
        """Exchange a code for an access token. A code can be used once.

        After a 503, or without a response, send the same request again: if the login was not saved,
        it is completed. If it was, and the request had a `request_id`, the response is repeated for
        a minute, until a token of the session is used. Otherwise the code is invalid, and a new one
        can be requested at once.

        Send `request_id`: the attempts are then counted for this request only, and no other client
        can use them up. Without it they are shared with all clients of the network, or with all
        that never requested the code. After too many, also a correct code is a 429: `retry_after`
        says when the same request is looked at again, and `resend_in` when a new code can be
        requested. Go by `resend_in`.

        A 403 `account_blocked` says that the code is correct, and that the account is blocked; a
        403 `login_rejected`, that this service lets the account not sign in. Show the user `error`,
        which says why. The code is used.

        A correct code also returns a `device_token`; with it the device has attempts and messages
        of its own from then on. With `refresh`, the access token is short-lived and a refresh token
        is returned. Without it, the access token is long-lived and cannot be refreshed.
        """
        settings = request.settings.otp
        with FieldErrors(data) as invalid:
            with invalid.of("phone"):
                phone = parse_phone(data.phone, settings.default_region, settings.phone_rules)
            with invalid.of("otp"):
                code = parse_otp_code(data.otp, settings.otp_length)
        result = await otp.verify_otp(
            VerifyOtpCommand(
                phone,
                code,
                request.client_ip,
                data.request_id,
                device=(data.device or "").strip() or request.device_name,
                with_refresh=bool(data.refresh),
                device_token=schemas.parse_sent_device_token(data.device_token),
                with_device_token=True,
            )
        )
        return schemas.to_verify_otp_response(result)


class MessageStatusController(Controller):
    """Requests about messages."""

    path = "/sms"
    dependencies = {"otp": provide(lambda use_cases: use_cases.otp)}
    include_in_schema = False
    exception_handlers = EXCEPTION_HANDLERS

    @get("/status")
    async def answer_handshake(
        self, request: ApiRequest, otp: Injected[OtpUseCases]
    ) -> Response[str]:
        """Answer the provider that checks who owns this URL."""
        signed, _ = await read_signed_request(request)
        answer = otp.answer_handshake(signed)
        if answer is None:
            raise reject(request, "it is no handshake of a message provider")
        return Response(answer, media_type="text/plain")

    @post("/status", status_code=200)
    async def record_status(
        self, request: ApiRequest, otp: Injected[OtpUseCases]
    ) -> Response[bytes]:
        signed, parameters = await read_signed_request(request)
        if not await otp.record_message_status(signed, parameters):
            raise reject(
                request,
                "no message provider recognizes its signature, or it is not for this message",
            )
        # Meta repeats a request for days, unless the response is a 200.
        status = 204 if "delivery" in parameters else 200
        return Response(b"", status_code=status, media_type="text/plain")
