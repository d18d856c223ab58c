"""Whatever fails, a caller hears something, and the provider gets valid markup."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from application.ports.errors import StorageUnavailable
from domain.features.voice.instructions import HangUp, Say, Voice
from tests.integration.entrypoints.http.features.voice.webhooks import (
    CALL_PATHS,
    CALLER,
    FORM,
    REPORT_PATHS,
    WebhookDriver,
    open_webhooks,
)
from tests.support import twiml

ANSWERS = ("answer_call", "answer_code_call")
REPORTS = ("record_call_status", "keep_recording", "record_message_status")
SECRET = f"{CALLER} has the code 123456"


class Failing:
    """A use case that fails, with a text that no log may have."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def __call__(self, *_: Any, **__: Any) -> Any:
        raise self._error

    def apologize(self, _: Any) -> Any:
        return Say("Sorry, something went wrong.", Voice("en-US")), HangUp()


async def assert_apologizes(driver: WebhookDriver, path: str) -> list[Any]:
    with capture_logs() as logs:
        response = await driver.post(path)
    assert response.status_code == 200
    document = twiml.validate(response.text)
    assert [verb.tag for verb in document] == ["Say", "Hangup"]
    assert "something went wrong" in (document[0].text or "")
    assert SECRET not in str([{**line, "exc_info": None} for line in logs])
    return [line for line in logs if line["log_level"] == "error"]


@pytest.mark.parametrize(
    "error", [RuntimeError(SECRET), StorageUnavailable("the disk is gone")], ids=["bug", "disk"]
)
async def test_an_unforeseen_error_is_an_apology_and_an_error_in_the_log(error: Exception) -> None:
    failing = Failing(error)
    async with open_webhooks(use_cases=dict.fromkeys(ANSWERS, failing)) as driver:
        for path in CALL_PATHS[:3]:
            (line,) = await assert_apologizes(driver, path)
            assert (line["event"], line["error"]) == ("call_failed", type(error).__name__)


async def test_a_report_is_repeated_after_a_503() -> None:
    failing = Failing(StorageUnavailable("the disk is gone"))
    form = [*FORM, ("RecordingSid", "RE" + "1" * 32), ("MessageStatus", "sent")]
    async with open_webhooks(use_cases=dict.fromkeys(REPORTS, failing)) as driver:
        for path in REPORT_PATHS:
            response = await driver.post(path, form)

            assert response.status_code == 503
            assert response.headers["retry-after"]
