"""What the response of each provider means for a message, and what a person is told.

- https://www.twilio.com/docs/api/errors
- https://developer.vonage.com/en/api-errors/messages
- https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
- docs/hooks.md
"""

import json
import re
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final, TypeAlias, cast

import pytest

from adapters.messages.http_hook import HookMessenger
from adapters.messages.twilio.client import TwilioClient
from adapters.messages.twilio.error_codes import MESSAGES
from adapters.messages.twilio.messenger import TwilioHealthCheck, TwilioMessenger
from adapters.messages.twilio.signatures import TwilioSignatures
from adapters.messages.vonage.client import VonageClient
from adapters.messages.vonage.messenger import VonageHealthCheck, VonageMessenger
from adapters.messages.vonage.signatures import VonageSignatures
from adapters.messages.vonage.tokens import ApplicationTokens
from adapters.messages.whatsapp_cloud.client import WhatsAppAccount, WhatsAppClient
from adapters.messages.whatsapp_cloud.health_check import WhatsAppHealthCheck
from adapters.messages.whatsapp_cloud.messenger import WhatsAppMessenger
from adapters.messages.whatsapp_cloud.webhooks import WhatsAppWebhooks
from adapters.shared.http import ConnectionFailed, HttpResponse, NoResponse, Transport
from application.ports.errors import MessengerUnavailable
from application.ports.otp import DeliveryResult, DeliveryStatus, Messenger
from application.ports.system import HealthCheck
from tests.support.builders import a_message, a_phone
from tests.support.servers.fake_hook import SECRET
from tests.support.servers.fake_vonage import APPLICATION, private_pem

Response: TypeAlias = tuple[int, object] | Exception
"""A status with what its body has (bytes are the body itself), or what prevents a response."""
Results: TypeAlias = dict[DeliveryStatus, Iterable[Response]]
REASON: Final = r"[A-Z][A-Za-z',; ]+(\((status \d{3}|no response)\))?\."
"""People see it: it has no number, code or account."""
NO_JSON: Final = (b"<html>", b"[]", b"\xff\xfe", b"[" * 60_000)


class OneResponse:
    """A transport whose requests all have one response."""

    def __init__(self, response: Response) -> None:
        self.response = response

    async def request(self, *_: Any, **__: Any) -> HttpResponse:
        if isinstance(self.response, Exception):
            raise self.response
        status, content = self.response
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return HttpResponse(status, body)


def twilio(transport: Transport) -> Messenger:
    client = TwilioClient("AC0", "token", None, transport)
    health_check = TwilioHealthCheck(client, time.monotonic)
    return TwilioMessenger(client, "Dialtone", health_check, TwilioSignatures("AC0", "token"))


@cache
def tokens() -> ApplicationTokens:
    return ApplicationTokens(APPLICATION, private_pem())


def vonage(transport: Transport) -> Messenger:
    client = VonageClient(tokens(), None, transport)
    health_check = VonageHealthCheck(client, time.monotonic)
    return VonageMessenger(client, "Dialtone", health_check, VonageSignatures(APPLICATION, ()))


def whatsapp(transport: Transport) -> Messenger:
    account = WhatsAppAccount(
        access_token="token",
        phone_number_id="1",
        business_account_id="2",
        app_secrets=(),
        verify_token="",
        template="code",
        languages=("en",),
        api_url="https://graph.test",
    )
    client = WhatsAppClient(account, transport)
    health_check = WhatsAppHealthCheck(client, time.monotonic)
    return WhatsAppMessenger(client, health_check, WhatsAppWebhooks("1", (), ""))


def hook(transport: Transport) -> Messenger:
    return HookMessenger("the hook", "https://hook.test", [SECRET], transport)


async def send(provider: Callable[[Transport], Messenger], response: Response) -> DeliveryResult:
    transport = cast("Transport", OneResponse(response))
    return await provider(transport).send(a_phone(), a_message())


SID: Final = "SM" + "0" * 32


def created(status: str | None, code: int | None = None) -> Response:
    """Return the response of Twilio to a message, whose status may be a failure."""
    return 201, {"sid": SID, "status": status, "error_code": code}


def twilio_errors(status: int, *codes: object) -> list[Response]:
    return [(status, {"code": code, "message": "Something", "status": status}) for code in codes]


