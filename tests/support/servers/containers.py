"""MongoDB and S3 in containers of a Docker Engine.

    python -m tests.support.servers.containers [argument of pytest ...]

runs tests with these servers only. If an image cannot be pulled, it is built from packages. Without
an engine no test runs, and the reason is printed.
"""

import os
import re
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

from docker.errors import DockerException
from requests.exceptions import RequestException
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient, get_docker_host

from tests.support.servers.mongo import MongoProcess
from tests.support.servers.packages import find_program
from tests.support.servers.postgres import PostgresProcess
from tests.support.servers.process import RunningServer, SourceUnavailable, wait_until
from tests.support.servers.s3 import S3Process

Kind = type[MongoProcess] | type[PostgresProcess] | type[S3Process]
_ENGINE_ERRORS: Final = (DockerException, RequestException, OSError, TimeoutError, RuntimeError)
"""The exceptions of the engine and of the connection to it."""


@contextmanager
def open_engine() -> Iterator[DockerClient]:
    """Yield a client of the engine; raises SourceUnavailable if none responds."""
    host = get_docker_host() or "unix:///var/run/docker.sock"
    # Its image is not on each machine; the context managers remove the containers.
    testcontainers_config.ryuk_disabled = True
    try:
        # Without this attempt docker would leak its own socket.
        with socket.socket(socket.AF_UNIX) as attempt:
            attempt.connect(host.removeprefix("unix://"))
        client = DockerClient(timeout=60)
    except _ENGINE_ERRORS as error:
        raise SourceUnavailable(f"no Docker Engine responds at {host}: {error}") from error
    try:
        yield client
    finally:
        client.client.close()


@contextmanager
def run_container(kind: Kind, environ: Mapping[str, str]) -> Iterator[RunningServer]:
    """Run a server in a container, pulling its image if necessary."""
    process = kind(Path("/server"))
    process.bind_ip = "0.0.0.0"  # noqa: S104 -- of the container
    published: Any = ("127.0.0.1", process.port)
    with open_engine(), ExitStack() as stack:
        image = environ.get(kind.image_variable) or kind.image
        container = DockerContainer(image, env=dict(process.variables))
        container.with_command(process.arguments()).ports[str(process.port)] = published
        for folder in (str(process.folder), "/tmp"):  # noqa: S108 -- of the container
            container.with_tmpfs_mount(folder)
        try:
            stack.enter_context(container)
        except _ENGINE_ERRORS as error:
            raise SourceUnavailable(f"{image} does not run: {error}") from error
        wait_until(process.is_ready, explain=lambda: str(container.get_logs()))
        yield process.server


def _pull_or_build(client: DockerClient, kind: Kind) -> str:
    """Return an image, or one of the same program with the shared libraries of this machine."""
    with suppress(*_ENGINE_ERRORS):
        client.client.images.pull(kind.image)
        return kind.image
    image, program = f"dialtone-test-{kind.name}", find_program(kind.name)
    print(f"{kind.image} cannot be pulled: building {image} from packages.", flush=True)
    ldd = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    with TemporaryFile() as packed:
        with tarfile.open(fileobj=packed, mode="w") as tar:
            tar.add(program, kind.name)
            # A static program has none.
            for library in re.findall(r"(/\S+) \(0x", ldd.stdout):
                # The loader searches for this name, which may be a link to another file.
                tar.add(Path(library).resolve(), library)
        packed.seek(0)
        entrypoint = f'ENTRYPOINT ["/{kind.name}"]'
        client.client.api.import_image_from_data(packed, image, changes=[entrypoint])
    return f"{image}:latest"


def main(arguments: list[str]) -> None:
    environ = {"DIALTONE_TEST_SERVERS": "containers"}
    try:
        with open_engine() as client:
            for kind in (MongoProcess, S3Process):
                if kind.image_variable not in os.environ:
                    environ[kind.image_variable] = _pull_or_build(client, kind)
    except SourceUnavailable as error:
        print(f"No container can run, so these tests run with processes only: {error}")
        return
    command = [sys.executable, "-m", "pytest", *arguments]
    os.execve(sys.executable, command, {**os.environ, **environ})  # noqa: S606 -- of this Python


if __name__ == "__main__":
    main(sys.argv[1:])
