"""Run the suites that use servers, with the servers in containers.

    python -m tests.support.servers.container_run [argument of pytest ...]

Where no Docker Engine answers, one is installed if need and right be, started for this run, and
ended after it; where an image cannot be pulled, it is made out of packages. Where no engine can
run, the suites run with servers as processes, and the last lines say why.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Final

from testcontainers.core.docker_client import DockerClient

from tests.support.servers import images
from tests.support.servers.choice import CHOICE
from tests.support.servers.containers import MONGO_IMAGE, S3_IMAGE, image
from tests.support.servers.docker_engine import ENGINE_ERRORS, engine
from tests.support.servers.dockerd import own_engine
from tests.support.servers.leaving import leave_at
from tests.support.servers.packages import MONGOD, WEED, Package
from tests.support.servers.refusals import NoServer, Unavailable
from tests.support.servers.servers import Servers

SUITES: Final = ("tests/contract", "tests/integration", "tests/e2e")


def main(arguments: list[str]) -> int:
    with ExitStack() as stack:
        try:
            environ = stack.enter_context(containers())
            outcome = "The suites above ran with their servers in containers."
        except NoServer as refusal:
            environ = {CHOICE: "packages"}
            outcome = (
                "No container could serve here, and the suites above ran with their servers as "
                f"processes, because:\n{refusal}"
            )
        code = pytest(arguments, {**os.environ, **environ})
    print(f"\n{outcome}")
    return code


def pytest(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Run the suites; gives the exit code."""
    command = [sys.executable, "-m", "pytest", *SUITES, *arguments]
    with subprocess.Popen(command, env=environ) as run:
        try:
            return run.wait()
        except KeyboardInterrupt:
            # It has heard it too, and says how far it came.
            return run.wait()
        finally:
            run.terminate()


@contextmanager
def containers() -> Iterator[dict[str, str]]:
    """The environment in which tests get their servers in containers; each was tried."""
    with ExitStack() as stack:
        try:
            client = stack.enter_context(engine())
        except Unavailable:
            print("No Docker Engine answers: starting one for this run.", flush=True)
            os.environ["DOCKER_HOST"] = stack.enter_context(own_engine())
            client = stack.enter_context(engine())
        environ = {
            CHOICE: "containers",
            MONGO_IMAGE: an_image(client, MONGO_IMAGE, MONGOD),
            S3_IMAGE: an_image(client, S3_IMAGE, WEED),
        }
        with Servers({**os.environ, **environ}) as servers:
            servers.mongo()
            servers.s3()
        yield environ


def an_image(client: DockerClient, variable: str, package: Package) -> str:
    """The image that serves usually, or one made here where that cannot be had."""
    wanted = image(os.environ, variable)
    try:
        client.client.images.get(wanted)
    except ENGINE_ERRORS:
        try:
            client.client.images.pull(wanted)
        except ENGINE_ERRORS:
            print(f"{wanted} cannot be pulled: making one out of {package.name}.", flush=True)
            return images.build(client, package)
    return wanted


if __name__ == "__main__":
    leave_at(signal.SIGTERM, signal.SIGHUP)
    sys.exit(main(sys.argv[1:]))
