"""`dialtone flow` as an operator uses it."""

import subprocess
from pathlib import Path
from typing import Final

import pytest

from adapters.flows import read_call_flow
from domain.phone import PhoneNumber
from domain.voice.walk import ClaimedCaller
from entrypoints.commands.voice.flow_trial import try_flow
from tests.integration.test_voice_command import PHONE_LINE
from tests.support.forked_service import ForkedService
from tests.support.service import command

PHONE: Final = PhoneNumber("+14155552671")


@pytest.mark.parametrize(
    ("lines", "identity", "expected"),
    [
        (["1", "answered"], "unknown", "* the caller is registered"),
        (["no"], "unknown", "[not_joined]"),
        (["", "", ""], "unknown", "The call has ended: gave_up."),
        (["/hangup"], "unknown", "You have hung up."),
        ([], "unknown", "You have hung up."),
        (["1", "nonsense", "busy", "2"], "verified", "Type how the operator's call ends"),
        (["1", "BUSY", "1", "I like it"], "verified", "The call has ended: recorded."),
        (["2"], "verified", "* the caller's number is called back with a code"),
        (["leave", "yes"], "unverified", "The call has ended: left."),
        (["leave", "yes"], "verified", "The call has ended: leaving_explained."),
    ],
)
def test_a_flow_is_walked_as_a_caller_does(lines: list[str], identity: str, expected: str) -> None:
    identity_id = None if identity == "unknown" else "an identity"
    inputs, caller = iter(lines), ClaimedCaller(PHONE, identity_id, identity == "verified")
    output = list(try_flow(read_call_flow(None, "Demo"), caller, lambda: next(inputs, None)))

    assert any(line.startswith(expected) for line in output), output
    assert output[-1].startswith(("The call has ended", "You have hung up"))


@pytest.mark.parametrize(
    ("redirected", "shown"),
    [("<&-", "You have hung up."), ("<input", "आप नहीं जुड़े हैं")],
)
def test_a_flow_is_tried_on_the_terminal(tmp_path: Path, redirected: str, shown: str) -> None:
    (tmp_path / "input").write_text("2\n")
    output = subprocess.check_output(
        ["/bin/sh", "-c", f'"$0" flow try --phone +919876543210 {redirected}', command()],
        cwd=tmp_path,
        text=True,
    )

    assert shown in output


def test_a_flow_is_drawn_and_its_problems_are_printed_one_on_a_line(tmp_path: Path) -> None:
    (tmp_path / "flow.toml").write_text('default_locale = "en"\n')
    service = ForkedService(tmp_path)

    drawn = service.run("flow", "draw")
    of_file = service.run("flow", "check", "flow.toml")
    checked = service.run("flow", "check").stdout
    of_setting = ForkedService(tmp_path, PHONE_LINE | {"DIALTONE_CALL_FLOW": "flow.toml"}).run(
        "check-settings"
    )

    assert drawn.stdout.startswith("flowchart TD\n")
    assert "main_menu.choices: 'leave' (4) is inside 'leave feedback' (3)" in checked
    assert (of_file.returncode, of_setting.returncode) == (1, 2)
    assert "flow.toml, nodes: there is none; add a table [nodes.NAME]." in of_file.stderr
    assert of_setting.stderr.startswith("DIALTONE_CALL_FLOW: ")
    assert len(of_file.stderr.splitlines()) == len(of_setting.stderr.splitlines()) == 4
