"""The extension of docs/features.md, installed beside a service that runs with it."""

import base64
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import httpx
import pytest

from tests.support.client import bearer, open_client, open_session
from tests.support.markdown import blocks_in, page
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.process import free_ports
from tests.support.service import Service

PHONE: Final = "+14155592671"
PATH: Final = "/acme/note"
EXTENSION: Final = "acme_notes.feature:ACME_NOTES"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The folder where the package of the page is installed."""
    (source := tmp_path / "source").mkdir()
    target = tmp_path / "installed"
    text = page("docs/features.md")
    (project,), (feature, http) = blocks_in("toml", text), blocks_in("python", text)
    (source / "pyproject.toml").write_text(project, encoding="utf-8")
    package = source / "acme_notes"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "feature.py").write_text(feature, encoding="utf-8")
    (package / "http.py").write_text(http, encoding="utf-8")
    pip = [sys.executable, "-I", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    arguments = ["--no-build-isolation", "--disable-pip-version-check", f"--target={target}"]
    subprocess.run([*pip, *arguments, str(source)], check=True)
    return target


@pytest.fixture
def service(installed: Path, tmp_path: Path) -> Iterator[Service]:
    (port,) = free_ports(1)
    environ = {
        "PYTHONPATH": str(installed),
        "DIALTONE_EXTENSIONS": EXTENSION,
        "DIALTONE_METRICS_BIND": f"127.0.0.1:{port}",
        "DIALTONE_ACME_NOTE_LENGTH": "9",
    }
    service = Service(tmp_path / "service", environ).start()
    yield service
    service.stop()


def log_in(http: httpx.Client, service: Service) -> dict[str, Any]:
    """Sign in, and return the response, which has a refresh token."""
    tokens = open_session(service, PHONE, refresh=True)
    http.headers.update(bearer(tokens["access_token"]))
    return tokens


def claims_of(tokens: dict[str, Any]) -> Any:
    payload = tokens["access_token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=="))


def stored_notes(service: Service) -> list[str]:
    """Return the ids of the notes in the database."""
    with closing(sqlite3.connect(service.folder / "dialtone.db")) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM x_acme_notes")]


def test_its_setting_path_claim_metric_part_of_an_export_and_end_with_the_account(
    service: Service,
) -> None:
    with open_client(service) as http:
        assert http.get(PATH).status_code == 401
        tokens = log_in(http, service)
        assert claims_of(tokens)["x"] == {"acme_notes": {"has_note": False}}
        assert http.get(PATH).json() == {"text": ""}
        invalid = http.put(PATH, json={"text": 1, "more": 2})
        assert {*invalid.json()["errors"]} == {"text", "more"}
        too_long = http.put(PATH, json={"text": "Call Asha."}).json()
        assert too_long["errors"] == {"text": ["Must have at most 9 characters."]}

        assert http.put(PATH, json={"text": "Call Asha"}).json() == {"text": "Call Asha"}

        assert http.get(PATH).json() == {"text": "Call Asha"}
        refreshed = http.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert claims_of(refreshed.json())["x"] == {"acme_notes": {"has_note": True}}
        assert {*http.get("/openapi.json").json()["paths"][PATH]} == {"get", "put"}
        with ZipFile(BytesIO(http.get("/users/me/export").content)) as archive:
            assert json.loads(archive.read("note.json")) == {"text": "Call Asha"}
        assert len(stored_notes(service)) == 1
        assert http.delete("/users/me").is_success
        assert stored_notes(service) == []
    bind = service.settings["DIALTONE_METRICS_BIND"]
    metrics = httpx.get(f"http://{bind}/metrics", timeout=20, **PLAIN_HTTP).text
    assert "\ndialtone_acme_notes_written_total 1.0\n" in metrics
