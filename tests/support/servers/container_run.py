"""Run the tests that use servers, with the servers in containers.

    python -m tests.support.servers.container_run [argument of pytest ...]

- If no Docker Engine responds, one is started for this run; root installs it if it is missing.
- If an image cannot be pulled, it is built from packages.
- If no engine can run, the tests run with servers as processes; the last lines are the reason.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Final

from testcontainers.core.docker_client import DockerClient

from tests.support.servers import container_images
from tests.support.servers.containers import MONGO_IMAGE, S3_IMAGE, image_name
from tests.support.servers.docker_engine import ENGINE_ERRORS, open_engine
from tests.support.servers.dockerd import start_engine
from tests.support.servers.errors import ServerUnavailable, SourceUnavailable
from tests.support.servers.packages import MONGOD, WEED, Package
from tests.support.servers.process import exit_on_signals
from tests.support.servers.servers import Servers
from tests.support.servers.sources import SOURCES_VARIABLE

SUITES: Final = ("tests/contract", "tests/integration", "tests/e2e")


def main(arguments: list[str]) -> int:
    with ExitStack() as stack:
        try:
            environ = stack.enter_context(open_containers())
            summary = "The tests above ran with their servers in containers."
        except ServerUnavailable as error:
            environ = {SOURCES_VARIABLE: "packages"}
            summary = (
                "No container could run. The tests above ran with their servers as processes:"
                f"\n{error}"
            )
        code = pytest(arguments, {**os.environ, **environ})
    print(f"\n{summary}")
    return code


def pytest(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Run the tests; return the exit code."""
    command = [sys.executable, "-m", "pytest", *SUITES, *arguments]
    with subprocess.Popen(command, env=environ) as run:
        try:
            return run.wait()
        except KeyboardInterrupt:
            # It gets the signal too, and prints its summary.
            return run.wait()
        finally:
            run.terminate()


@contextmanager
def open_containers() -> Iterator[dict[str, str]]:
    """Start and stop both containers once; yield the environment of tests that use them."""
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
        with Servers({**os.environ, **environ}) as servers:
            servers.mongo()
            servers.s3()
        yield environ


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
            return container_images.build(client, package)
    return name


if __name__ == "__main__":
    exit_on_signals(signal.SIGTERM, signal.SIGHUP)
    sys.exit(main(sys.argv[1:]))
