"""The stand-in's own paths, for who cannot hold it in hand: another process, or a person.

GET  /stand-in/sent          what it was sent
PUT  /stand-in/instruction   {"do": "refuse", "code": 21610}: what it does from now on
POST /stand-in/webhooks      {"url": …, "fields": [[name, value], …], "signed_as"?: …}
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from tests.support.servers import behaviours
from tests.support.servers.loopback import Behaviour, Exchange
from tests.support.servers.twilio_stand_in.refusals import JSON, refuses

if TYPE_CHECKING:
    from tests.support.servers.twilio_stand_in.stand_in import TwilioStandIn

PATH: Final = "/stand-in/"

_Wish = dict[str, Any]
INSTRUCTIONS: Final[dict[str, Callable[["TwilioStandIn", _Wish], Behaviour]]] = {
    "answer": lambda twilio, _: twilio.answer,
    "refuse": lambda _, wish: refuses(wish["code"], wish.get("status")),
    "say": lambda _, wish: behaviours.says(wish["status"], wish.get("body", "").encode()),
    "be_slow": lambda twilio, wish: behaviours.later(wish["seconds"], twilio.answer),
    "hang": lambda *_: behaviours.hangs,
    "hang_up": lambda *_: behaviours.hangs_up,
    "hang_up_on_the_head": lambda *_: behaviours.hangs_up_on_the_head,
    "break_off": lambda _, wish: behaviours.breaks_off(wish.get("status", 201), b"{}" * 100),
    "stall": lambda _, wish: behaviours.stalls(wish.get("status", 201), b"{}" * 100),
    "drip": lambda _, wish: behaviours.drips(wish.get("status", 201)),
}


def serve(twilio: "TwilioStandIn", exchange: Exchange) -> None:
    """Do what the path is for."""
    wish = json.loads(exchange.body or b"{}")
    match exchange.asked.method, exchange.asked.path.removeprefix(PATH):
        case "GET", "sent":
            _say(exchange, 200, [{**asdict(one), "headers": None} for one in twilio.sent])
        case "PUT", "instruction" if wish.get("do") in INSTRUCTIONS:
            twilio.behaviour = INSTRUCTIONS[wish["do"]](twilio, wish)
            _say(exchange, 200, wish)
        case "PUT", "instruction":
            _say(exchange, 400, {"do": sorted(INSTRUCTIONS)})
        case "POST", "webhooks":
            fields = [(name, value) for name, value in wish["fields"]]
            answer = twilio.post_webhook(wish["url"], fields, wish.get("signed_as"))
            _say(exchange, 200, asdict(answer))
        case _:
            _say(exchange, 404, {"see": __doc__})


def _say(exchange: Exchange, status: int, content: object) -> None:
    exchange.answer(status, json.dumps(content).encode(), JSON)
