"""The webhook of providers of WhatsApp. It is not part of the API's description."""

from typing import Final

from litestar import Controller, Response, get, post
from litestar.exceptions import HTTPException

from application.features.whatsapp.feature import WhatsAppFeature
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.requests.signed_request import EXCEPTION_HANDLERS, read_signed_request, reject

MAX_BODY_BYTES: Final = 3 * 1024 * 1024
"""Meta sends at most 3 MB
(https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview)."""
_TOO_LARGE: Final = 413


class WhatsAppController(Controller):
    """Requests about messages by WhatsApp."""

    path = "/whatsapp"
    dependencies = {"whatsapp": provide(lambda use_cases: use_cases.of(WhatsAppFeature))}
    include_in_schema = False
    exception_handlers = EXCEPTION_HANDLERS

    @get("/status")
    async def answer_handshake(
        self, request: ApiRequest, whatsapp: Injected[WhatsAppFeature]
    ) -> Response[str]:
        """Answer the provider that checks who owns this URL."""
        signed, _ = await read_signed_request(request)
        answer = whatsapp.answer_handshake(signed)
        if answer is None:
            raise reject(request, "it is no handshake of the provider of WhatsApp")
        return Response(answer, media_type="text/plain")

    @post("/status", status_code=200, request_max_body_size=MAX_BODY_BYTES)
    async def record_status(
        self, request: ApiRequest, whatsapp: Injected[WhatsAppFeature]
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
