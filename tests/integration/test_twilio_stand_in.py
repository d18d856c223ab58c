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
from tests.support.servers import behaviours
from tests.support.servers.behaviours import says
from tests.support.servers.loopback import Exchange, Loopback
from tests.support.servers.twilio_stand_in import TwilioStandIn, post_webhook, refuses
from tests.support.servers.twilio_stand_in.webhooks import post_json_webhook, with_hash

TO, FROM = "+14155550001", "+15005550006"
MESSAGE = {"To": TO, "From": FROM, "Body": "012345 is your code"}
CALL = {"To": TO, "From": FROM, "Url": "https://service.example/voice"}
TWIML = b"<Response/>"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def twilio() -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as twilio:
        yield twilio


@pytest.fixture
async def client(twilio: TwilioStandIn) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=f"{twilio.url}/2010-04-01/Accounts/{twilio.account_sid}",
        auth=(twilio.account_sid, twilio.auth_token),
        **PLAIN_HTTP,
    ) as client:
        yield client


class Service(Loopback):
    """Gets webhooks, and keeps what it got."""

    def __init__(self) -> None:
        super().__init__(says(200, TWIML, {"Content-Type": "text/xml"}))
        self.body = ""
        self.signature = ""
        self.media_type = ""

    def heard(self, exchange: Exchange) -> None:
        self.body = exchange.body.decode()
        self.signature = exchange.headers["X-Twilio-Signature"]
        self.media_type = exchange.headers["Content-Type"]


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as service:
        yield service


def documented(instance: object) -> set[str]:
    """The fields that the package reads, after Twilio's documentation."""
    names = {name.strip("_") for name in vars(instance)}
    return names - {"version", "solution", "context"}


async def test_a_message_has_every_documented_field(client: httpx.AsyncClient) -> None:
    answer = await client.post("/Messages.json", data=MESSAGE)

    message = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json"
    assert message.keys() >= documented(MessageInstance(None, message, "AC0"))
    assert re.fullmatch(r"SM[0-9a-f]{32}", message["sid"])
    assert (message["to"], message["from"], message["body"]) == tuple(MESSAGE.values())
    assert (message["status"], message["num_segments"]) == ("queued", "1")
    assert MessageInstance(None, message, "AC0").date_created is not None


async def test_a_message_by_a_service_has_no_sender_yet(client: httpx.AsyncClient) -> None:
    service = "MG" + "0" * 32
    form = {"To": TO, "MessagingServiceSid": service, "Body": "नमस्ते"}

    message = (await client.post("/Messages.json", data=form)).json()

    assert message["from"] is None
    assert message["messaging_service_sid"] == service
    assert (message["status"], message["num_segments"]) == ("accepted", "0")


async def test_a_call_has_every_documented_field(client: httpx.AsyncClient) -> None:
    answer = await client.post("/Calls.json", data=CALL)

    call = answer.json()
    assert answer.status_code == 201
    assert call.keys() >= documented(CallInstance(None, call, "AC0"))
    assert re.fullmatch(r"CA[0-9a-f]{32}", call["sid"])
    assert (call["to"], call["from"], call["status"]) == (TO, FROM, "queued")


async def test_an_account_has_every_documented_field(
    client: httpx.AsyncClient, twilio: TwilioStandIn
) -> None:
    url = f"{twilio.url}/2010-04-01/Accounts/{twilio.account_sid}.json"
    account = (await client.get(url)).json()

    assert account.keys() >= documented(AccountInstance(None, account))
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
async def test_what_twilio_refuses_is_refused_as_it_does(
    client: httpx.AsyncClient, what: str, form: dict[str, str], code: int
) -> None:
    answer = await client.post(f"/{what}.json", data=form)

    refusal = answer.json()
    assert answer.status_code == 400
    assert refusal.pop("message")
    assert refusal == {
        "code": code,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": 400,
    }


