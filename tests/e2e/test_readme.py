"""The README leads a newcomer to a login, a picture and a logout, with curl."""

import os
import subprocess
from pathlib import Path
from typing import Final

from tests.support.markdown import PROJECT, blocks_in, page
from tests.support.service import running

PHONE: Final = "+14155552671"


def test_the_commands_of_the_readme_sign_in_upload_and_sign_out(tmp_path: Path) -> None:
    _, _, first = page("README.md").partition("\n## Sign in\n")
    request, code, *rest = blocks_in("sh", first.partition("\n## Where to go\n")[0])
    assert f"PHONE={PHONE}\n" in request
    assert code == "CODE=123456\n"

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
