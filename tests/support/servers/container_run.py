"""Run the contract tests of MongoDB and S3, and one journey, with the servers in containers.

    python -m tests.support.servers.container_run [argument of pytest ...]

- If no Docker Engine responds, one is started for this run; root installs it if it is missing.
- If an image cannot be pulled, it is built from packages: one program and its shared libraries.
- If no engine can run, no test runs, and the reason is printed.
"""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Final

from testcontainers.core.docker_client import DockerClient

from tests.support.servers.containers import (
    ENGINE_ERRORS,
    MONGO_IMAGE,
    S3_IMAGE,
    SOCKET,
    image_name,
    is_listening,
    open_engine,
)
from tests.support.servers.packages import MONGOD, WEED, Package
from tests.support.servers.process import (
    ServerProcess,
    ServerUnavailable,
    SourceUnavailable,
    exit_on_signals,
    find_or_install,
)
from tests.support.servers.servers import SOURCES_VARIABLE, Servers, exports

TESTS: Final = (
    *("tests/contract", "tests/e2e/test_app_sequence.py"),
    *("-k", "in_mongo or s3 or on_servers"),
)
_FOLDERS: Final = {"tmp": 0o1777, "data": 0o777, "data/db": 0o777}
_BRIDGE: Final = Path("/sys/class/net/docker0")


def main(arguments: list[str]) -> int:
    with ExitStack() as stack:
        try:
            environ, summary = stack.enter_context(open_containers())
        except ServerUnavailable as error:
            print(f"No container can run, so these tests are only in `make test`:\n{error}")
            return 0
        command = [sys.executable, "-m", "pytest", *TESTS, *arguments]
        code = subprocess.run(command, env={**os.environ, **environ}, check=False).returncode
    print(f"\n{summary}")
    return code


@contextmanager
def open_containers() -> Iterator[tuple[dict[str, str], str]]:
    """Run both containers; yield the environment of tests that use them, and a report."""
    with ExitStack() as stack:
        try:
            client = stack.enter_context(open_engine())
        except SourceUnavailable:
            print("No Docker Engine responds: starting one for this run.", flush=True)
            folder = stack.enter_context(
                TemporaryDirectory(prefix="dialtone-dockerd-", ignore_cleanup_errors=True)
            )
            dockerd = stack.enter_context(Dockerd(Path(folder) / "engine"))
            os.environ["DOCKER_HOST"] = dockerd.host
            client = stack.enter_context(open_engine())
        environ = {
            SOURCES_VARIABLE: "containers",
            MONGO_IMAGE: ensure_image(client, MONGO_IMAGE, MONGOD),
            S3_IMAGE: ensure_image(client, S3_IMAGE, WEED),
        }
        servers = stack.enter_context(Servers({**os.environ, **environ}))
        variables = exports(servers.mongo(), servers.s3())
        yield variables, "\n".join(servers.report)


class Dockerd(ServerProcess):
    """A Docker Engine; all its files are in its folder."""

    name = "dockerd"
    # A killed dockerd leaves containers and their mounts.
    orphan_signal = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        search_path = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
        super().__init__(find_or_install("dockerd", "docker.io", search_path), folder)
        self.host = f"{SOCKET}{folder}/socket"
        self._creates_bridge = not _BRIDGE.exists()

    def arguments(self) -> list[str]:
        return [
            f"--host={self.host}",
            f"--data-root={self.folder}/data",
            f"--exec-root={self.folder}/exec",
            f"--pidfile={self.folder}/pid",
            # Ports are published by its proxy only: it changes no packet filter and no routes.
            *("--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"),
        ]

    def is_ready(self) -> bool:
        return is_listening(self.host)

    def __exit__(self, *_: object) -> None:
        self.stop()
        ip = shutil.which("ip")
        if ip and self._creates_bridge:
            subprocess.run([ip, "link", "delete", _BRIDGE.name], check=False)


def ensure_image(client: DockerClient, variable: str, package: Package) -> str:
    """Return the name of the configured image, or of one built here if it cannot be pulled."""
    name = image_name(os.environ, variable)
    try:
        client.client.images.get(name)
    except ENGINE_ERRORS:
        try:
            client.client.images.pull(name)
        except ENGINE_ERRORS:
            print(f"{name} cannot be pulled: building one from {package.name}.", flush=True)
            return build_image(client, package)
    return name


def build_image(client: DockerClient, package: Package) -> str:
    """Build an image of one program with the shared libraries of this machine; return its name."""
    name, program = f"dialtone-test-{package.member}", package.program()
    with TemporaryFile() as packed:
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for folder_name, mode in _FOLDERS.items():
                folder = tarfile.TarInfo(folder_name)
                folder.type, folder.mode = tarfile.DIRTYPE, mode
                tar.addfile(folder)
            tar.add(program, program.name)
            for library in package.libraries():
                # The loader searches for this name, which may be a link to another file.
                tar.add(Path(library).resolve(), library)
        packed.seek(0)
        client.client.api.import_image_from_data(
            packed, name, changes=[f'ENTRYPOINT ["/{program.name}"]']
        )
    return f"{name}:latest"


if __name__ == "__main__":
    exit_on_signals(signal.SIGTERM, signal.SIGHUP)
    sys.exit(main(sys.argv[1:]))
