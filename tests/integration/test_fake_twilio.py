"""The fake Twilio server behaves as Twilio documents it."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest
from twilio.request_validator import RequestValidator
from twilio.rest.api.v2010.account import AccountInstance
from twilio.rest.api.v2010.account.call import CallInstance
from twilio.rest.api.v2010.account.message import MessageInstance

from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers import behaviors
from tests.support.servers.behaviors import respond_with
from tests.support.servers.fake_twilio import FakeTwilio, post_webhook, rejects
from tests.support.servers.fake_twilio.webhooks import add_body_hash, post_json_webhook
from tests.support.servers.http_server import Exchange, HttpServer

TO, FROM = "+14155550001", "+15005550006"
MESSAGE = {"To": TO, "From": FROM, "Body": "012345 is your code"}
CALL = {"To": TO, "From": FROM, "Url": "https://service.example/voice"}
TWIML = b"<Response/>"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as twilio:
        yield twilio


@pytest.fixture
async def client(twilio: FakeTwilio) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=f"{twilio.url}/2010-04-01/Accounts/{twilio.account_sid}",
        auth=(twilio.account_sid, twilio.auth_token),
        **PLAIN_HTTP,
    ) as client:
        yield client


class WebhookReceiver(HttpServer):
    """Keeps the last webhook."""

    def __init__(self) -> None:
        super().__init__(respond_with(200, TWIML, {"Content-Type": "text/xml"}))
        self.body = ""
        self.signature = ""
        self.media_type = ""

    def record(self, exchange: Exchange) -> None:
        self.body = exchange.body.decode()
        self.signature = exchange.headers["X-Twilio-Signature"]
        self.media_type = exchange.headers["Content-Type"]


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as receiver:
        yield receiver


def documented_fields(instance: object) -> set[str]:
    """Return the fields that the `twilio` package reads."""
    names = {name.strip("_") for name in vars(instance)}
    return names - {"version", "solution", "context"}


async def test_a_message_has_every_documented_field(client: httpx.AsyncClient) -> None:
    response = await client.post("/Messages.json", data=MESSAGE)

    message = response.json()
    assert response.status_code == 201
    assert response.headers["Content-Type"] == "application/json"
    assert message.keys() >= documented_fields(MessageInstance(None, message, "AC0"))
    assert re.fullmatch(r"SM[0-9a-f]{32}", message["sid"])
    assert (message["to"], message["from"], message["body"]) == tuple(MESSAGE.values())
    assert (message["status"], message["num_segments"]) == ("queued", "1")
    assert MessageInstance(None, message, "AC0").date_created is not None


async def test_a_message_by_a_messaging_service_has_no_number(
    client: httpx.AsyncClient,
) -> None:
    service = "MG" + "0" * 32
    form = {"To": TO, "MessagingServiceSid": service, "Body": "नमस्ते"}

    message = (await client.post("/Messages.json", data=form)).json()

    assert message["from"] is None
    assert message["messaging_service_sid"] == service
    assert (message["status"], message["num_segments"]) == ("accepted", "0")


async def test_a_call_has_every_documented_field(client: httpx.AsyncClient) -> None:
    response = await client.post("/Calls.json", data=CALL)

    call = response.json()
    assert response.status_code == 201
    assert call.keys() >= documented_fields(CallInstance(None, call, "AC0"))
    assert re.fullmatch(r"CA[0-9a-f]{32}", call["sid"])
    assert (call["to"], call["from"], call["status"]) == (TO, FROM, "queued")


async def test_a_recording_is_there_until_it_is_deleted(
    client: httpx.AsyncClient, twilio: FakeTwilio
) -> None:
    sid = twilio.add_recording(b"sound")

    sound = await client.get(f"/Recordings/{sid}.mp3")
    assert (sound.status_code, sound.content) == (200, b"sound")
    assert sound.headers["Content-Type"] == "audio/mpeg"
    assert (await client.delete(f"/Recordings/{sid}.json")).status_code == 204
    assert (await client.get(f"/Recordings/{sid}.mp3")).status_code == 404
    assert (await client.delete(f"/Recordings/{sid}.json")).status_code == 404


async def test_an_account_has_every_documented_field(
    client: httpx.AsyncClient, twilio: FakeTwilio
) -> None:
    url = f"{twilio.url}/2010-04-01/Accounts/{twilio.account_sid}.json"
    account = (await client.get(url)).json()

    assert account.keys() >= documented_fields(AccountInstance(None, account))
    assert (account["sid"], account["status"]) == (twilio.account_sid, "active")


@pytest.mark.parametrize(
    ("what", "form", "code"),
    [
        ("Messages", {**MESSAGE, "To": ""}, 21604),
        ("Messages", {**MESSAGE, "From": ""}, 21603),
        ("Messages", {**MESSAGE, "Body": ""}, 21602),
        ("Messages", {**MESSAGE, "Body": "a" * 1601}, 21617),
        ("Messages", {**MESSAGE, "To": "4155550001"}, 21211),
        ("Messages", {**MESSAGE, "To": "+15005550001"}, 21211),
        ("Messages", {**MESSAGE, "To": "+15005550002"}, 21612),
        ("Messages", {**MESSAGE, "To": "+15005550003"}, 21408),
        ("Messages", {**MESSAGE, "To": "+15005550004"}, 21610),
        ("Messages", {**MESSAGE, "To": "+15005550009"}, 21614),
        ("Messages", {**MESSAGE, "From": "+15005550001"}, 21212),
        ("Messages", {**MESSAGE, "From": "+15005550007"}, 21606),
        ("Messages", {**MESSAGE, "From": "+15005550008"}, 21611),
        ("Calls", {**CALL, "To": ""}, 21201),
        ("Calls", {**CALL, "From": ""}, 21213),
        ("Calls", {"To": TO, "From": FROM}, 21205),
        ("Calls", {**CALL, "To": "nobody"}, 21211),
        ("Calls", {**CALL, "To": "+15005550001"}, 21217),
        ("Calls", {**CALL, "To": "+15005550002"}, 21214),
        ("Calls", {**CALL, "To": "+15005550003"}, 21215),
        ("Calls", {**CALL, "To": "+15005550004"}, 21216),
    ],
)
async def test_invalid_requests_are_rejected_with_twilios_codes(
    client: httpx.AsyncClient, what: str, form: dict[str, str], code: int
) -> None:
    response = await client.post(f"/{what}.json", data=form)

    error = response.json()
    assert response.status_code == 400
    assert error.pop("message")
    assert error == {
        "code": code,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": 400,
    }


@pytest.mark.parametrize("credentials", [None, ("AC0", "no"), ("", "")])
async def test_wrong_credentials_are_rejected(
    twilio: FakeTwilio, credentials: tuple[str, str] | None
) -> None:
    async with httpx.AsyncClient(**PLAIN_HTTP) as http:
        url = f"{twilio.url}/2010-04-01/Accounts/{twilio.account_sid}/Messages.json"
        response = await http.post(url, data=MESSAGE, auth=credentials or httpx.Auth())

    assert (response.status_code, response.json()["code"]) == (401, 20003)
    assert response.headers["WWW-Authenticate"] == 'Basic realm="Twilio API"'
    assert twilio.requests[0].credentials == credentials


@pytest.mark.parametrize(
    "path",
    ["/2010-04-01/Accounts/AC1/Messages.json", "/2010-04-01/Faxes.json", "/", "/Messages.json"],
)
async def test_an_unknown_path_or_account_is_not_found(
    client: httpx.AsyncClient, twilio: FakeTwilio, path: str
) -> None:
    response = await client.post(f"{twilio.url}{path}", data=MESSAGE)

    assert (response.status_code, response.json()["code"]) == (404, 20404)


@pytest.mark.parametrize(
    ("code", "status"), [(20003, 401), (20429, 429), (20500, 500), (30006, 400)]
)
async def test_it_rejects_requests_with_any_code(
    client: httpx.AsyncClient, twilio: FakeTwilio, code: int, status: int
) -> None:
    twilio.behavior = rejects(code)

    response = await client.post("/Messages.json", data=MESSAGE)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert twilio.messages == [MESSAGE]


async def test_form_fields_are_kept_in_order_with_duplicates_and_blanks(
    client: httpx.AsyncClient, twilio: FakeTwilio
) -> None:
    await client.post(
        "/Calls.json", content="To=&StatusCallbackEvent=ringing&StatusCallbackEvent=x"
    )

    [request] = twilio.requests
    assert request.fields == [
        ("To", ""),
        ("StatusCallbackEvent", "ringing"),
        ("StatusCallbackEvent", "x"),
    ]
    assert request.credentials == (twilio.account_sid, twilio.auth_token)


FORMS = [
    [("CallSid", "CA1"), ("From", "+14155550001"), ("Digits", "1")],
    [("Body", "a & b = c + नमस्ते"), ("Blank", "")],
    [],
]


@pytest.mark.parametrize("fields", FORMS)
@pytest.mark.parametrize("query", ["", "?visit=1&node=menu%20one", "?b=2&a=1"])
def test_the_twilio_package_accepts_signatures_of_forms(
    twilio: FakeTwilio, receiver: WebhookReceiver, fields: list[tuple[str, str]], query: str
) -> None:
    response = twilio.post_webhook(f"{receiver.url}/voice{query}", fields)

    assert (response.status, response.media_type, response.text) == (
        200,
        "text/xml",
        TWIML.decode(),
    )
    assert receiver.received[0].path == f"/voice{query}"
    assert parse_qsl(receiver.body, keep_blank_values=True) == fields
    validator = RequestValidator(twilio.auth_token)
    assert validator.validate(f"{receiver.url}/voice{query}", dict(fields), receiver.signature)
    assert not validator.validate(f"{receiver.url}/voice", {"Digits": "2"}, receiver.signature)
    assert not RequestValidator("other").validate(
        f"{receiver.url}/voice{query}", dict(fields), receiver.signature
    )


def test_a_webhook_can_be_signed_for_another_public_url(
    twilio: FakeTwilio, receiver: WebhookReceiver
) -> None:
    public_url = "https://service.example/voice?visit=1"

    twilio.post_webhook(f"{receiver.url}/voice?visit=1", FORMS[0], public_url=public_url)

    assert RequestValidator(twilio.auth_token).validate(
        public_url, dict(FORMS[0]), receiver.signature
    )


@pytest.mark.parametrize("query", ["", "?visit=1"])
def test_the_twilio_package_accepts_signatures_of_json(
    receiver: WebhookReceiver, query: str
) -> None:
    url = f"{receiver.url}/events{query}"

    post_json_webhook(url, {"one": "नमस्ते"}, token="token")

    assert receiver.media_type == "application/json"
    signed_url = add_body_hash(url, receiver.body)
    assert receiver.url + receiver.received[0].path == signed_url
    validator = RequestValidator("token")
    assert validator.validate(signed_url, receiver.body, receiver.signature)
    assert not validator.validate(signed_url, receiver.body + " ", receiver.signature)


def test_the_documented_example_has_the_documented_signature(receiver: WebhookReceiver) -> None:
    # https://www.twilio.com/docs/usage/security#explore-the-algorithm-yourself
    fields = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]
    public_url = "https://mycompany.com/myapp.php?foo=1&bar=2"

    post_webhook(receiver.url, fields, token="12345", public_url=public_url)

    assert receiver.signature == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


class ControlClient:
    """The control paths, as another process uses them."""

    def __init__(self, twilio: FakeTwilio) -> None:
        self.client = httpx.Client(base_url=f"{twilio.url}/fake-twilio", **PLAIN_HTTP)

    def set_behavior(self, **options: object) -> int:
        return self.client.put("/behavior", json=options).status_code


@pytest.fixture
def control(twilio: FakeTwilio) -> Iterator[ControlClient]:
    control = ControlClient(twilio)
    with control.client:
        yield control


async def test_another_process_can_set_the_behavior(
    twilio: FakeTwilio, control: ControlClient, client: httpx.AsyncClient
) -> None:
    for options, status in (
        ({"kind": "reject", "code": 21610}, 400),
        ({"kind": "reject", "code": 20500, "status": 503}, 503),
        ({"kind": "respond", "status": 200, "body": "rubbish"}, 200),
        ({"kind": "delay", "seconds": 0.01}, 201),
        ({"kind": "normal"}, 201),
    ):
        assert control.set_behavior(**options) == 200
        assert (await client.post("/Messages.json", data=MESSAGE)).status_code == status

    for kind in ("hang_up", "hang_up_on_the_head", "break_off"):
        control.set_behavior(kind=kind)
        with pytest.raises(httpx.TransportError):
            await client.post("/Messages.json", data=MESSAGE)

    for kind in ("hang", "stall", "drip"):
        control.set_behavior(kind=kind)
        assert twilio.behavior is not twilio.respond

    assert control.set_behavior(kind="something else") == 400
    assert control.client.get("/nothing").status_code == 404


def test_another_process_can_read_requests_and_post_webhooks(
    twilio: FakeTwilio, control: ControlClient, receiver: WebhookReceiver
) -> None:
    httpx.post(f"{twilio.url}/anything", data=MESSAGE, **PLAIN_HTTP)

    [request] = control.client.get("/requests").json()
    assert dict(request["fields"]) == MESSAGE
    assert request["credentials"] is None

    options = {"url": f"{receiver.url}/voice", "fields": FORMS[0]}
    response = control.client.post("/webhooks", json=options).json()
    assert response == {"status": 200, "media_type": "text/xml", "text": TWIML.decode()}
    validator = RequestValidator(twilio.auth_token)
    assert validator.validate(f"{receiver.url}/voice", dict(FORMS[0]), receiver.signature)
    assert twilio.requests == twilio.requests[:1]


async def test_closing_the_server_ends_requests_that_hang(
    twilio: FakeTwilio, client: httpx.AsyncClient
) -> None:
    twilio.behavior = behaviors.never_respond
    request = asyncio.create_task(client.post("/Messages.json", data=MESSAGE))
    await asyncio.to_thread(twilio.wait_for_requests)

    twilio.close()

    with pytest.raises(httpx.RemoteProtocolError):
        await request
    with pytest.raises(httpx.ConnectError):
        await client.get("/Messages.json")


def test_the_command_prints_the_environment_and_all_requests(twilio: FakeTwilio) -> None:
    command = [sys.executable, "-m", "tests.support.servers.fake_twilio"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        exported = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        assert exported.keys() == twilio.environ.keys()

        account = exported["TWILIO_ACCOUNT_SID"]
        response = httpx.post(
            f"{exported['TWILIO_API_BASE']}/2010-04-01/Accounts/{account}/Messages.json",
            data=MESSAGE,
            auth=(account, exported["TWILIO_AUTH_TOKEN"]),
            **PLAIN_HTTP,
        )
        assert json.loads(response.text)["status"] == "queued"
        assert process.stdout.readline().startswith("POST /2010-04-01/")
        shown = [process.stdout.readline().strip() for _ in MESSAGE]
        assert shown == [f"{name}: {value}" for name, value in MESSAGE.items()]
        process.kill()
