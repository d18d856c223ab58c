"""Production as the documentation describes it, and keys in an environment variable."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Final

from tests.support.client import me, open_client, sign_in
from tests.support.forked_service import ForkedService
from tests.support.markdown import PROJECT, blocks_in, page
from tests.support.service import Service, command

FROM_ENV_FILE: Final = dict.fromkeys(
    ("DIALTONE_PUBLIC_URL", "DIALTONE_DATABASE", "DIALTONE_MEDIA", "DIALTONE_SECRETS_FILE"), ""
)


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


def test_keys_in_a_variable_replace_the_file(tmp_path: Path) -> None:
    generated = ForkedService(tmp_path).run("keys", "generate", "-")
    assert generated.returncode == 0
    (line,) = generated.stdout.splitlines()
    key = json.loads(line)["refresh"][0]["key"]
    # As somebody may paste it: on several lines.
    secrets = json.dumps(json.loads(line), indent=2)
    service = ForkedService(tmp_path, {"DIALTONE_SECRETS": secrets, "DIALTONE_SECRETS_FILE": ""})
    service.start()
    token = sign_in(service, "+14155594001")
    with open_client(service) as http:
        jwks = http.get("/.well-known/jwks.json").json()
    assert [key["kid"] for key in jwks["keys"]] == [json.loads(line)["signing"][0]["id"]]
    assert me(service, token) == 404

    shown = service.run("check-settings").stdout
    rotation = service.run("keys", "rotate")
    assert service.stop() == 0

    assert re.search(r"DIALTONE_SECRETS +\(hidden\)", shown)
    assert rotation.returncode == 1
    assert "run this command with DIALTONE_SECRETS_FILE=FILE" in rotation.stderr
    assert not list(tmp_path.rglob("secrets.json"))
    assert all(key not in text for text in (shown, service.log, service.shown, rotation.stderr))
