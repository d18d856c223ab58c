"""The service and its commands as forks: a start takes a fifth of the CPU time."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from tests.support.forks import DIALTONE, ForkedProgram, run_forked
from tests.support.service import START_TIMEOUT, Inbox, Service


class ForkedService(Service):
    """A service that has imported everything when it starts."""

    module = DIALTONE

    def launch(self, **options: Any) -> None:
        """Start it, and do not wait. With options of `Popen` it is started as any other service."""
        if options:
            super().launch(**options)
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with (
            Path(os.devnull).open("rb") as stdin,
            self.outputs[0].open("ab") as stdout,
            self.outputs[1].open("ab") as stderr,
        ):
            self._old_log = self.log
            streams = [stream.fileno() for stream in (stdin, stdout, stderr)]
            program = ForkedProgram(self.module, ["run"], self.folder, self.environ, streams)
        self._process = cast("subprocess.Popen[bytes]", program)

    def run(self, *arguments: str, stdin: int | None = None) -> "subprocess.CompletedProcess[str]":
        """Run another command in its environment, with a descriptor as its stdin, if given."""
        return run_forked(self.module, arguments, self.folder, self.environ, START_TIMEOUT, stdin)


@contextmanager
def running(
    folder: Path, environ: Mapping[str, str] | None = None, inbox: Inbox | None = None
) -> Iterator[ForkedService]:
    """Run a service until the end of the block."""
    service = ForkedService(folder, environ, inbox)
    try:
        yield service.start()
    finally:
        service.stop()
