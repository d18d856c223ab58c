"""A call flow of an operator's own, and limits of calls."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.phone_line import OPERATOR, PhoneLine, in_sqlite, run_phone_line

VOICE_PAGE: Final = (Path(__file__).parents[2] / "docs/voice.md").read_text(encoding="utf-8")
(FLOW,) = re.findall(r"^```toml\n(.*?)^```$", VOICE_PAGE, re.MULTILINE | re.DOTALL)
QUESTION: Final = "This is Chess Club. For an operator, say operator or press 1."


@pytest.fixture(scope="module")
def own_line(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PhoneLine]:
    """A service with this flow, and two calls an hour for each caller."""
    folder: Path = tmp_path_factory.mktemp("own_flow")
    flow = folder / "flow.toml"
    flow.write_text(FLOW, encoding="utf-8")
    settings = {
        "DIALTONE_CALL_FLOW": str(flow),
        "DIALTONE_APP_NAME": "Chess Club",
        "DIALTONE_INBOUND_LIMIT_PER_CALLER": "2/1h",
    }
    with run_phone_line(request, folder, in_sqlite, settings) as line:
        yield line


def test_a_caller_follows_the_documented_flow(own_line: PhoneLine, phone: str) -> None:
    call = own_line.call(phone)
    assert call.heard == [QUESTION]
    assert call.verb is not None
    assert call.verb.get("language") == "en-US"
    assert call.verb[0].get("voice") == "Polly.Joanna"

    call.speak("agent, please")

    assert (call.verb[0].text, call.heard[-1]) == (OPERATOR, "One moment.")
    call.end_dial("no-answer")
    assert (call.heard[-1], call.status) == ("Goodbye.", "completed")
