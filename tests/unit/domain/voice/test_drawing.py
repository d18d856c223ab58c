"""The drawing of a call flow."""

from dataclasses import replace

from domain.voice.drawing import draw
from domain.voice.flow import (
    CallbackNode,
    DialNode,
    HangUpNode,
    LeaveNode,
    RecordNode,
    RegisterNode,
    SayNode,
)
from tests.support.call_flows import make_flow, make_locale, menu

LONG_TEXT = 'Say "yes" & press #1 <now>: this text is longer than one line'
DRAWING = """
flowchart TD
    unknown([unknown caller]) --> n_greet
    known([known caller]) --> n_start
    n_start{{"<b>start</b><br>question in en-US"}}
    n_start -->|"1: yes"| n_greet
    n_start -->|"2: no"| n_bye
    n_start -->|"no answer"| n_bye
    n_greet["<b>greet</b><br>Say #quot;yes#quot; #amp; press #35;1 #lt;now#gt;: this text is<br>longer than one line"]
    n_greet --> n_dial
    n_dial[["<b>dial: call the operator</b><br>tone in en-US"]]
    n_dial -->|"answered"| n_record
    n_dial -->|"busy"| n_bye
    n_dial -->|"no answer"| n_bye
    n_dial -->|"failed"| n_bye
    n_record[/"<b>record: record</b><br>tone in en-US"/]
    n_record --> n_join
    n_record -->|"silence"| n_bye
    n_join[["<b>join: consent, then join</b><br>consent in en-US"]]
    n_join --> n_leave
    n_join -->|"failed"| n_bye
    n_leave[["<b>leave: leave the service</b>"]]
    n_leave -->|"unverified: deleted"| n_call
    n_leave -->|"verified: not changed"| n_bye
    n_call(["<b>call: hang up, call back</b><br>bye in en-US"])
    n_call -->|"limit reached"| n_bye
    n_bye(["<b>bye: hang up</b>"])
"""  # noqa: E501 - Mermaid has no line continuation


def test_every_kind_of_node_is_drawn_with_its_text_and_targets() -> None:
    flow = make_flow(
        {
            "start": menu("greet"),
            "greet": SayNode("hello", "dial"),
            "dial": DialNode("tone", "record", "bye", "bye", "bye"),
            "record": RecordNode("tone", "join", "bye"),
            "join": RegisterNode("consent", "leave", "bye"),
            "leave": LeaveNode("call", "bye"),
            "call": CallbackNode("bye", "bye"),
            "bye": HangUpNode(),
        },
        unknown="greet",
    )
    locale = make_locale()
    locale = replace(locale, texts={**locale.texts, "hello": LONG_TEXT})

    assert draw(replace(flow, locales={"en": locale})) == DRAWING.strip()
