"""Chromium without windows, driven by the DevTools protocol over two pipes.

https://chromedevtools.github.io/devtools-protocol/
"""

import fcntl
import itertools
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

TIMEOUT: Final = 30.0
_OPTIONS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-proxy-server", "--remote-debugging-pipe", "about:blank",
)  # fmt: skip
# It makes the pipes its descriptors 3 and 4, where Chromium expects them.
_LAUNCHER: Final = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)
_FIRST_FREE: Final = 10

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """An open page."""

    chromium: "Chromium"
    session: str

    def run(self, script: str) -> Any:
        """Run the body of an async function in the page; return its result."""
        evaluate = {
            "expression": f"(async () => {{ {script} }})()",
            "awaitPromise": True,
            "returnByValue": True,
        }
        result = self.chromium.call("Runtime.evaluate", evaluate, self.session)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def reload(self) -> None:
        """Load the page again, and wait until it is loaded."""
        self.chromium.call("Page.reload", {}, self.session)
        self.chromium.wait_for("Page.loadEventFired")

    def show_as_phone(self, width: int) -> None:
        """Show the page as on a phone of this width, in CSS pixels."""
        screen = {"width": width, "height": 844, "deviceScaleFactor": 3, "mobile": True}
        self.chromium.call("Emulation.setDeviceMetricsOverride", screen, self.session)

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose a file in an input."""
        expression = {"expression": f"document.querySelector({json.dumps(selector)})"}
        found = self.chromium.call("Runtime.evaluate", expression, self.session)["result"]
        files = {"files": [str(path)], "objectId": found["objectId"]}
        self.chromium.call("DOM.setFileInputFiles", files, self.session)


class Chromium:
    """A running browser."""

    def __init__(self, commands: int, responses: int) -> None:
        self._commands = commands
        self._responses = responses
        self._ids = itertools.count(1)
        self._buffer = b""

    @contextmanager
    def page(self, url: str) -> Iterator["Page"]:
        """Open a page in a new tab until the end of the block."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attach = {"targetId": target, "flatten": True}
        session = self.call("Target.attachToTarget", attach)["sessionId"]
        self.call("Page.enable", {}, session)
        self.call("Page.navigate", {"url": url}, session)
        self.wait_for("Page.loadEventFired")
        try:
            yield Page(self, session)
        finally:
            self.call("Target.closeTarget", {"targetId": target})

    def run(self, url: str, script: str) -> Any:
        """Run a script in a page that is open only for it; see `Page.run`."""
        with self.page(url) as page:
            return page.run(script)

    def call(self, method: str, params: Message, session: str | None = None) -> Message:
        """Call a method of the protocol; return its result."""
        number = next(self._ids)
        message: Message = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        response = self._receive(lambda message: message.get("id") == number)
        assert "error" not in response, response
        result: Message = response["result"]
        return result

    def wait_for(self, event: str) -> None:
        """Wait for an event of the protocol."""
        self._receive(lambda message: message.get("method") == event)

    def _receive(self, is_expected: Callable[[Message], bool]) -> Message:
        deadline = time.monotonic() + TIMEOUT
        while True:
            text, end, rest = self._buffer.partition(b"\0")
            if end:
                self._buffer = rest
                message: Message = json.loads(text)
                if is_expected(message):
                    return message
                continue
            remaining = deadline - time.monotonic()
            assert select.select([self._responses], [], [], max(remaining, 0))[0], "no response"
            data = os.read(self._responses, 1 << 16)
            assert data, "Chromium has ended"
            self._buffer += data


@contextmanager
def open_chromium(program: Path, folder: Path) -> Iterator[Chromium]:
    """Run a browser with a new profile until the end of the block."""
    read_commands, write_commands = os.pipe()
    read_responses, write_responses = os.pipe()
    inherited = [
        fcntl.fcntl(descriptor, fcntl.F_DUPFD, _FIRST_FREE)
        for descriptor in (read_commands, write_responses)
    ]
    with (folder / "chromium.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", "-c", _LAUNCHER, *map(str, inherited)),
                *(str(program), f"--user-data-dir={folder}/profile", *_OPTIONS),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=inherited,
        )
    for descriptor in (read_commands, write_responses, *inherited):
        os.close(descriptor)
    try:
        yield Chromium(write_commands, read_responses)
    finally:
        # It exits when its pipe is closed, with all its processes.
        os.close(write_commands)
        try:
            process.wait(TIMEOUT)
        finally:
            process.kill()
            os.close(read_responses)
