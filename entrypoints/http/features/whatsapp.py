"""Codes by WhatsApp over HTTP."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final

import msgspec
from litestar import Controller, Response, get, post
from litestar.exceptions import HTTPException

from application.features.whatsapp import WhatsApp
from entrypoints.http.additions import HttpAdditions
from entrypoints.http.fields import described
from entrypoints.http.operations import ReadinessResponse
from entrypoints.http.otp.schemas import CHANNELS_OF_REQUESTS, RequestOtpBody
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.requests.signed_request import EXCEPTION_HANDLERS, read_signed_request, reject

_ABOUT: Final = """\
With the channel `whatsapp` the code goes by WhatsApp, and by SMS if WhatsApp cannot deliver it. A
country may have WhatsApp as its first channel: then a request that names none uses it. After a
message by WhatsApp that failed, the delivery status is that of the SMS.
"""


class RequestByWhatsApp(msgspec.Struct, kw_only=True):
    """The channel of a request, with WhatsApp."""

    channel: Annotated[
        str | None,
        described(
            "How the code is delivered: in a message (`sms`), by WhatsApp (`whatsapp`), or read out"
            " in a call (`voice`). A country may have fewer channels. Without this field, the code"
            " goes by the first message that the country has.",
            "whatsapp",
            enum=CHANNELS_OF_REQUESTS,
        ),
    ] = None


class WhatsAppHealth(msgspec.Struct, kw_only=True):
    """The health of this part."""

    whatsapp: Annotated[
        str | msgspec.UnsetType,
        described("`ok` or `degraded`. Only if codes go by WhatsApp.", "ok"),
    ] = msgspec.UNSET


class WhatsAppHttpAdditions(HttpAdditions):
    """The channel, and the webhook where a provider sends requests about messages."""

    about: Mapping[str, str] = MappingProxyType({"request_otp": _ABOUT})
    fields = MappingProxyType(
        {
            RequestOtpBody: RequestByWhatsApp,
            ReadinessResponse: WhatsAppHealth,
        }
    )
    webhooks: Sequence[str] = ("whatsapp",)
    use_cases = ("whatsapp",)

    def __init__(self, *, is_used: bool) -> None:
        self.hidden_controllers: Sequence[type[Controller]] = ()
        if is_used:
            self.hidden_controllers = (WhatsAppController,)


MAX_BODY_BYTES: Final = 3 * 1024 * 1024
"""Meta sends at most 3 MB
(https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview)."""
_TOO_LARGE: Final = 413


class WhatsAppController(Controller):
    """Requests about messages by WhatsApp."""

    path = "/whatsapp"
    include_in_schema = False
    exception_handlers = EXCEPTION_HANDLERS

    @get("/status")
    async def answer_handshake(
        self, request: ApiRequest, whatsapp: Injected[WhatsApp]
    ) -> Response[str]:
        """Answer the provider that checks who owns this URL."""
        signed, _ = await read_signed_request(request)
        answer = whatsapp.answer_handshake(signed)
        if answer is None:
            raise reject(request, "it is no handshake of the provider of WhatsApp")
        return Response(answer, media_type="text/plain")

    @post("/status", status_code=200, request_max_body_size=MAX_BODY_BYTES)
    async def record_status(
        self, request: ApiRequest, whatsapp: Injected[WhatsApp]
    ) -> Response[bytes]:
        """Record what became of messages. What people write is dropped unread."""
        try:
            await request.body()
        except HTTPException as error:
            if error.status_code != _TOO_LARGE:
                raise
            reject(request, "the body is larger than 3 MB")
            return Response(b"", status_code=_TOO_LARGE, media_type="text/plain")
        signed, parameters = await read_signed_request(request)
        if not await whatsapp.record_message_status(signed, parameters):
            raise reject(request, "the provider of WhatsApp does not recognize its signature")
        # Meta repeats a request for days, unless the response is a 200.
        return Response(b"", media_type="text/plain")