@pytest.mark.parametrize("credentials", [None, ("AC0", "no"), ("", "")])
async def test_a_stranger_is_told_to_authenticate(
    twilio: TwilioStandIn, credentials: tuple[str, str] | None
) -> None:
    async with httpx.AsyncClient(**PLAIN_HTTP) as stranger:
        url = f"{twilio.url}/2010-04-01/Accounts/{twilio.account_sid}/Messages.json"
        answer = await stranger.post(url, data=MESSAGE, auth=credentials or httpx.Auth())

    assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Twilio API"'
    assert twilio.sent[0].credentials == credentials


@pytest.mark.parametrize(
    "path",
    ["/2010-04-01/Accounts/AC1/Messages.json", "/2010-04-01/Faxes.json", "/", "/Messages.json"],
)
async def test_what_is_not_there_is_not_found(
    client: httpx.AsyncClient, twilio: TwilioStandIn, path: str
) -> None:
    answer = await client.post(f"{twilio.url}{path}", data=MESSAGE)

    assert (answer.status_code, answer.json()["code"]) == (404, 20404)


@pytest.mark.parametrize(
    ("code", "status"), [(20003, 401), (20429, 429), (20500, 500), (30006, 400)]
)
async def test_it_refuses_with_any_code_that_it_is_told(
    client: httpx.AsyncClient, twilio: TwilioStandIn, code: int, status: int
) -> None:
    twilio.behaviour = refuses(code)

    answer = await client.post("/Messages.json", data=MESSAGE)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert twilio.messages == [MESSAGE]


async def test_what_it_was_sent_is_kept_in_order_with_duplicates_and_blanks(
    client: httpx.AsyncClient, twilio: TwilioStandIn
) -> None:
    await client.post(
        "/Calls.json", content="To=&StatusCallbackEvent=ringing&StatusCallbackEvent=x"
    )

    [sent] = twilio.sent
    assert sent.fields == [
        ("To", ""),
        ("StatusCallbackEvent", "ringing"),
        ("StatusCallbackEvent", "x"),
    ]
    assert sent.credentials == (twilio.account_sid, twilio.auth_token)


FORMS = [
    [("CallSid", "CA1"), ("From", "+14155550001"), ("Digits", "1")],
    [("Body", "a & b = c + नमस्ते"), ("Blank", "")],
    [],
]


@pytest.mark.parametrize("fields", FORMS)
@pytest.mark.parametrize("query", ["", "?visit=1&node=menu%20one", "?b=2&a=1"])
def test_the_package_finds_its_webhooks_genuine(
    twilio: TwilioStandIn, service: Service, fields: list[tuple[str, str]], query: str
) -> None:
    answer = twilio.post_webhook(f"{service.url}/voice{query}", fields)

    assert (answer.status, answer.media_type, answer.text) == (200, "text/xml", TWIML.decode())
    assert service.asked[0].path == f"/voice{query}"
    assert parse_qsl(service.body, keep_blank_values=True) == fields
    genuine = RequestValidator(twilio.auth_token)
    assert genuine.validate(f"{service.url}/voice{query}", dict(fields), service.signature)
    assert not genuine.validate(f"{service.url}/voice", {"Digits": "2"}, service.signature)
    assert not RequestValidator("other").validate(
        f"{service.url}/voice{query}", dict(fields), service.signature
    )


def test_a_webhook_may_be_signed_for_the_address_that_the_world_sees(
    twilio: TwilioStandIn, service: Service
) -> None:
    world = "https://service.example/voice?visit=1"

    twilio.post_webhook(f"{service.url}/voice?visit=1", FORMS[0], signed_as=world)

    assert RequestValidator(twilio.auth_token).validate(world, dict(FORMS[0]), service.signature)


@pytest.mark.parametrize("query", ["", "?visit=1"])
def test_the_package_finds_its_json_genuine(service: Service, query: str) -> None:
    url = f"{service.url}/events{query}"

    post_json_webhook(url, {"one": "नमस्ते"}, token="token")

    assert service.media_type == "application/json"
    asked_for = with_hash(url, service.body)
    assert service.url + service.asked[0].path == asked_for
    genuine = RequestValidator("token")
    assert genuine.validate(asked_for, service.body, service.signature)
    assert not genuine.validate(asked_for, service.body + " ", service.signature)


