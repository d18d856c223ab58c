"""The samples for Compose: their settings, and Docker Compose or docker-compose of Debian."""

import json
import os
import re
import shutil
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from entrypoints.composition.read_settings import find_unknown, read_settings
from entrypoints.parts.version import installed_version
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import MongoLocation, PostgresLocation, SqliteLocation
from tests.samples.deploy_samples import DEPLOY, below, load_yaml, mount_secrets, parse_yaml
from tests.samples.proxy import replace_all
from tests.support.markdown import blocks_in, page
from tests.support.servers.mongo import MongoProcess
from tests.support.servers.postgres import PostgresProcess
from tests.support.servers.process import find_or_install

FOLDER: Final = DEPLOY / "compose"
BASE: Final = load_yaml(FOLDER / "compose.yaml")
DATABASES: Final = {
    "sqlite": (SqliteLocation, ""),
    "postgresql": (PostgresLocation, "postgresql://dialtone:secret@postgres:5432/dialtone"),
    "mongodb": (MongoLocation, "mongodb://dialtone:secret@mongo:27017/dialtone?replicaSet=rs0"),
}
INSTANCES: Final = ("dialtone_1", "dialtone_2")
OF_THE_SERVICE: Final = (*INSTANCES, "dialtone")
SECRETS_PATH: Final = "/run/secrets"
KEYS_PATH: Final = "/etc/dialtone/keys"
OWN_NAME: Final = "api.example.net"
_DEFAULT: Final = re.compile(r"\$\{\w+:-([^}]*)\}")
"""A variable of Compose with a default."""


def fill(value: str) -> str:
    return _DEFAULT.sub(r"\1", value)


def read_env(name: str) -> dict[str, str]:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def merged(database: str, service: str) -> dict[str, Any]:
    """Return a service of both files, with its settings, as Compose does."""
    base = BASE["services"].get(service, {})
    added = load_yaml(FOLDER / f"{database}.yaml")["services"].get(service, {})
    in_file = read_env(base["env_file"]) if "env_file" in base else {}
    environ = {**in_file, **base.get("environment", {}), **added.get("environment", {})}
    return {
        **base,
        **added,
        "environment": {name: fill(value) for name, value in environ.items()},
        "secrets": [*base.get("secrets", []), *added.get("secrets", [])],
    }


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    environ = merged(database, "dialtone_1")["environment"]
    mount_secrets(tmp_path / "keys", ["secrets.json"])
    secrets = merged(database, "dialtone_1")["secrets"]
    mount_secrets(tmp_path / "secrets", secrets, database_url=DATABASES[database][1])
    environ = below(tmp_path / "secrets", environ, SECRETS_PATH)
    return read_settings(below(tmp_path / "keys", environ, KEYS_PATH), None)


def compose() -> list[str]:
    """Return the command: the plug-in of Docker if it is there, or the older program."""
    if docker := shutil.which("docker"):
        version = [docker, "compose", "version"]
        if subprocess.run(version, capture_output=True, check=False).returncode == 0:
            return [docker, "compose"]
    return [str(find_or_install("docker-compose"))]


def test_compose_reads_the_files_of_each_database(database: str, tmp_path: Path) -> None:
    # A folder without the .env of somebody who tries the samples.
    folder = tmp_path / "deploy/compose"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns(".env", "keys", "secrets", "tls"))
    text = (folder / "example.env").read_text()
    text = text.replace(":postgresql.yaml", f":{database}.yaml")
    (folder / ".env").write_text(text.replace("dialtone.example.org", OWN_NAME))
    process = subprocess.run(
        [*compose(), "config"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    (project,) = parse_yaml(process.stdout)
    services: dict[str, Any] = project["services"]

    # Newer versions leave out the service for commands, which has a profile.
    added = load_yaml(FOLDER / f"{database}.yaml")["services"].keys()
    assert {*services} - {"dialtone"} == {*INSTANCES, "nginx", *added} - {"dialtone"}
    for name in INSTANCES:
        environ = services[name]["environment"]
        assert environ["DIALTONE_PUBLIC_URL"] == f"https://{OWN_NAME}"
        assert environ["DIALTONE_ENV"] == "production"
        assert services[name]["image"].startswith("dialtone:")
    assert f"s/dialtone.example.org/{OWN_NAME}/g" in json.dumps(services["nginx"]["command"])


def test_the_settings_are_complete_for_production(settings: Settings, database: str) -> None:
    assert settings.variables.values["DIALTONE_ENV"] == "production"
    assert isinstance(settings.database, DATABASES[database][0])
    assert list(find_unknown(settings.variables.values)) == []


def test_each_secret_is_a_file_of_the_folder_that_a_setting_names(database: str) -> None:
    file = load_yaml(FOLDER / f"{database}.yaml")
    declared = {**BASE["secrets"], **file.get("secrets", {})}
    used = set()
    for name in [*BASE["services"], *file["services"]]:
        service = merged(database, name)
        named = {
            text.removeprefix(f"{SECRETS_PATH}/")
            for text in service["environment"].values()
            if text.startswith(f"{SECRETS_PATH}/")
        }
        assert named == set(service["secrets"])
        used |= named

    assert used == set(declared)
    assert all(entry == {"file": f"./secrets/{name}"} for name, entry in declared.items())


STAND_INS: Final = {
    "docker": "echo {}",
    "chown": """
        [ "$1" != -R ] || shift
        owner=$1 && shift
        find "$@" -type f -printf "%p ${owner%%:*}\\n" >> owners
    """,
}
"""The image prints keys, and only root can give a file to another user."""


def create_secrets(folder: Path, database: str) -> dict[str, str]:
    """Run the commands of the page; return the user of each file."""
    shown = blocks_in("sh", page("docs/compose.md"))
    used = [text for text in shown if "mkdir keys" in text or f"{database}://" in text]
    (folder / "bin").mkdir()
    for name, text in STAND_INS.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / "bin" / name).chmod(0o755)
    environ = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "TOKEN": "token"}
    subprocess.run(["/bin/sh", "-euc", "\n".join(used)], cwd=folder, env=environ, check=True)
    return dict(line.split() for line in (folder / "owners").read_text().splitlines())


