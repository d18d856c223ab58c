"""The receivers of docs/hooks.md accept the requests that the service signs, and no others."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from adapters.shared.standard_webhooks import StandardWebhooks
from tests.support.markdown import blocks_in, page
from tests.support.servers.fake_hook import SECRET
from tests.support.servers.process import find_or_install

pytestmark = pytest.mark.slow

PAGE: Final = page("docs/hooks.md")
BODY: Final = b'{"id": "evt_1", "type": "user.updated", "user_id": "6561a2b0c3d4e5f60718293a"}'
OTHER_SECRET: Final = "whsec_" + "b3RoZXIg" * 4
_PRINT: Final = """
const { headers, body } = JSON.parse(process.argv[1]);
console.log(isSigned(headers, Buffer.from(body), process.argv[2]));
"""

IsSigned = Callable[[dict[str, str], bytes], bool]


def in_python(headers: dict[str, str], body: bytes) -> bool:
    names: dict[str, Any] = {}
    [code, _] = blocks_in("python", PAGE)
    exec(code, names)  # noqa: S102 -- the code of our page
    event = names["read_event"](headers, body, SECRET)
    return event is not None and event["type"] == "user.updated"


def in_javascript(headers: dict[str, str], body: bytes) -> bool:
    request = json.dumps({"headers": headers, "body": body.decode()})
    [code] = blocks_in("js", PAGE)
    node = str(find_or_install("node", "nodejs"))
    command = [node, "--input-type=module", "--eval", code + _PRINT]
    run = subprocess.run(
        [*command, request, SECRET], capture_output=True, text=True, check=True, timeout=60
    )
    return {"true\n": True, "false\n": False}[run.stdout]


@pytest.mark.parametrize("is_signed", [in_python, in_javascript])
def test_a_receiver_accepts_what_the_service_signs_and_nothing_else(is_signed: IsSigned) -> None:
    now = datetime.now(UTC)
    headers = StandardWebhooks([SECRET]).sign("evt_1", BODY, now)
    replaced = StandardWebhooks([OTHER_SECRET, SECRET]).sign("evt_1", BODY, now)
    by_others = StandardWebhooks([OTHER_SECRET]).sign("evt_1", BODY, now)
    old = StandardWebhooks([SECRET]).sign("evt_1", BODY, now - timedelta(minutes=6))

    assert is_signed(headers, BODY)
    assert is_signed(replaced, BODY)
    assert not is_signed(headers, BODY.replace(b"updated", b"deleted"))
    assert not is_signed({**headers, "webhook-id": "evt_2"}, BODY)
    assert not is_signed(by_others, BODY)
    assert not is_signed(old, BODY)
    assert not is_signed({}, BODY)
