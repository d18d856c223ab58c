"""`make test-adapter`, started as in a terminal."""

from pathlib import Path
from typing import Final

import pytest

from tests.support.adapter_runs import run_contract_tests
from tests.support.markdown import blocks_in, page

pytestmark = pytest.mark.slow

ACCEPTED: Final = "return DeliveryResult(DeliveryStatus.ACCEPTED)"


def test_the_author_gets_what_fails_and_what_is_not_proven(tmp_path: Path) -> None:
    examples = blocks_in("python", page("docs/adapters.md"))
    [adapter] = [example for example in examples if "def open_file_messenger" in example]
    wrong = adapter.replace(ACCEPTED, f"{ACCEPTED} if message.text else True")
    (tmp_path / "my_sms.py").write_text(wrong)
    environ = {"MY_SMS_FILE": str(tmp_path / "messages"), "MY_SMS_KEY": "key"}

    run = run_contract_tests(
        "my_sms:open_file_messenger", "messages", environ=environ, folder=tmp_path
    )

    assert run.returncode == 1, run.stdout + run.stderr
    assert "send returned True. A failure is a DeliveryResult" in run.stdout
    assert "no helper invalidate_number(): 1 unproven" in run.stdout
    assert "\nNot complete: " in run.stdout
    assert ", 8 unproven, 1 failed." in run.stdout
    assert "warning" not in run.stdout