def test_the_page_creates_the_secrets_for_the_users_who_read_them(
    database: str, tmp_path: Path
) -> None:
    owners = create_secrets(tmp_path, database)
    file = load_yaml(FOLDER / f"{database}.yaml")
    readers = {"keys/secrets.json": "10001"}
    for name in {*BASE["services"], *file["services"]}:
        service = merged(database, name)
        user = service.get("user", "10001:10001").partition(":")[0]
        readers |= {f"secrets/{secret}": user for secret in service["secrets"]}

    assert owners == readers
    assert {(tmp_path / path).stat().st_mode & 0o777 for path in owners} == {0o400}
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    for server in file["services"].keys() - set(OF_THE_SERVICE):
        url = urlsplit((tmp_path / "secrets/database_url").read_text())
        (password,) = (tmp_path / "secrets").glob("*_password")
        users = {
            value
            for key, value in merged(database, server)["environment"].items()
            if key.endswith(("_USER", "_USERNAME"))
        }
        assert (url.scheme, url.hostname, url.path) == (database, server, "/dialtone")
        assert ({url.username}, url.password) == (users, password.read_text())


def test_the_page_creates_the_folders_that_containers_mount() -> None:
    text = page("docs/compose.md")
    commands = re.findall(r"(?:mkdir|install -d -o 101 -m 700) ([\w ]+)$", text, re.MULTILINE)
    volumes = [volume for name in BASE["services"] for volume in BASE["services"][name]["volumes"]]
    folders = set(re.findall(r"(?<![\w.])\./(\w+):", "\n".join(volumes)))

    assert folders | {"secrets"} == set(" ".join(commands).split())
    # On the disk: images that clients read slowly would fill a tmpfs, and then be cut.
    assert "./cache:/var/cache/nginx" in volumes


def test_the_instances_share_their_data_and_the_folder_of_the_keys(settings: Settings) -> None:
    environ = BASE["services"]["dialtone_1"]["environment"]
    for name in OF_THE_SERVICE:
        volumes = dict(volume.split(":")[:2] for volume in BASE["services"][name]["volumes"])
        assert environ["DIALTONE_MEDIA"].startswith(f"file://{volumes['var']}/")
        assert environ["DIALTONE_SECRETS_FILE"].startswith(f"{volumes['./keys']}/")
        if isinstance(settings.database, SqliteLocation):
            assert str(settings.database.path).startswith(f"{volumes['var']}/")
    for name in INSTANCES:
        (*_, check) = BASE["services"][name]["healthcheck"]["test"]
        assert f":{settings.bind.port}/health/ready'" in check


def test_an_instance_has_time_to_stop(settings: Settings) -> None:
    needed = settings.stop_delay.total_seconds() + settings.drain_timeout.total_seconds() + 5

    for name in INSTANCES:
        assert seconds(BASE["services"][name]["stop_grace_period"]) >= needed


def test_no_container_has_privileges_and_each_has_limits(database: str) -> None:
    file = load_yaml(FOLDER / f"{database}.yaml")
    for name in {*BASE["services"], *file["services"]}:
        service = merged(database, name)
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"]
        assert service["pids_limit"]
        assert service["logging"]["options"]["max-size"]
        assert not service.keys() & {"cap_add", "privileged", "network_mode", "pid"}
        # The image of the service has a user of its own.
        assert name in OF_THE_SERVICE or re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
        assert name == "nginx" or "ports" not in service


