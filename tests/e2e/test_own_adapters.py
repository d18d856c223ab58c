"""Adapters of the operator's own, as docs/adapters.md walks through one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service

PROJECT = Path(__file__).parents[2]
FACTORY = "my_sms:open_file_messenger"


@pytest.fixture
def my_sms(tmp_path: Path) -> Path:
    """A folder that holds the document's example, as it stands there."""
    document = (PROJECT / "docs/adapters.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    (tmp_path / "my_sms.py").write_text(code)
    return tmp_path


def test_the_documents_example_sends_codes(my_sms: Path) -> None:
    texts = my_sms / "texts"
    service = Service(
        my_sms,
        {"DIALTONE_SMS": FACTORY, "DIALTONE_COUNTRIES": "US", "MY_SMS_FILE": str(texts)},
    ).start()
    phone = "+14155590010"
    with httpx.Client(base_url=service.url, **PLAIN_HTTP) as http:
        assert http.post("/auth/request-otp", json={"phone": phone}).status_code == 200
        code = re.search(r"\d{6}(?= is your)", texts.read_text())
        assert code is not None
        answer = {"phone": phone, "otp": code[0]}
        assert http.post("/auth/verify-otp", json=answer).json()["success"] is True
        elsewhere = http.post("/auth/request-otp", json={"phone": "+919876543210"})
        assert (elsewhere.status_code, set(elsewhere.json()["errors"])) == (400, {"phone"})
    assert service.stop() == 0


def test_the_documents_example_passes_the_suite_of_senders(my_sms: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.adapter_run", FACTORY, "-p", "no:cacheprovider"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(my_sms), "MY_SMS_FILE": str(my_sms / "texts")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "passed" in run.stdout
    assert "cannot be seen from outside" in run.stdout


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"DIALTONE_SMS": FACTORY}, "DIALTONE_COUNTRIES"),
        ({"DIALTONE_SMS": FACTORY, "DIALTONE_COUNTRIES": "US"}, "MY_SMS_FILE is not set"),
        ({"DIALTONE_SMS": "no.such:factory", "DIALTONE_COUNTRIES": "US"}, "no.such:factory"),
        ({"DIALTONE_DATABASE": "my_sms:nothing"}, "my_sms:nothing"),
        ({"DIALTONE_MEDIA": "my_sms:nothing"}, "my_sms:nothing"),
    ],
)
def test_what_cannot_be_opened_is_told_in_one_line(
    my_sms: Path, environ: dict[str, str], told: str
) -> None:
    refused = Service(my_sms, environ).run("run")
    assert refused.returncode in (1, 2)
    assert told in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("    yield None", "my_sms:open_file_messenger opens nothing"),
        ("    raise KeyError('tops3cret')\n    yield", "failed while it was opened (KeyError)"),
    ],
)
def test_a_factory_that_fails_is_told_by_its_setting_and_quotes_nothing(
    tmp_path: Path, code: str, told: str
) -> None:
    (tmp_path / "my_sms.py").write_text(
        "from contextlib import asynccontextmanager\n"
        f"@asynccontextmanager\nasync def open_file_messenger(environ):\n{code}\n"
    )
    environ = {"DIALTONE_SMS": FACTORY, "DIALTONE_COUNTRIES": "US"}
    refused = Service(tmp_path, environ).run("run")
    assert refused.returncode == 1
    assert "DIALTONE_SMS" in refused.stderr
    assert told in refused.stderr
    assert "tops3cret" not in refused.stderr
