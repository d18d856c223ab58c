"""The samples for systemd, Compose and Kubernetes: valid, with settings that the service accepts.

`docker compose`, `kubectl` and `systemd-analyze` read them. Nothing is started.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
from ruamel.yaml import YAML

from entrypoints.parts.version import installed_version
from tests.samples.nginx import replace_all
from tests.support.keys import create_secrets_file
from tests.support.markdown import PROJECT, page
from tests.support.servers.mongo import MongoProcess
from tests.support.servers.packages import fetch_wheels
from tests.support.servers.postgres import PostgresProcess
from tests.support.servers.process import find_or_install
from tests.support.service import command

DEPLOY: Final = PROJECT / "docs/deploy"
DATABASES: Final[Mapping[str, Mapping[str, str]]] = {
    "sqlite": {},
    "postgresql": {"postgres": PostgresProcess.image},
    "mongodb": {"mongo": MongoProcess.image},
}
"""The files of Compose for databases, and the images that they add."""
SECRETS: Final = {
    "aws_access_key_id": "AKIADIALTONETESTKEY0",
    "aws_secret_access_key": "a-secret-access-key-for-tests",
    "twilio_auth_token": "0123456789abcdef0123456789abcdef",
}
OWN_NAME: Final = "api.example.net"
SCHEMAS: Final = Path(__file__).with_name("kubernetes_schemas.txt")
SCHEMA_VERSIONS: Final = ("1.25", "1.37")
"""The oldest and the newest whose schemas the package has."""
_PLACES: Final = re.compile(r"/etc/dialtone/keys|/etc/dialtone|/run/secrets|/var/lib/dialtone")


def run(*arguments: str | Path, **options: Any) -> str:
    """Run a program; return its output."""
    ended: subprocess.CompletedProcess[str] = subprocess.run(
        arguments, capture_output=True, text=True, check=False, **options
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def parse_yaml(text: str) -> list[Any]:
    """Return the documents of a text. In YAML 1.1, as Kubernetes reads it, 0440 is octal."""
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 1)
    return list(yaml.load_all(text))


def check_settings(
    folder: Path, environ: Mapping[str, str], secrets: Iterable[str], database: str = "postgresql"
) -> None:
    """Let the service check the settings of a sample, which has only these files of secrets."""
    folder.mkdir()
    create_secrets_file(folder / "secrets.json")
    for name in secrets:
        text = {**SECRETS, "database_url": f"{database}://dialtone:secret@db/dialtone"}[name]
        (folder / name).write_text(text)
        (folder / name).chmod(0o400)
    moved = {name: _PLACES.sub(str(folder), value) for name, value in environ.items()}
    assert moved["DIALTONE_ENV"] == "production"
    assert run(command(), "check-settings", cwd=folder, env=moved).endswith("are valid.\n")


@pytest.mark.parametrize(
    ("sample_name", "unit", "program_path", "options"),
    [
        ("dialtone.service", "dialtone.service", "/opt/dialtone", []),
        ("dialtone.service", "dialtone@8000.service", "/opt/dialtone", []),
        ("user.service", "dialtone@8000.service", "%h/dialtone", ["--user"]),
    ],
)
def test_systemd_accepts_the_unit(
    tmp_path: Path, sample_name: str, unit: str, program_path: str, options: list[str]
) -> None:
    sample = DEPLOY / "systemd"
    drop_ins = tmp_path / "dialtone@.service.d"
    others = shutil.ignore_patterns("*.service", "dialtone.*", "rolling*")
    shutil.copytree(sample, drop_ins, ignore=others)
    text = replace_all(
        (sample / sample_name).read_text(), (f"{program_path}/.venv/bin/dialtone", command())
    )
    for name in ("dialtone.service", "dialtone@.service"):
        (tmp_path / name).write_text(text)
    program = find_or_install("systemd-analyze", "systemd")
    verify = [str(program), *options, "verify", str(tmp_path / unit)]
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    ended = subprocess.run(verify, env=environ, capture_output=True, text=True, check=False)
    # It warns of a directive that it does not know, and does not fail.
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_service_accepts_the_settings_for_systemd(tmp_path: Path) -> None:
    lines = (DEPLOY / "systemd/dialtone.env").read_text().splitlines()
    environ = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    check_settings(tmp_path / "etc", environ, ["twilio_auth_token"])


@pytest.mark.parametrize("database", DATABASES)
def test_compose_reads_its_files_and_the_service_accepts_their_settings(
    tmp_path: Path, database: str
) -> None:
    # A folder without the .env of somebody who tries the samples.
    folder = tmp_path / "compose"
    ignored = shutil.ignore_patterns(".env", "keys", "secrets", "tls")
    shutil.copytree(DEPLOY / "compose", folder, ignore=ignored)
    variables = ("postgresql.yaml", f"{database}.yaml"), ("dialtone.example.org", OWN_NAME)
    (folder / ".env").write_text(replace_all((folder / "example.env").read_text(), *variables))
    (project,) = parse_yaml(run(*compose(), "config", cwd=folder))
    services: dict[str, Any] = project["services"]
    first, second = services["dialtone_1"], services["dialtone_2"]

    image = f"dialtone:{installed_version()}"
    images = {"dialtone_1": image, "dialtone_2": image, "dialtone": image, **DATABASES[database]}
    used = {name: each["image"] for name, each in services.items() if name != "nginx"}
    # Newer versions leave out the service for commands, which has a profile.
    assert {"dialtone": image, **used} == images
    assert first["environment"] == second["environment"]
    assert first["environment"]["DIALTONE_PUBLIC_URL"] == f"https://{OWN_NAME}"
    assert f"s/dialtone.example.org/{OWN_NAME}/g" in json.dumps(services["nginx"]["command"])
    secrets = [secret["source"] for secret in first["secrets"]]
    check_settings(tmp_path / "etc", first["environment"], secrets, database)


def compose() -> list[str]:
    """Return the command: the plug-in of Docker if it is there, or the older program."""
    if docker := shutil.which("docker"):
        version = [docker, "compose", "version"]
        if subprocess.run(version, capture_output=True, check=False).returncode == 0:
            return [docker, "compose"]
    return [str(find_or_install("docker-compose"))]


def render(folder: str) -> list[dict[str, Any]]:
    kubectl = find_or_install("kubectl", "kubernetes-client")
    return parse_yaml(run(kubectl, "kustomize", DEPLOY / "kubernetes" / folder))


@pytest.mark.parametrize("version", SCHEMA_VERSIONS)
def test_each_manifest_of_kubernetes_matches_the_schema_of_its_kind(version: str) -> None:
    schemas = fetch_wheels(SCHEMAS) / "kubernetes_validate/kubernetes-json-schema"
    folders = ("overlays/postgresql", "overlays/mongodb", "migrate")
    objects = [item for folder in folders for item in render(folder)]

    assert {item["kind"] for item in objects} >= {"Deployment", "Job", "NetworkPolicy"}
    found = [line for item in objects for line in problems(schemas, version, item)]
    assert found == []


def problems(schemas: Path, version: str, item: dict[str, Any]) -> Iterator[str]:
    """Yield what the schema of its kind says about an object. Unknown fields are problems."""
    folder = schemas / f"v{version}.0-local-strict"
    group, _, api = item["apiVersion"].rpartition("/")
    name = "-".join(filter(None, [item["kind"].lower(), group.partition(".")[0], api]))
    validator = jsonschema_rs.Draft202012Validator(
        json.loads((folder / f"{name}.json").read_text()),
        base_uri="file:///api/schema.json",
        retriever=lambda _: json.loads((folder / "_definitions.json").read_text()),
    )
    for error in validator.iter_errors(item):
        yield f"{item['kind']}: {'.'.join(map(str, error.instance_path))}: {error.message}"


def test_the_service_accepts_the_settings_for_kubernetes(tmp_path: Path) -> None:
    objects = {item["kind"]: item for item in render("overlays/postgresql")}
    (container,) = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
    files = re.findall(r"--from-file=secret/(\S+)", page("docs/deployment.md"))

    assert container["image"].endswith(f"/dialtone:{installed_version()}")
    secrets = {*files} - {"secrets.json"}
    check_settings(tmp_path / "etc", objects["ConfigMap"]["data"], secrets)
