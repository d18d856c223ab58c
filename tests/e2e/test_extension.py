"""The extension of docs/extending.md, installed beside a service that runs with it."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import httpx
import jwt
import pytest

from tests.support.client import bearer, open_client, open_session
from tests.support.markdown import blocks_in, page
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.process import free_ports
from tests.support.service import Service

PATH: Final = "/acme/note"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The folder where the package of the page is installed."""
    package, target = tmp_path / "source" / "acme_notes", tmp_path / "installed"
    package.mkdir(parents=True)
    text = page("docs/extending.md")
    (project,), modules = blocks_in("toml", text), blocks_in("python", text)
    package.with_name("pyproject.toml").write_text(project, encoding="utf-8")
    (package / "__init__.py").write_text("")
    for name, module in zip(("feature", "notes", "http"), modules, strict=True):
        (package / f"{name}.py").write_text(module, encoding="utf-8")
    pip = [sys.executable, "-I", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    arguments = ["--no-build-isolation", "--disable-pip-version-check", f"--target={target}"]
    subprocess.run([*pip, *arguments, str(package.parent)], check=True)
    return target


def claims_of(tokens: dict[str, Any]) -> Any:
    return jwt.decode(tokens["access_token"], options={"verify_signature": False})["x"]


def test_its_setting_path_claim_metric_part_of_an_export_and_end_with_the_account(
    installed: Path, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    environ = {
        "PYTHONPATH": str(installed),
        "DIALTONE_EXTENSIONS": "acme_notes.feature:ACME_NOTES",
        "DIALTONE_METRICS_BIND": f"127.0.0.1:{port}",
        "DIALTONE_ACME_NOTE_LENGTH": "9",
    }
    service = Service(tmp_path / "service", environ).start()

    def count_notes() -> int:
        with closing(sqlite3.connect(service.folder / "dialtone.db")) as connection:
            return len(connection.execute("SELECT id FROM x_acme_notes").fetchall())

    with open_client(service) as http:
        assert http.get(PATH).status_code == 401
        tokens = open_session(service, "+14155592671", refresh=True)
        http.headers.update(bearer(tokens["access_token"]))
        assert claims_of(tokens) == {"acme_notes": {"has_note": False}}
        invalid = http.put(PATH, json={"text": 1, "more": 2})
        assert {*invalid.json()["errors"]} == {"text", "more"}
        too_long = http.put(PATH, json={"text": "Call Asha."}).json()
        assert too_long["errors"] == {"text": ["Must have at most 9 characters."]}

        assert http.put(PATH, json={"text": "Call Asha"}).json() == {"text": "Call Asha"}

        assert http.get(PATH).json() == {"text": "Call Asha"}
        refreshed = http.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert claims_of(refreshed.json()) == {"acme_notes": {"has_note": True}}
        assert {*http.get("/openapi.json").json()["paths"][PATH]} == {"get", "put"}
        with ZipFile(BytesIO(http.get("/users/me/export").content)) as archive:
            assert json.loads(archive.read("note.json")) == {"text": "Call Asha"}
        assert count_notes() == 1
        assert http.delete("/users/me").is_success
        assert count_notes() == 0
    metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=20, **PLAIN_HTTP).text
    assert "\ndialtone_acme_notes_written_total 1.0\n" in metrics
    assert service.stop() == 0
