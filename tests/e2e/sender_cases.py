"""What Twilio may do with a message, and what that means."""

import json
from collections.abc import Callable
from typing import Final, NamedTuple

from application.ports.messenger import Outcome
from tests.support.servers import behaviours
from tests.support.servers.behaviours import says
from tests.support.servers.loopback import Behaviour
from tests.support.servers.twilio_stand_in import TwilioStandIn, refuses

_ACCEPTED, _REFUSED = Outcome.ACCEPTED, Outcome.REFUSED
_UNKNOWN, _BAD_NUMBER = Outcome.UNKNOWN, Outcome.BAD_NUMBER
_NOT_MOBILE: Final = "This number gets no text messages; use the number of a mobile phone."
_FILTERED: Final = "The message service does not pass this message on."
_TOO_OFTEN: Final = "The message service is asked too often; try again shortly."
_UNAVAILABLE: Final = "The message service is unavailable; try again shortly."


class Case(NamedTuple):
    """What it does (`None`: nobody listens), the outcome, and the words of a refusal."""

    name: str
    does: Callable[[TwilioStandIn], Behaviour | None]
    outcome: Outcome
    words: str = ""


def _a_message(**fields: object) -> bytes:
    return json.dumps({"sid": "SM" + "0" * 32, "status": "queued", **fields}).encode()


def _refuses(code: int, outcome: Outcome, words: str) -> Case:
    return Case(str(code), lambda _: refuses(code), outcome, words)


def _does(name: str, behaviour: Behaviour | None, outcome: Outcome, words: str = "") -> Case:
    return Case(name, lambda _: behaviour, outcome, words)


def _leads_back(twilio: TwilioStandIn) -> Behaviour:
    path = f"/2010-04-01/Accounts/{twilio.account_sid}/Messages.json"
    return says(307, b"", {"Location": f"{twilio.url}{path}"})


CASES: Final = (
    Case("accepts", lambda twilio: twilio.answer, _ACCEPTED),
    Case("is slow", lambda twilio: behaviours.later(0.3, twilio.answer), _ACCEPTED),
    _refuses(21211, _BAD_NUMBER, "No phone has this number; check it."),
    _refuses(
        21610,
        _BAD_NUMBER,
        "This number has unsubscribed from these messages; answer START to one of them, or use"
        " another number.",
    ),
    _refuses(21612, _BAD_NUMBER, "Text messages do not reach this number; use another number."),
    _refuses(21614, _BAD_NUMBER, _NOT_MOBILE),
    _refuses(
        30003,
        _BAD_NUMBER,
        "The phone with this number is out of reach; switch it on, or use another number.",
    ),
    _refuses(30005, _BAD_NUMBER, "No carrier knows this number; check it, or use another number."),
    _refuses(30006, _BAD_NUMBER, _NOT_MOBILE),
    _refuses(30450, _BAD_NUMBER, "Text messages to this number are blocked; use another number."),
    _does(
        "gives the message up at once",
        says(201, _a_message(status="failed", error_code=30006)),
        _BAD_NUMBER,
        _NOT_MOBILE,
    ),
    _refuses(20003, _REFUSED, "The message service does not accept this service's credentials."),
    _refuses(20429, _REFUSED, _TOO_OFTEN),
    _refuses(21408, _REFUSED, "Text messages to this number's region are not enabled."),
    _refuses(30007, _REFUSED, _FILTERED),
    _refuses(30034, _REFUSED, _FILTERED),
    _does(
        "is not there", None, _REFUSED, "The message service cannot be reached; try again shortly."
    ),
    _does("429", says(429), _REFUSED, _TOO_OFTEN),
    _does("500", says(500), _REFUSED, _UNAVAILABLE),
    _does("503", says(503, b"<html>"), _REFUSED, _UNAVAILABLE),
    _does("504 of its own", refuses(20500, 504), _REFUSED, _UNAVAILABLE),
    _does("breaks a refusal off", behaviours.breaks_off(500, b"{}" * 9), _REFUSED, _UNAVAILABLE),
    Case(
        "leads elsewhere",
        _leads_back,
        _REFUSED,
        "What answers in the message service's place is something else.",
    ),
    _does("504 of a gateway", says(504, b"<html>"), _UNKNOWN),
    _does("says what cannot be read", says(201, b"<html>It works!</html>"), _UNKNOWN),
    _does("hangs up before it reads", behaviours.hangs_up_on_the_head, _UNKNOWN),
    _does("hangs up when it has read", behaviours.hangs_up, _UNKNOWN),
    _does("breaks its answer off", behaviours.breaks_off(201, _a_message()), _UNKNOWN),
)
