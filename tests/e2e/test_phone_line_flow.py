"""A call flow of an operator's own, and limits of calls."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.phone_line import OPERATOR, PhoneLine, in_sqlite, run_phone_line

FLOW: Final = """
default_locale = "en"
unknown_caller = "hello"
known_caller = "question"

[nodes.hello]
kind = "say"
text = "hello"
next = "question"

[nodes.question]
kind = "menu"
text = "question"
choices = [
  { key = "0", words = "operator", next = "operator" },
  { key = "*", words = "join", next = "join" },
]
give_up = "bye"

[nodes.operator]
kind = "dial"
text = "connecting"
answered = "bye"
busy = "bye"
no_answer = "question"
failed = "bye"
timeout_seconds = 7
max_seconds = 99

[nodes.join]
kind = "register"
consent = "consent"
next = "bye"
failed = "bye"

[nodes.bye]
kind = "hang_up"
text = "goodbye"

[locales.en]
language = "en-GB"
voice = "Polly.Amy"
fillers = ["please"]

[locales.en.texts]
hello = "This is {app} & <Hangup/>."
question = "Operator or club?"
consent = "We write you down."
connecting = "One moment."
goodbye = "Bye."
apology = "Sorry."
code_greeting = "Press any key."
code_introduction = "Your code is"
code_repetition = "Again"

[locales.en.words]
operator = ["operator"]
join = ["club"]
"""


@pytest.fixture(scope="module")
def own_line(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PhoneLine]:
    """A service with this flow, and one call an hour for each caller."""
    folder: Path = tmp_path_factory.mktemp("own_flow")
    flow = folder / "flow.toml"
    flow.write_text(FLOW)
    settings = {
        "DIALTONE_CALL_FLOW": str(flow),
        "DIALTONE_APP_NAME": "Chess Club",
        "DIALTONE_INBOUND_LIMIT_PER_CALLER": "2/1h",
    }
    with run_phone_line(request, folder, in_sqlite, settings) as line:
        yield line


def test_a_caller_follows_the_operators_flow(own_line: PhoneLine, phone: str) -> None:
    call = own_line.call(phone)
    assert call.heard == ["This is Chess Club & <Hangup/>.", "Operator or club?"]
    assert call.verb is not None
    assert call.verb.get("language") == "en-GB"
    assert call.verb[0].get("voice") == "Polly.Amy"

    call.press("0")

    assert (call.verb[0].text, call.heard[-1]) == (OPERATOR, "One moment.")
    assert (call.verb.get("timeout"), call.verb.get("timeLimit")) == ("7", "99")
    call.end_dial("no-answer")
    call.speak("club, please")
    assert call.heard[-3:] == ["Operator or club?", "We write you down.", "Bye."]
    assert own_line.call(phone).heard == ["Operator or club?"]


def test_a_call_over_the_limit_is_rejected_and_leaves_no_record(
    own_line: PhoneLine, phone: str, other_phone: str
) -> None:
    calls = [own_line.call(phone) for _ in range(2)]
    records = own_line.records("calls")

    rejected = own_line.call(phone)

    assert (rejected.heard, rejected.status) == ([], "busy")
    assert "<Reject" in rejected.responses[0].text
    assert own_line.records("calls").keys() == records.keys()
    # A repeated request is not another call, and a call goes on.
    assert calls[0].repeat(0).text == calls[0].responses[0].text
    assert rejected.repeat(0).text == rejected.responses[0].text
    calls[0].press("*")
    assert calls[0].heard[-1] == "Bye."
    assert own_line.call(other_phone).heard != []
