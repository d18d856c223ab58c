"""A service from the wheel without extras: SQLite, a folder and the terminal."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from entrypoints.opening.extras import EXTRAS
from entrypoints.version.distribution import describe_version, installed_version
from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import Service
from tests.wheel.conftest import PROJECT, Venv

pytestmark = pytest.mark.timeout(600)  # the first test waits for an installation
PHONE: Final = "+14155592671"
MISSING: Final = {
    "mongo": ("DIALTONE_DATABASE", {"DIALTONE_DATABASE": "mongodb://127.0.0.1/dialtone"}),
    "postgres": ("DIALTONE_DATABASE", {"DIALTONE_DATABASE": "postgresql://127.0.0.1/dialtone"}),
    "s3": (
        "DIALTONE_MEDIA",
        {
            "DIALTONE_MEDIA": "s3://dialtone/media",
            "AWS_ACCESS_KEY_ID": "an-id",
            "AWS_SECRET_ACCESS_KEY": "a-secret",
        },
    ),
    "twilio": (
        "DIALTONE_SMS",
        {
            "DIALTONE_SMS": "twilio",
            "DIALTONE_VOICE": "none",
            "DIALTONE_COUNTRIES": "US",
            "TWILIO_ACCOUNT_SID": f"AC{0:032x}",
            "TWILIO_AUTH_TOKEN": "a-token",
            "TWILIO_FROM": "+15005550006",
        },
    ),
    "metrics": ("DIALTONE_METRICS_BIND", {"DIALTONE_METRICS_BIND": "127.0.0.1:9464"}),
    "opentelemetry": (
        "DIALTONE_EXTENSIONS",
        {"DIALTONE_EXTENSIONS": "entrypoints.extensions.opentelemetry:feature"},
    ),
}
"""For each extra: settings that need it, and the variable that an error names."""


@pytest.fixture(scope="module")
def service(base: Venv, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("service"), program=[str(base.dialtone)]).start()
    yield service
    service.stop()


def test_no_library_of_an_extra_is_installed(base: Venv) -> None:
    assert EXTRAS.keys() == MISSING.keys()
    modules = [module for extra in EXTRAS.values() for module in (*extra, "pytest")]
    program = """
import importlib, sys

for module in sys.argv[1:]:
    try:
        importlib.import_module(module)
    except ModuleNotFoundError:
        continue
    print(module)
"""
    command = [str(base.python), "-I", "-c", program, *modules, "domain"]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert found.split() == ["domain"]


def test_a_user_signs_in_and_uploads_an_image(service: Service) -> None:
    with httpx.Client(base_url=service.url, timeout=20, **PLAIN_HTTP) as http:
        http.post("/auth/request-otp", json={"phone": PHONE})
        code = {"phone": PHONE, "otp": service.code(PHONE)}
        token = http.post("/auth/verify-otp", json=code).json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        user = http.post("/users", json={"username": "Rahul Sharma", "number": PHONE}).json()
        image = (PROJECT / "docs/images/example.jpg").read_bytes()
        uploaded = http.post(
            "/library/upload",
            data={"user_id": http.get("/users/me").json()["_id"], "category": "art"},
            files={"file": ("example.jpg", image)},
        )
        assert uploaded.status_code == 201, (user, uploaded.text)
        assert http.get(uploaded.json()["url"]).status_code == 200
    shown = service.run("user", "show", PHONE)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Rahul Sharma" in shown.stdout
    checked = service.run("check-settings", "--connect")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert service.run("--version").stdout == f"dialtone {describe_version()}\n"


@pytest.mark.parametrize("extra", MISSING)
def test_a_missing_extra_is_one_sentence_before_anything_is_created(
    base: Venv, tmp_path: Path, extra: str
) -> None:
    variable, environ = MISSING[extra]
    folder = tmp_path / "service"
    folder.mkdir()
    service = Service(folder, environ, program=[str(base.dialtone)])

    started, checked = service.run("run"), service.run("check-settings", "--connect")

    (error,) = [line for line in started.stderr.splitlines() if line.startswith("DIALTONE_")]
    assert error.startswith(f"{variable}: ")
    wheel = f"dialtone_server-{installed_version()}-py3-none-any.whl"
    assert error.endswith(f" needs the extra \"{extra}\": pip install './{wheel}[{extra}]'")
    assert "Traceback" not in started.stderr
    assert (started.returncode, checked.returncode) == (1, 1)
    assert error in checked.stdout + checked.stderr
    assert not [*folder.iterdir()]