def test_images_are_those_of_the_tests_and_of_this_version() -> None:
    postgres = load_yaml(FOLDER / "postgresql.yaml")["services"]["postgres"]["image"]
    mongo = load_yaml(FOLDER / "mongodb.yaml")["services"]["mongo"]["image"]

    assert fill(postgres) == PostgresProcess.image
    assert fill(mongo) == MongoProcess.image
    assert read_env("example.env")["SERVICE_IMAGE"].endswith(f":{installed_version()}")


def test_nginx_is_the_sample_with_the_name_and_the_instances(settings: Settings) -> None:
    services = BASE["services"]
    addresses = [services[name]["networks"]["default"]["ipv4_address"] for name in INSTANCES]
    (network,) = BASE["networks"]["default"]["ipam"]["config"]
    for name in (*INSTANCES, "nginx"):
        address = ip_address(services[name]["networks"]["default"]["ipv4_address"])
        assert address in ip_network(network["subnet"])
        # A container without an IP of its own could have it already.
        assert address not in ip_network(network["ip_range"])
    nginx = services["nginx"]
    (command,) = nginx["command"]
    rewrite = replace_all(
        command.partition(" /etc/nginx/sample.conf ")[0],
        ("${SERVER_NAME:-dialtone.example.org}", OWN_NAME),
        ("${WEB_ORIGINS:-}", "https://web.example.net,https://admin.example.net"),
        ("$$", "$"),
    )
    sample = FOLDER / nginx["volumes"][0].partition(":")[0]
    text = subprocess.run(
        ["/bin/sh", "-c", f"{rewrite} {sample}"], capture_output=True, text=True, check=True
    ).stdout

    servers = re.findall(r"^ +server ([\d.]+:\d+) max_fails=0;$", text, re.MULTILINE)
    assert servers == [f"{address}:{settings.bind.port}" for address in addresses]
    assert "dialtone.example.org" not in text
    (tls,) = (volume.split(":")[1] for volume in nginx["volumes"] if "./tls:" in volume)
    assert f" {tls}/fullchain.pem;\n" in text
    assert re.findall(r"^ +server_name api\.example\.net;$", text, re.MULTILINE)
    assert "    proxy_connect_timeout 1s;\n" in text
    origins = re.findall(r"(https://\S+) \$http_origin;", text)
    assert origins == ["https://web.example.net", "https://admin.example.net"]
    assert (
        settings.variables.values["DIALTONE_TRUSTED_PROXIES"]
        == (nginx["networks"]["default"]["ipv4_address"])
    )
    # Through an address for all clients, as Docker passes IPv6, they would share the limits of one.
    assert all(port.startswith("0.0.0.0:") for port in nginx["ports"])


DOCKER: Final = """#!/bin/sh
case "$*" in
"compose ps --quiet "*) echo "$4" ;;
"compose up "*) echo "$6" >> restarted; cp "$6.next" "$6" ;;
inspect*) cat "$4" ;;
esac
"""
"""A stand-in: the state of a container is in a file."""


def restart(folder: Path, **states: str) -> "subprocess.CompletedProcess[str]":
    """Run the script with instances in these states, before their restart and after it."""
    (folder / "docker").write_text(DOCKER)
    (folder / "docker").chmod(0o755)
    for name in INSTANCES:
        (folder / name).write_text(states.get(name, "healthy"))
        (folder / f"{name}.next").write_text(states.get(f"{name}_then", "healthy"))
    environ = {"PATH": f"{folder}:{os.environ['PATH']}", "TIMEOUT": "0"}
    return subprocess.run(
        [FOLDER / "rolling-restart"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def restarted(folder: Path) -> list[str]:
    file = folder / "restarted"
    return file.read_text().splitlines() if file.exists() else []


def test_a_rolling_restart_waits_for_each_instance(tmp_path: Path) -> None:
    process = restart(tmp_path)

    assert process.returncode == 0, process.stderr
    assert restarted(tmp_path) == list(INSTANCES)
    assert process.stdout == "dialtone_1 is ready.\ndialtone_2 is ready.\n"


def test_a_rolling_restart_stops_at_an_instance_that_is_not_ready(tmp_path: Path) -> None:
    process = restart(tmp_path, dialtone_1_then="starting")

    assert process.returncode == 1
    assert restarted(tmp_path) == ["dialtone_1"]
    assert "dialtone_1 is not ready after 0 seconds" in process.stderr


def test_a_rolling_restart_never_ends_the_only_instance(tmp_path: Path) -> None:
    process = restart(tmp_path, dialtone_2="unhealthy")

    assert process.returncode == 1
    assert restarted(tmp_path) == []
    assert "dialtone_2 is not ready, so dialtone_1 was not restarted" in process.stderr
