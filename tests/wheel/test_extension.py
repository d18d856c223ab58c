"""An extension of its own distribution, beside the wheel: tests/wheel/acme_profile."""

import base64
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from shutil import copytree
from typing import Any, Final
from zipfile import ZipFile

import httpx
import pytest

from tests.support.plain_http import PLAIN_HTTP
from tests.support.service import REASON, Service
from tests.wheel.conftest import PROJECT, Venv, check_run

pytestmark = pytest.mark.timeout(600)  # the first test waits for an installation
SOURCE: Final = PROJECT / "tests/wheel/acme_profile"
PHONE: Final = "+14155592671"
STRANGER: Final = "+14155592672"
PATH: Final = "/x/acme_profile/profile"
EXTENSION: Final = {"DIALTONE_EXTENSIONS": "acme_profile.extension:feature"}
PROFILE: Final = {"display_name": "Asha", "city": "Pune", "birthday": "1990-04-01"}


@pytest.fixture(scope="module")
def environment(base: Venv, tmp_path_factory: pytest.TempPathFactory) -> Venv:
    """An environment with the wheel, and with that of the extension."""
    folder = tmp_path_factory.mktemp("acme")
    source = copytree(SOURCE, folder / "source")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    check_run([*build, "--no-index", f"--wheel-dir={folder}", source])
    (built,) = folder.glob("acme_profile-*.whl")
    environment = base.extend(folder / "venv")
    environment.install_alone(built)
    return environment


@pytest.fixture
def service(environment: Venv, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = make_service(environment, tmp_path_factory.mktemp("service")).start()
    yield service
    service.stop()


def make_service(environment: Venv, folder: Path, **settings: str) -> Service:
    main = "import sys; from entrypoints.commands.cli import main; sys.exit(main())"
    program = [str(environment.python), "-I", "-c", main]
    return Service(folder, {**EXTENSION, **settings}, program=program)


def log_in(service: Service, phone: str) -> dict[str, Any]:
    """Return the response of a login with a refresh token."""
    with httpx.Client(base_url=service.url, timeout=20, **PLAIN_HTTP) as http:
        http.post("/auth/request-otp", json={"phone": phone})
        code = {"phone": phone, "otp": service.code(phone), "refresh": True}
        tokens: dict[str, Any] = http.post("/auth/verify-otp", json=code).json()
        return tokens


def client(service: Service, tokens: dict[str, Any]) -> httpx.Client:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return httpx.Client(base_url=service.url, timeout=20, headers=headers, **PLAIN_HTTP)


def claims_of(tokens: dict[str, Any]) -> Any:
    payload = tokens["access_token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=="))


def profiles_of(service: Service) -> list[str]:
    """Return the ids of the profiles in the database."""
    with closing(sqlite3.connect(service.folder / "dialtone.db")) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM x_acme_profile_profiles")]


def test_it_lives_from_its_first_record_to_a_service_without_it(
    service: Service, environment: Venv
) -> None:
    write_show_export_and_claim(service)
    delete_with_the_account(service)
    start_without_it(service, environment)


def write_show_export_and_claim(service: Service) -> None:
    tokens = log_in(service, PHONE)
    assert "x" not in claims_of(tokens)
    with client(service, tokens) as http:
        missing = http.get(PATH)
        assert (missing.status_code, missing.json()["code"]) == (404, "acme_profile_not_found")
        invalid = http.put(PATH, json={"display_name": "", "birthday": "yesterday"})
        assert {*invalid.json()["errors"]} == {"display_name", "birthday"}
        assert http.get(PATH, headers={"Authorization": "Bearer x"}).status_code == 401
        foreign = http.put(PATH, json=PROFILE, headers={"Origin": "https://evil.example"})
        assert foreign.json()["code"] == "origin_not_allowed"

        assert http.put(PATH, json=PROFILE).status_code == 200

        assert http.get(PATH).json().items() >= PROFILE.items()
        assert {*http.get("/openapi.json").json()["paths"][PATH]} == {"get", "put"}
        with ZipFile(BytesIO(http.get("/users/me/export").content)) as archive:
            exported = json.loads(archive.read("x/acme_profile/profile.json"))
        assert exported.items() >= PROFILE.items()
        refreshed = http.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert claims_of(refreshed.json())["x"] == {"acme_profile": {"name": "Asha"}}
    with client(service, log_in(service, STRANGER)) as http:
        assert http.get(PATH).status_code == 404
    shown = service.run("x", "acme_profile", "show", PHONE)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "display_name: Asha" in shown.stdout


def delete_with_the_account(service: Service) -> None:
    (user_id,) = profiles_of(service)
    deleted = service.run("user", "delete", PHONE, "--yes", *REASON)
    assert deleted.returncode == 0, deleted.stderr
    assert profiles_of(service) == []
    # As if the process had been killed in between: the cleanup deletes it.
    record = {"schema_version": 1, "id": user_id, "display_name": "Asha", "updated_at": ""}
    with closing(sqlite3.connect(service.folder / "dialtone.db")) as connection, connection:
        connection.execute(
            "INSERT INTO x_acme_profile_profiles VALUES (?, 1, ?)", (user_id, json.dumps(record))
        )
    cleaned = service.run("cleanup")
    assert (cleaned.returncode, cleaned.stderr) == (0, "")
    assert profiles_of(service) == []


def test_a_setting_of_its_own_and_a_check_before_a_session(
    environment: Venv, tmp_path: Path
) -> None:
    variable = "DIALTONE_X_ACME_PROFILE_IS_CLOSED"
    wrong = make_service(environment, tmp_path / "wrong", **{variable: "maybe"})
    wrong.folder.mkdir()
    assert f"{variable}: Must be yes or no." in wrong.run("check-settings").stderr
    service = make_service(environment, tmp_path / "closed", **{variable: "yes"}).start()
    try:
        rejected = log_in(service, PHONE)
    finally:
        service.stop()
    assert rejected["code"] == "login_rejected"
    assert rejected["error"] == "This app is for people with an account."


def start_without_it(service: Service, environment: Venv) -> None:
    with client(service, log_in(service, "+14155592673")) as http:
        assert http.put(PATH, json=PROFILE).status_code == 200
    service.stop()
    without = make_service(environment, service.folder, DIALTONE_EXTENSIONS="")

    refused = without.run("run")

    assert refused.returncode == 1
    assert "x_acme_profile_profiles (extension acme_profile)" in refused.stderr
    command = "migrate --delete-records x_acme_profile_profiles"
    assert f"`dialtone {command}`" in refused.stderr
    assert without.run(*command.split(), "--yes").returncode == 0
    without.start().stop()
