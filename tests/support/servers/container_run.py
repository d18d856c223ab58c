"""Run the contract tests of MongoDB and S3, and one journey, with the servers in containers.

    python -m tests.support.servers.container_run [argument of pytest ...]

- If no Docker Engine responds, one is started for this run; root installs it if it is missing.
- If an image cannot be pulled, it is built from packages: one program and its shared libraries.
- If no engine can run, the tests run with servers as processes; the last lines are the reason.
"""

import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from testcontainers.core.docker_client import DockerClient

from tests.support.servers.containers import MONGO_IMAGE, S3_IMAGE, image_name
from tests.support.servers.docker_engine import ENGINE_ERRORS, open_engine, start_engine
from tests.support.servers.environment import exports
from tests.support.servers.errors import ServerUnavailable, SourceUnavailable
from tests.support.servers.packages import MONGOD, WEED, Package
from tests.support.servers.process import exit_on_signals
from tests.support.servers.servers import SOURCES_VARIABLE, Servers

TESTS: Final = (
    *("tests/contract", "tests/e2e/test_app_sequence.py"),
    *("-k", "in_mongo or s3 or on_servers"),
)
_FOLDERS: Final = {"tmp": 0o1777, "data": 0o777, "data/db": 0o777}


def main(arguments: list[str]) -> int:
    with ExitStack() as stack:
        try:
            environ, summary = stack.enter_context(open_containers())
        except ServerUnavailable as error:
            environ = {SOURCES_VARIABLE: "packages"}
            summary = f"No container could run. The tests ran with servers as processes:\n{error}"
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
            os.environ["DOCKER_HOST"] = stack.enter_context(start_engine())
            client = stack.enter_context(open_engine())
        environ = {
            SOURCES_VARIABLE: "containers",
            MONGO_IMAGE: ensure_image(client, MONGO_IMAGE, MONGOD),
            S3_IMAGE: ensure_image(client, S3_IMAGE, WEED),
        }
        servers = stack.enter_context(Servers({**os.environ, **environ}))
        variables = exports(servers.mongo(), servers.s3())
        yield variables, "\n".join(servers.report())


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
