"""A fake of Meta's WhatsApp Cloud API, and its webhooks.

It speaks what these pages publish, below
https://developers.facebook.com/documentation/business-messaging/whatsapp:

- templates/authentication-templates/copy-code-button-authentication-templates: a message
- support/error-codes
- templates/time-to-live
- webhooks/create-webhook-endpoint: the handshake and signatures
- webhooks/reference/messages/status
"""

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import httpx

from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.http_server import Behavior, Exchange, HttpServer, respond_with

API_VERSION: Final = "v25.0"
_JSON: Final = {"Content-Type": "application/json"}
_STATUSES: Final = {4: 429, 10: 403, 190: 401, 80007: 429, 130429: 429, 131000: 500, 131016: 503}
_UNSUPPORTED: Final = 100
_NO_TEMPLATE: Final = 132001
_NOT_SENDABLE: Final = {"PAUSED": 132015, "DISABLED": 132016}


def a_template(language: str = "en_US", **fields: Any) -> dict[str, Any]:
    """Return an authentication template as Meta returns it: the button of a code is a URL."""
    url = "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}"
    button = {"type": "URL", "text": "Copy code", "url": url}
    return {
        "id": "594425479261596",
        "name": "sign_in_code",
        "language": language,
        "status": "APPROVED",
        "category": "AUTHENTICATION",
        "message_send_ttl_seconds": 300,
        "components": [
            {"type": "BODY", "text": "*{{1}}* is your verification code."},
            {"type": "FOOTER", "text": "…", "code_expiration_minutes": 5},
            {"type": "BUTTONS", "buttons": [button]},
        ],
        **fields,
    }


