"""The README leads a newcomer to a login, a picture and a logout, with curl, and to production."""

import json
import os
import subprocess
from pathlib import Path
from typing import Final

from tests.support.client import open_client
from tests.support.markdown import PROJECT, blocks_in, page
from tests.support.service import Service, command, running

PHONE: Final = "+14155552671"
FROM_ENV_FILE: Final = dict.fromkeys(
    ("DIALTONE_PUBLIC_URL", "DIALTONE_DATABASE", "DIALTONE_MEDIA", "DIALTONE_SECRETS_FILE"), ""
)


def test_the_commands_of_the_readme_sign_in_upload_and_sign_out(tmp_path: Path) -> None:
    start, _, first = page("README.md").partition("\n## Sign in\n")
    _, request, *_ = blocks_in("sh", start)
    values, *rest = blocks_in("sh", first.partition("\n## Where to go\n")[0])
    assert f'"phone": "{PHONE}"' in request
    assert values == f"API=http://127.0.0.1:8000\nPHONE={PHONE}\nCODE=123456\n"

    with running(tmp_path) as service:

        def run(script: str) -> str:
            start = f"API={service.url} PHONE={PHONE}\n"
            script = start + script.replace("http://127.0.0.1:8000", service.url)
            return subprocess.run(
                ["/bin/bash", "-e", "-u", "-o", "pipefail"],
                input=script,
                env={"PATH": os.environ["PATH"], "NO_PROXY": "*"},
                cwd=PROJECT,
                capture_output=True,
                text=True,
                check=True,
            ).stdout

        assert '"request_id":"' in run(request)
        shown = run(f"CODE={service.code(PHONE)}\n{''.join(rest)}")

    *_, status, after = shown.splitlines()
    assert '"username":"Rahul Sharma"' in shown
    urls = [line for line in shown.splitlines() if line.startswith(f"{service.url}/media/")]
    assert len(urls) == 2
    assert status == "204"
    assert '"code":"unauthenticated"' in after


def test_the_steps_of_the_readme_lead_to_production(tmp_path: Path) -> None:
    steps, *_ = blocks_in("sh", page("README.md").partition("\n## Production\n")[2])
    *before_the_start, start = steps.replace("$PWD/.venv/bin/dialtone", command()).splitlines()
    assert start == "$DIALTONE run"

    finished = subprocess.run(
        ["/bin/bash", "-e", "-u"],
        input="\n".join(before_the_start),
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr
    folder = tmp_path / "dialtone"
    key = json.loads((folder / "var" / "secrets.json").read_text())["otp_pepper"][0]["key"]
    assert key not in finished.stdout
    # The stop delay of production takes five seconds.
    service = Service(folder, {**FROM_ENV_FILE, "DIALTONE_STOP_DELAY": "0s"}).start()
    service.wait_until_logged("service_started")
    assert '"environment":"production"' in service.log
    with open_client(service) as http:
        assert 'data-keeps-token="false"' in http.get("/docs").text
        (server,) = http.get("/openapi.json").json()["servers"]
    assert server["url"].startswith("https://")
    assert service.stop() == 0
