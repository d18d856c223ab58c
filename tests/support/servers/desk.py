"""Where the processes of one test run ask for servers.

The first who asks makes the keeper start, as a socket unit does: a run that asks for nothing
starts nothing.
"""

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Final

from tests.support.servers.refusals import NoServer

ROOT: Final = Path(__file__).parents[3]
END_LIMIT: Final = 60.0


def ask(desk: Path, wanted: str) -> dict[str, Any]:
    """What the keeper has to say; NoServer in its words when there is none."""
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(desk))
            line.sendall(f"{wanted}\n".encode())
            said = line.makefile().read()
        except OSError:
            said = ""
    if not said:
        raise NoServer(f"The keeper of the servers is gone:\n{_log(desk).read_text()}")
    answer: dict[str, Any] = json.loads(said)
    if "refusal" in answer:
        raise NoServer(answer["refusal"])
    return answer


class Desk:
    """The desk of a run, kept by the process that began the run."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="dialtone-tests-"))
        self.path = self._folder / "desk"
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.path))
        self._listening.listen(64)
        self._closing, self._close = socket.socketpair()
        self._keeper: subprocess.Popen[bytes] | None = None
        # The environment of the run: a test may change that of its process.
        self._environ = dict(os.environ)
        self._waiter = threading.Thread(target=self._start_keeper_when_asked, daemon=True)
        self._waiter.start()

    def told(self) -> list[str]:
        """What served, and from where; empty when nobody asked."""
        try:
            return list(ask(self.path, "told")["told"]) if self._keeper else []
        except NoServer as refusal:
            return [str(refusal)]

    def close(self) -> None:
        """End what was started, and wait for it."""
        self._close.close()
        self._waiter.join()
        if self._keeper:
            self._end(self._keeper)
        self._closing.close()
        self._listening.close()
        shutil.rmtree(self._folder, ignore_errors=True)  # the keeper has done it, if there was one

    @staticmethod
    def _end(keeper: subprocess.Popen[bytes]) -> None:
        try:
            keeper.communicate(timeout=END_LIMIT)
        except subprocess.TimeoutExpired:
            # Its processes go with it.
            keeper.kill()
            keeper.communicate()

    def _start_keeper_when_asked(self) -> None:
        asked, _, _ = select.select([self._listening, self._closing], [], [])
        if self._closing in asked:
            return
        with _log(self.path).open("wb") as log:
            self._keeper = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.support.servers.keeper"),
                    *(str(self._listening.fileno()), str(self._folder)),
                ],
                cwd=ROOT,
                env=self._environ,
                pass_fds=[self._listening.fileno()],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the tests; the keeper goes when they have gone.
                start_new_session=True,
            )
        # Now it is the keeper's alone: who asks one that has died is told so.
        self._listening.close()


def _log(desk: Path) -> Path:
    return desk.with_name("log")
