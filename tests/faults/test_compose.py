"""The samples for Compose, read by Docker Compose or by docker-compose of Debian."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.deploy_samples import DEPLOY, parse_yaml
from tests.support.servers.process import find_or_install

FOLDER: Final = DEPLOY / "compose"
SERVER_NAME: Final = "api.example.net"


def compose() -> list[str]:
    """Return the command: the plug-in of Docker if it is there, or the older program."""
    if docker := shutil.which("docker"):
        version = [docker, "compose", "version"]
        if subprocess.run(version, capture_output=True, check=False).returncode == 0:
            return [docker, "compose"]
    return [str(find_or_install("docker-compose"))]


@pytest.mark.parametrize(
    ("database", "added"), [("sqlite", set()), ("postgresql", {"postgres"}), ("mongodb", {"mongo"})]
)
def test_compose_reads_the_files_of_each_database(
    database: str, added: set[str], tmp_path: Path
) -> None:
    # A folder without the .env of somebody who tries the samples.
    folder = tmp_path / "deploy/compose"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns(".env", "keys", "secrets", "tls"))
    text = (folder / "example.env").read_text()
    text = text.replace(":postgresql.yaml", f":{database}.yaml")
    (folder / ".env").write_text(text.replace("dialtone.example.org", SERVER_NAME))
    process = subprocess.run(
        [*compose(), "config"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    (project,) = parse_yaml(process.stdout)
    services: dict[str, Any] = project["services"]

    # Newer versions leave out the service for commands, which has a profile.
    assert {*services} - {"dialtone"} == {"dialtone_1", "dialtone_2", "nginx", *added}
    for name in ("dialtone_1", "dialtone_2"):
        environ = services[name]["environment"]
        assert environ["DIALTONE_PUBLIC_URL"] == f"https://{SERVER_NAME}"
        assert environ["DIALTONE_ENV"] == "production"
        assert services[name]["image"].startswith("dialtone:")
    assert f"s/dialtone.example.org/{SERVER_NAME}/g" in json.dumps(services["nginx"]["command"])
