"""The webhook of message providers. It is not part of the API's description."""

from litestar import Controller, Response, get, post

from application.otp.use_cases import OtpUseCases
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.requests.signed_request import EXCEPTION_HANDLERS, read_signed_request, reject


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