TWILIO: Results = {
    DeliveryStatus.ACCEPTED: [created("queued"), created(None), (200, {"sid": SID})],
    DeliveryStatus.INVALID_NUMBER: [
        *twilio_errors(400, *MESSAGES.invalid_numbers, 21610),
        created("failed", 30006),
        created("canceled", 30006),
    ],
    DeliveryStatus.UNAVAILABLE: [
        *twilio_errors(400, *MESSAGES.account_errors),
        *twilio_errors(401, 20003),
        *twilio_errors(402, 21999),
        *twilio_errors(403, 21999),
        *twilio_errors(429, 20429),
        # It says that nothing was sent.
        *twilio_errors(503, 20503),
        created("failed", 30002),
    ],
    DeliveryStatus.REJECTED: [
        *twilio_errors(400, *MESSAGES.rejections, 21612, 21999),
        *twilio_errors(429, *MESSAGES.rejections),
        created("failed"),
        created("failed", 30007),
    ],
    DeliveryStatus.UNKNOWN: [
        *((status, b"") for status in (302, 307, 400, 401, 403, 404, 429, 500, 502, 503, 504)),
        *twilio_errors(500, 20500),
        *twilio_errors(504, 20504),
        # These are no codes of Twilio.
        *twilio_errors(400, 3, 404, 9_999, "21610", [], {}),
        *((status, body) for status in (201, 502) for body in NO_JSON),
        # A carrier filtered it, or the phone is off: the message was sent.
        created("undelivered"),
        created("undelivered", 30003),
        *((201, {"sid": sid}) for sid in (None, "SM00", "CA" + "0" * 32, f"{SID}\n")),
    ],
}


def vonage_errors(status: int, *codes: str, parameters: Iterable[str] = ()) -> list[Response]:
    """Return errors as RFC 7807 has them; a number is that of the Messages API."""
    listed = [{"name": name, "reason": "invalid value"} for name in parameters]
    pages = "https://developer.vonage.com/api-errors"
    return [
        (status, {"type": f"{pages}#{code}", "title": "Error", "invalid_parameters": listed})
        for code in codes
    ]


VONAGE: Results = {
    DeliveryStatus.ACCEPTED: [(status, {"message_uuid": APPLICATION}) for status in (200, 202)],
    DeliveryStatus.INVALID_NUMBER: [
        *vonage_errors(422, "1050", "1170", "1190", "1240", "1310", "1430"),
        *vonage_errors(422, "1150", "invalid-params", parameters=["to"]),
    ],
    DeliveryStatus.UNAVAILABLE: [
        *vonage_errors(422, "1000", "1060", "1070", "1080", "1100", "1110", "1120", "1140"),
        *vonage_errors(422, "1160", "1420"),
        *vonage_errors(422, "1150", parameters=["from"]),
        *vonage_errors(400, "low-balance"),
        *vonage_errors(401, "unauthorized", ""),
        *vonage_errors(402, "low-balance"),
        *vonage_errors(403, "account-suspended", "a-new-one"),
        *vonage_errors(404, "not-found"),
        *vonage_errors(429, "1000", "rate-limit", ""),
        # It says that it was not submitted.
        *vonage_errors(503, "1100"),
    ],
    DeliveryStatus.REJECTED: [
        *vonage_errors(422, "1010", "1090", "1150", "1210", "9999", "invalid-params"),
        *vonage_errors(422, "1150", parameters=["to", "from"]),
        *vonage_errors(422, "1150", parameters=["text"]),
        *vonage_errors(400, "invalid-json"),
        *vonage_errors(409, ""),
        *vonage_errors(429, "1210"),
    ],
    DeliveryStatus.UNKNOWN: [
        *((status, b"") for status in (302, 400, 401, 403, 422, 429, 500, 502, 504)),
        # There was an error while the platform processed it.
        *vonage_errors(500, "1030"),
        *vonage_errors(503, "1000"),
        *vonage_errors(500, "1150", parameters=["to"]),
        *vonage_errors(307, "1000"),
        *((status, body) for status in (202, 502) for body in NO_JSON),
        *((202, {"message_uuid": uuid}) for uuid in (None, "+14155550001 is ok")),
        (202, {}),
    ],
}

OF_TEMPLATE: Final = (132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018)
OF_RATE: Final = (4, 80007, 130429, 131048, 131056)
OF_ACCOUNT: Final = (0, 3, 10, 190, 200, 210, 299, 368, 131005, 131031, 131042, 131045, 133010)
WITHHELD: Final = (130403, 130472, 130497, 131047, 131049, 131050)


def meta_errors(status: int, *codes: int) -> list[Response]:
    return [(status, {"error": {"code": code}}) for code in codes]


WHATSAPP: Results = {
    DeliveryStatus.ACCEPTED: [(200, {"messages": [{"id": "wamid.1"}]})],
    # The code decides, whatever the status.
    DeliveryStatus.INVALID_NUMBER: [
        response for status in (200, 400, 500) for response in meta_errors(status, 131026, 131021)
    ],
    DeliveryStatus.UNAVAILABLE: [
        *meta_errors(400, *OF_TEMPLATE, *OF_RATE, *OF_ACCOUNT, 131030),
        *meta_errors(500, 190, 130429, 132001),
        # A code that is not in the table.
        *meta_errors(401, 199999),
        *meta_errors(403, 199999),
        *meta_errors(429, 199999),
    ],
    DeliveryStatus.REJECTED: meta_errors(400, *WITHHELD, 100, 131008, 131009, 131051, 135000),
    DeliveryStatus.UNKNOWN: [
        *meta_errors(400, 1, 2, 131000, 131016, 133004),
        *meta_errors(500, 199999),
        *meta_errors(302, 199999),
        *((status, b"") for status in (200, 302, 400, 401, 404, 429, 500, 502, 503, 504)),
        *((status, body) for status in (200, 400) for body in NO_JSON),
        (200, {}),
        *((200, {"messages": sent}) for sent in ([], [{"id": ""}])),
    ],
}