def test_twilios_own_example_has_twilios_own_signature(service: Service) -> None:
    # https://www.twilio.com/docs/usage/security#explore-the-algorithm-yourself
    fields = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Principal", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]
    world = "https://mycompany.com/myapp.php?foo=1&bar=2"

    post_webhook(service.url, fields, token="12345", signed_as=world)

    assert service.signature == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


class Control:
    """The stand-in's own paths, as another process uses them."""

    def __init__(self, twilio: TwilioStandIn) -> None:
        self.client = httpx.Client(base_url=f"{twilio.url}/stand-in", **PLAIN_HTTP)

    def tell(self, **instruction: object) -> int:
        return self.client.put("/instruction", json=instruction).status_code


@pytest.fixture
def control(twilio: TwilioStandIn) -> Iterator[Control]:
    control = Control(twilio)
    with control.client:
        yield control


async def test_another_process_may_give_the_instructions(
    twilio: TwilioStandIn, control: Control, client: httpx.AsyncClient
) -> None:
    for instruction, status in (
        ({"do": "refuse", "code": 21610}, 400),
        ({"do": "refuse", "code": 20500, "status": 503}, 503),
        ({"do": "say", "status": 200, "body": "rubbish"}, 200),
        ({"do": "be_slow", "seconds": 0.01}, 201),
        ({"do": "answer"}, 201),
    ):
        assert control.tell(**instruction) == 200
        assert (await client.post("/Messages.json", data=MESSAGE)).status_code == status

    for what in ("hang_up", "hang_up_on_the_head", "break_off"):
        control.tell(do=what)
        with pytest.raises(httpx.TransportError):
            await client.post("/Messages.json", data=MESSAGE)

    for what in ("hang", "stall", "drip"):
        control.tell(do=what)
        assert twilio.behaviour is not twilio.answer

    assert control.tell(do="something else") == 400
    assert control.client.get("/nothing").status_code == 404


def test_another_process_may_see_what_was_sent_and_have_webhooks_posted(
    twilio: TwilioStandIn, control: Control, service: Service
) -> None:
    httpx.post(f"{twilio.url}/anything", data=MESSAGE, **PLAIN_HTTP)

    [sent] = control.client.get("/sent").json()
    assert dict(sent["fields"]) == MESSAGE
    assert sent["credentials"] is None

    wish = {"url": f"{service.url}/voice", "fields": FORMS[0]}
    answer = control.client.post("/webhooks", json=wish).json()
    assert answer == {"status": 200, "media_type": "text/xml", "text": TWIML.decode()}
    genuine = RequestValidator(twilio.auth_token)
    assert genuine.validate(f"{service.url}/voice", dict(FORMS[0]), service.signature)
    assert twilio.sent == twilio.sent[:1]


async def test_leaving_ends_whatever_hangs(
    twilio: TwilioStandIn, client: httpx.AsyncClient
) -> None:
    twilio.behaviour = behaviours.hangs
    asking = asyncio.create_task(client.post("/Messages.json", data=MESSAGE))
    await asyncio.to_thread(twilio.wait_until_asked)

    twilio.close()

    with pytest.raises(httpx.RemoteProtocolError):
        await asking
    with pytest.raises(httpx.ConnectError):
        await client.get("/Messages.json")


def test_by_hand_it_says_how_to_send_by_it_and_shows_what_comes(twilio: TwilioStandIn) -> None:
    command = [sys.executable, "-m", "tests.support.servers.twilio_stand_in"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        exported = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        assert exported.keys() == twilio.environ.keys()

        account = exported["TWILIO_ACCOUNT_SID"]
        answer = httpx.post(
            f"{exported['TWILIO_API_BASE']}/2010-04-01/Accounts/{account}/Messages.json",
            data=MESSAGE,
            auth=(account, exported["TWILIO_AUTH_TOKEN"]),
            **PLAIN_HTTP,
        )
        assert json.loads(answer.text)["status"] == "queued"
        assert process.stdout.readline().startswith("POST /2010-04-01/")
        shown = [process.stdout.readline().strip() for _ in MESSAGE]
        assert shown == [f"{name}: {value}" for name, value in MESSAGE.items()]
        process.kill()
