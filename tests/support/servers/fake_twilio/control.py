"""Paths that control the fake server from another process, or by hand.

GET  /fake-twilio/requests    all requests to the server
PUT  /fake-twilio/behavior    {"kind": "reject", "code": 21610}: the behavior from now on
POST /fake-twilio/webhooks    {"url": …, "fields": [[name, value], …], "public_url"?: …}
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from tests.support.servers import behaviors
from tests.support.servers.fake_twilio.errors import JSON, rejects
from tests.support.servers.http_server import Behavior, Exchange

if TYPE_CHECKING:
    from tests.support.servers.fake_twilio.server import FakeTwilio

PATH: Final = "/fake-twilio/"

_Options = dict[str, Any]
BEHAVIORS: Final[dict[str, Callable[["FakeTwilio", _Options], Behavior]]] = {
    "normal": lambda twilio, _: twilio.respond,
    "reject": lambda _, options: rejects(options["code"], options.get("status")),
    "respond": lambda _, options: behaviors.respond_with(
        options["status"], options.get("body", "").encode()
    ),
    "delay": lambda twilio, options: behaviors.delay(options["seconds"], twilio.respond),
    "hang": lambda *_: behaviors.never_respond,
    "hang_up": lambda *_: behaviors.close_connection,
    "hang_up_on_the_head": lambda *_: behaviors.close_before_body,
    "break_off": lambda _, options: behaviors.truncate(options.get("status", 201), b"{}" * 100),
    "stall": lambda _, options: behaviors.stall(options.get("status", 201), b"{}" * 100),
    "drip": lambda _, options: behaviors.drip(options.get("status", 201)),
}


def serve(twilio: "FakeTwilio", exchange: Exchange) -> None:
    """Respond to a request of a control path."""
    options = json.loads(exchange.body or b"{}")
    match exchange.request.method, exchange.request.path.removeprefix(PATH):
        case "GET", "requests":
            requests = [{**asdict(request), "headers": None} for request in twilio.requests]
            _respond(exchange, 200, requests)
        case "PUT", "behavior" if options.get("kind") in BEHAVIORS:
            twilio.behavior = BEHAVIORS[options["kind"]](twilio, options)
            _respond(exchange, 200, options)
        case "PUT", "behavior":
            _respond(exchange, 400, {"kind": sorted(BEHAVIORS)})
        case "POST", "webhooks":
            fields = [(name, value) for name, value in options["fields"]]
            response = twilio.post_webhook(options["url"], fields, options.get("public_url"))
            _respond(exchange, 200, asdict(response))
        case _:
            _respond(exchange, 404, {"help": __doc__})


def _respond(exchange: Exchange, status: int, content: object) -> None:
    exchange.respond(status, json.dumps(content).encode(), JSON)