def hook_errors(status: int, *codes: str) -> list[Response]:
    return [(status, {"error": {"code": code, "message": 21211}}) for code in codes]


HOOK: Results = {
    DeliveryStatus.ACCEPTED: [
        *((status, body) for status in (200, 299) for body in (b"", *NO_JSON)),
        *hook_errors(202, "rejected"),
    ],
    DeliveryStatus.INVALID_NUMBER: [*hook_errors(499, "invalid_number")],
    DeliveryStatus.UNAVAILABLE: [
        *hook_errors(402, "unavailable"),
        *hook_errors(503, "unavailable"),
    ],
    DeliveryStatus.REJECTED: [*hook_errors(400, "rejected"), *hook_errors(422, "rejected")],
    DeliveryStatus.UNKNOWN: [
        *hook_errors(399, "unavailable"),
        *hook_errors(422, "Rejected"),
        *hook_errors(500, "rejected", "invalid_number"),
        *((422, body) for body in NO_JSON),
    ],
}
PROVIDERS: Final = {twilio: TWILIO, vonage: VONAGE, whatsapp: WHATSAPP, hook: HOOK}


@pytest.mark.parametrize(
    ("provider", "results"), PROVIDERS.items(), ids=lambda value: getattr(value, "__name__", "")
)
async def test_one_response_decides_about_a_message(
    provider: Callable[[Transport], Messenger], results: Results
) -> None:
    assert results.keys() == {*DeliveryStatus} - {DeliveryStatus.NOT_CONNECTED}
    for expected, responses in (
        *results.items(),
        (DeliveryStatus.NOT_CONNECTED, [ConnectionFailed()]),
        (DeliveryStatus.UNKNOWN, [NoResponse("ReadTimeout")]),
    ):
        for response in responses:
            result = await send(provider, response)
            assert result.status is expected, response
            if expected is DeliveryStatus.ACCEPTED:
                assert result.reason == ""
            else:
                assert re.fullmatch(REASON, result.reason), response


NOT_OF_PROVIDER: Final = "The response is not from the message service."


SILENT: Final = "The message service does not respond."
INACTIVE: Final = "This service's account with the message service is not active."
REFUSED: Final = ConnectionFailed("the connection was refused", "ConnectError ECONNREFUSED")


async def check(provider: Callable[[Transport], Messenger], response: Response) -> None:
    await cast("HealthCheck", provider(cast("Transport", OneResponse(response)))).check()


@pytest.mark.parametrize(
    ("provider", "response", "reason"),
    [
        (twilio, *twilio_errors(404, 20404), "The message service does not know this service's"),
        (twilio, (503, b""), "The message service is unavailable; try again shortly."),
        (twilio, (200, b"<html>"), NOT_OF_PROVIDER),
        (twilio, (200, {"status": "suspended"}), INACTIVE),
        (twilio, NoResponse(), SILENT),
        (vonage, *vonage_errors(401, "unauthorized"), "The message service does not accept this"),
        (vonage, *vonage_errors(402, "low-balance"), INACTIVE),
        (vonage, *vonage_errors(404, "not-found"), "The message service does not know this"),
        (vonage, (422, b""), NOT_OF_PROVIDER),
        (vonage, (200, b"<html>"), NOT_OF_PROVIDER),
        (whatsapp, *meta_errors(400, 190), "The WhatsApp service does not accept this service's"),
        (whatsapp, (200, {"id": "another"}), "The response is not from the WhatsApp service."),
        *(
            (provider, REFUSED, f"The {name} service cannot be reached; try again shortly. (the c")
            for provider, name in (
                (twilio, "message"), (vonage, "message"), (whatsapp, "WhatsApp"), (hook, "message")
            )
        ),
    ],
)  # fmt: skip
async def test_a_health_check_that_fails_says_why(
    provider: Callable[[Transport], Messenger], response: Response, reason: str
) -> None:
    with pytest.raises(MessengerUnavailable) as error:
        await check(provider, response)
    assert str(error.value).startswith(reason)


async def test_details_are_for_operators_and_have_no_digits() -> None:
    details = "+14155550001 is not valid; the code is 123456"
    error = {"error": {"code": 131009, "error_data": {"details": details}}}

    result = await send(whatsapp, (400, error))

    assert result.details == "+*********** is not valid; the code is ******"
    assert "valid" not in result.reason
    with pytest.raises(MessengerUnavailable, match=r"the code is \*\*\*\*\*\*"):
        await check(whatsapp, (400, error))
    assert (await send(whatsapp, NoResponse("ReadTimeout"))).details == "ReadTimeout"
