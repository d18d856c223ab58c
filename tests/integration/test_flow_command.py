"""`dialtone flow` as an operator uses it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from adapters.flows import load_call_flow
from domain.phone import PhoneNumber
from domain.voice.walk import Caller, CallerIdentity
from entrypoints.flow_trial import try_flow

PROJECT: Final = Path(__file__).parents[2]
MAIN: Final = "import sys; from entrypoints.cli import main; sys.exit(main())"
PHONE: Final = PhoneNumber("+14155552671")


def run(
    folder: Path, *arguments: str, stdin: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", MAIN, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(PROJECT), "PATH": os.environ["PATH"], **variables},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def call(*lines: str, identity: CallerIdentity = CallerIdentity.UNKNOWN) -> list[str]:
    inputs: Iterator[str] = iter(lines)
    flow = load_call_flow(None, "Demo")
    return list(try_flow(flow, Caller(PHONE, identity), lambda: next(inputs, None)))


@pytest.mark.parametrize(
    ("lines", "identity", "expected"),
    [
        (["1", "answered"], "unknown", "* the caller is registered"),
        (["no"], "unknown", "[not_joined]"),
        (["", "", ""], "unknown", "The call has ended: gave_up."),
        (["/hangup"], "unknown", "You have hung up."),
        ([], "unknown", "You have hung up."),
        (["1", "nonsense", "busy", "2"], "verified", "Type how the operator's call ends"),
        (["1", "BUSY", "1", "I like it"], "verified", "* the reference of the recording is kept"),
        (["3", ""], "verified", "[goodbye]"),
        (["2"], "verified", "* the caller's number is called back with a code"),
        (["leave", "yes"], "unverified", "* the unverified identity is deleted"),
        (["leave", "yes"], "verified", "* a message is sent that says how to leave"),
    ],
)
def test_a_flow_is_walked_as_a_caller_does(lines: list[str], identity: str, expected: str) -> None:
    output = call(*lines, identity=CallerIdentity(identity))

    assert any(line.startswith(expected) for line in output), output
    assert output[-1].startswith(("The call has ended", "You have hung up"))


def test_a_flow_is_tried_on_the_terminal(tmp_path: Path) -> None:
    result = run(tmp_path, "flow", "try", "--phone", "+919876543210", stdin="2\n")

    assert result.returncode == 0, result.stderr
    assert "आप नहीं जुड़े हैं" in result.stdout


def test_closed_input_hangs_up(tmp_path: Path) -> None:
    command = f'"{sys.executable}" -c "{MAIN}" flow try <&-'
    environment = {"PYTHONPATH": str(PROJECT), "PATH": os.environ["PATH"]}
    output = subprocess.check_output(
        ["/bin/sh", "-c", command], cwd=tmp_path, env=environment, text=True
    )

    assert output.endswith("You have hung up.\n")


def test_a_flow_is_drawn(tmp_path: Path) -> None:
    assert run(tmp_path, "flow", "draw").stdout.startswith("flowchart TD\n")


def test_problems_of_a_flow_are_printed_one_on_a_line(tmp_path: Path) -> None:
    (tmp_path / "flow.toml").write_text('default_locale = "en"\n')

    of_file = run(tmp_path, "flow", "check", "flow.toml")
    of_setting = run(tmp_path, "check-settings", DIALTONE_CALL_FLOW="flow.toml")

    assert (of_file.returncode, of_setting.returncode) == (1, 1)
    assert "flow.toml, nodes: there is none; add a table [nodes.NAME]." in of_file.stderr
    assert of_setting.stderr.startswith("DIALTONE_CALL_FLOW: ")
    assert len(of_file.stderr.splitlines()) == len(of_setting.stderr.splitlines()) == 4


def test_a_valid_flow_is_reported(tmp_path: Path) -> None:
    result = run(tmp_path, "flow", "check")

    assert result.stdout == "The call flow is valid: 21 nodes; locales: en, hi, es.\n"
