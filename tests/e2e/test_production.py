"""Production as the README describes it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Final

from tests.support.client import open_client
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