class FakeWhatsApp(HttpServer):
    """The Cloud API on a port of 127.0.0.1.

    - `behavior` replaces the published behavior.
    - `templates` are those of the business account; `page_size` is the most that one page has.
    - `errors` has the error code of each number that is rejected at once, such as 131026.
    - `sent` has the messages that were accepted, each with its id as `wamid`.
    """

    phone_number_id = "106540352242922"
    business_account_id = "102290129340398"
    access_token = "EAAJZCexampleexampleexample"
    app_secret = "0123456789abcdef0123456789abcdef"
    verify_token = "c2VjcmV0LXZlcmlmeS10b2tlbg"
    has_app = True
    page_size = 100

    def __init__(self) -> None:
        super().__init__(self.respond)
        self.environ = {
            "WHATSAPP_ACCESS_TOKEN": self.access_token,
            "WHATSAPP_PHONE_NUMBER_ID": self.phone_number_id,
            "WHATSAPP_BUSINESS_ACCOUNT_ID": self.business_account_id,
            "WHATSAPP_APP_SECRET": self.app_secret,
            "WHATSAPP_VERIFY_TOKEN": self.verify_token,
            "WHATSAPP_TEMPLATE": "sign_in_code",
            "WHATSAPP_API_BASE": self.url,
        }
        self.templates = [a_template()]
        self.errors: dict[str, int] = {}
        self.sent: list[dict[str, Any]] = []
        self._client = httpx.Client(timeout=15, **PLAIN_HTTP)

    def close(self) -> None:
        super().close()
        self._client.close()

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The bodies of all requests to send a message."""
        return [json.loads(each.body) for each in self.requests if each.path.endswith("/messages")]

    def respond(self, exchange: Exchange) -> None:
        """Respond as Meta documents it."""
        request = exchange.received
        url = urlsplit(request.path)
        query = dict(parse_qsl(url.query))
        number, account = self.phone_number_id, self.business_account_id
        match exchange.command, *url.path.split("/")[1:]:
            case _ if request.headers.get("Authorization") != f"Bearer {self.access_token}":
                rejects(190)(exchange)
            case "POST", version, id_, "messages" if (version, id_) == (API_VERSION, number):
                self._send_message(exchange, json.loads(request.body))
            case "GET", version, id_ if (version, id_) == (API_VERSION, number):
                _send(exchange, {"id": number})
            case "GET", version, id_, "message_templates" if (version, id_) == (
                API_VERSION,
                account,
            ):
                _send(exchange, self._list_templates(query))
            case "GET", version, id_, "subscribed_apps" if (version, id_) == (API_VERSION, account):
                app = {"whatsapp_business_api_data": {"id": "67084", "name": "Dialtone"}}
                _send(exchange, {"data": [app] if self.has_app else []})
            case _:
                rejects(_UNSUPPORTED)(exchange)

    def _send_message(self, exchange: Exchange, message: dict[str, Any]) -> None:
        number = str(message.get("to", "")).removeprefix("+")
        code = self.errors.get(number) or self._find_error(message)
        if code is not None:
            details = f"The message to {number} was not sent."
            return rejects(code, details=details)(exchange)
        wamid = make_message_id(number)
        self.sent.append({**message, "wamid": wamid})
        contact = {"input": message["to"], "wa_id": number}
        own = {"contacts": [contact], "messages": [{"id": wamid}]}
        return _send(exchange, {"messaging_product": "whatsapp", **own})

    def _find_error(self, message: dict[str, Any]) -> int | None:
        if message.get("messaging_product") != "whatsapp" or message.get("type") != "template":
            return _UNSUPPORTED
        wanted = message["template"]
        names = (wanted["name"], wanted["language"]["code"])
        found = [each for each in self.templates if (each["name"], each["language"]) == names]
        if not found or found[0]["status"] != "APPROVED":
            return _NOT_SENDABLE.get(found[0]["status"] if found else "", _NO_TEMPLATE)
        body, button = wanted["components"]
        is_button = (button["sub_type"], button["index"]) == ("url", "0")
        if len(body["parameters"]) != 1 or not is_button:
            return 132000
        texts = [each["parameters"][0]["text"] for each in (body, button)]
        return None if texts[0] == texts[1] and len(texts[0]) <= 15 else 132018

    def _list_templates(self, query: Mapping[str, str]) -> dict[str, Any]:
        named = [each for each in self.templates if query.get("name", "") in each["name"]]
        first = int(query.get("after", "0"))
        last = first + min(self.page_size, int(query.get("limit", "25")))
        fields = {"id", *query["fields"].split(",")}
        data = [{name: each[name] for name in each if name in fields} for each in named[first:last]]
        cursors = {"before": str(first), "after": str(last)}
        has_next = {"next": f"{self.url}/next"} if last < len(named) else {}
        return {"data": data, "paging": {"cursors": cursors, **has_next}}

    def report(self, *statuses: Mapping[str, Any], phone_number_id: str | None = None) -> bytes:
        """Return the body of a webhook with these statuses."""
        metadata = {
            "display_phone_number": "15550783881",
            "phone_number_id": phone_number_id or self.phone_number_id,
        }
        value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": statuses}
        return make_webhook({"field": "messages", "value": value})

    def post(self, url: str, body: bytes) -> httpx.Response:
        """Post a webhook to a URL of the service, signed."""
        headers = {**_JSON, "X-Hub-Signature-256": sign(self.app_secret, body)}
        return self._client.post(url, content=body, headers=headers)


def make_message_id(number: str) -> str:
    """Return an id of a message as Meta makes it: the number is in it."""
    own = uuid4().hex.upper()[:20].encode()
    content = b"\x1c\x18" + bytes([len(number)]) + number.encode()
    content += b"\x15\x02\x00\x12\x18" + bytes([len(own)]) + own + b"\x00"
    return f"wamid.{base64.b64encode(content).decode()}"


def a_status(
    message: Mapping[str, Any], status: str = "delivered", code: int | None = None
) -> dict[str, Any]:
    """Return the status of a message that was sent; a failed one has a code."""
    reported = {
        "id": message["wamid"],
        "status": status,
        "timestamp": "1750030073",
        "recipient_id": message["to"].removeprefix("+"),
    }
    if "biz_opaque_callback_data" in message:
        reported["biz_opaque_callback_data"] = message["biz_opaque_callback_data"]
    if code is not None:
        title, details = f"Error {code}", {"details": f"Details of {code}"}
        reported["errors"] = [
            {"code": code, "title": title, "message": title, "error_data": details}
        ]
    return reported


def make_webhook(*changes: Mapping[str, Any]) -> bytes:
    """Return the body of a webhook of a business account."""
    entry = {"id": FakeWhatsApp.business_account_id, "changes": changes}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def sign(secret: str, body: bytes) -> str:
    """Return the value of X-Hub-Signature-256."""
    return f"sha256={hmac.digest(secret.encode(), body, 'sha256').hex()}"


def handshake_url(url: str, verify_token: str, challenge: str = "1158201444") -> str:
    """Return the URL that Meta requests when the URL of a webhook is entered."""
    fields = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
    return f"{url}?{urlencode(fields)}"


def rejects(code: int, status: int | None = None, details: str = "") -> Behavior:
    """Reject every request with this error code of Meta."""
    error = {
        "message": f"(#{code}) Title of {code}",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details},
        "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam",
    }
    body = json.dumps({"error": error}).encode()
    return respond_with(status or _STATUSES.get(code, 400), body, _JSON)


def _send(exchange: Exchange, resource: Mapping[str, Any]) -> None:
    exchange.respond(200, json.dumps(resource).encode(), _JSON)


def reports(messages: Sequence[Mapping[str, Any]], status: str = "delivered") -> list[Any]:
    """Return the same status of several messages."""
    return [a_status(message, status) for message in messages]
