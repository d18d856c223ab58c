"""A call flow of an operator's own."""

import re
from pathlib import Path
from typing import Final

from tests.e2e.phone_line import OPERATOR, run_phone_line

PAGE: Final = (Path(__file__).parents[2] / "docs/call_flow.md").read_text(encoding="utf-8")
(FLOW,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
QUESTION: Final = "This is Chess Club. For an operator, say operator or press 1."


def test_a_caller_follows_the_documented_flow(tmp_path: Path, phone: str) -> None:
    flow = tmp_path / "flow.toml"
    flow.write_text(FLOW, encoding="utf-8")
    settings = {"DIALTONE_CALL_FLOW": str(flow), "DIALTONE_APP_NAME": "Chess Club"}
    with run_phone_line(tmp_path, settings) as line:
        call = line.call(phone)
        assert call.heard == [QUESTION]
        assert call.verb is not None
        assert call.verb.get("language") == "en-US"
        assert call.verb[0].get("voice") == "Polly.Joanna"

        call.speak("agent, please")

        assert (call.verb[0].text, call.heard[-1]) == (OPERATOR, "One moment.")
        call.end_dial("no-answer")
        assert (call.heard[-1], call.status) == ("Goodbye.", "completed")
