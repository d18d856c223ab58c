"""Secrets in files, as Kubernetes mounts them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.e2e.test_start import sign_in
from tests.support.forked_service import ForkedService
from tests.support.servers.fake_twilio import FakeTwilio

SETTINGS: Final = {
    "DIALTONE_PUBLIC_URL": "https://dialtone.example.org",
    "DIALTONE_SMS": "twilio",
    "DIALTONE_COUNTRIES": "US",
}
PHONE: Final = "+14155594101"


def mount(folder: Path, secrets: Mapping[str, str]) -> None:
    """Write a file for each key of a Kubernetes secret, which its group may read."""
    version = folder / "..2026_05_01"
    version.mkdir(parents=True)
    (folder / "..data").symlink_to(version.name)
    for name, text in secrets.items():
        path = version / name
        path.write_text(f"{text}\n")
        path.chmod(0o440)
        (folder / name).symlink_to(f"..data/{name}")


def test_secrets_are_in_files_and_a_warning_names_one_that_all_can_read(
    tmp_path: Path,
) -> None:
    secrets, service_folder = tmp_path / "secrets", tmp_path / "service"
    database = service_folder / "other.db"
    with FakeTwilio() as twilio:
        token = twilio.auth_token
        mount(secrets, {"token": token, "url": f"sqlite:///{database}"})
        (secrets / "token").chmod(0o444)
        files = {
            "TWILIO_AUTH_TOKEN_FILE": str(secrets / "token"),
            "DIALTONE_DATABASE_URL_FILE": str(secrets / "url"),
        }
        without = {"TWILIO_AUTH_TOKEN": "", "DIALTONE_DATABASE": ""}
        service = ForkedService(
            service_folder,
            {**twilio.environ, **SETTINGS, **files, **without},
            lambda phone: [form["Body"] for form in twilio.messages if form["To"] == phone],
        ).start()
        assert sign_in(service, PHONE)
        assert service.stop() == 0
        # The fake server checks the token.
        assert [created.form["To"] for created in twilio.sent] == [PHONE]

        found = service.run("user", "show", PHONE)

    events = [json.loads(line) for line in service.log.splitlines()]
    (warning,) = [event for event in events if event["event"] == "secret_file_exposed"]
    assert (warning["level"], warning["setting"]) == ("warning", "TWILIO_AUTH_TOKEN_FILE")
    assert f"chmod o-r {secrets}/token" in warning["reason"]
    # The commands use the database of the service.
    assert found.returncode == 0, found.stderr
    assert database.exists()
    assert token not in service.log + service.shown + found.stdout
