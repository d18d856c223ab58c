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
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

TIMEOUT: Final = 90.0
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
_REPORTS: Final = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
_KEYS: Final = {"Tab": 9, "Enter": 13, " ": 32}
WAIT: Final = """
    const wait = async (find) => {
        for (const deadline = Date.now() + 60000; Date.now() < deadline;) {
            const found = find();
            if (found) return found;
            // The page has no events for what it has drawn.
            await new Promise(resolve => setTimeout(resolve, 20));
        }
        throw Error(`the page does not show ${find}`);
    };
"""
"""A function of scripts: `await wait(() => …)` returns what is found, within a minute."""

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

    def call(self, method: str, **params: Any) -> Message:
        """Call a method of the protocol for this page; return its result."""
        return self.chromium.call(method, params, self.session)

    def open(self, url: str) -> None:
        """Load another page, and wait until it is loaded."""
        with self.loading():
            self.call("Page.navigate", url=url)

    def reload(self) -> None:
        """Load the page again, and wait until it is loaded."""
        with self.loading():
            self.call("Page.reload")

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Wait at the end of the block until the page is loaded that the block leads to."""
        loads, earlier = self.chromium.loads, self.chromium.loads[self.session]
        yield
        while loads[self.session] == earlier:
            self.chromium.wait_for("Page.loadEventFired")

    def press(self, key: str) -> None:
        """Press a key of the keyboard."""
        text = {"text": {"Enter": "\r"}.get(key, key)} if key != "Tab" else {}
        code = {"key": key, "windowsVirtualKeyCode": _KEYS[key]}
        self.call("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **code)

    def tab_to(self, what: str) -> None:
        """Press Tab until the element with this id, text or path has the focus."""
        script = "const { id, innerText, pathname } = document.activeElement;"
        for _ in range(80):
            if what in self.run(f"{script} return [id, innerText, pathname];"):
                return
            self.press("Tab")
        raise AssertionError(f"Tab does not lead to {what}")

    def insert(self, text: str) -> None:
        """Write into the input that has the focus."""
        self.call("Input.insertText", text=text)

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
        self.loads = Counter[str]()
        """How many pages were loaded, by session."""
        self.reports: list[Message] = []
        """What pages wrote to the console, for those that have called `Log.enable`."""

    @contextmanager
    def page(self, url: str, *, is_private: bool = False) -> Iterator["Page"]:
        """Open a page in a new tab until the end of the block.

        Args:
            url: Its address.
            is_private: Whether it has cookies and a storage of its own.
        """
        options = {"url": "about:blank"}
        if is_private:
            created = self.call("Target.createBrowserContext", {"disposeOnDetach": True})
            options["browserContextId"] = created["browserContextId"]
        target = self.call("Target.createTarget", options)["targetId"]
        attach = {"targetId": target, "flatten": True}
        session = self.call("Target.attachToTarget", attach)["sessionId"]
        self.call("Page.enable", {}, session)
        self.call("Page.navigate", {"url": url}, session)
        self.wait_for("Page.loadEventFired")
        try:
            yield Page(self, session)
        finally:
            self.call("Target.closeTarget", {"targetId": target})
            if is_private:
                context = {"browserContextId": options["browserContextId"]}
                self.call("Target.disposeBrowserContext", context)

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
                if message.get("method") == "Page.loadEventFired":
                    self.loads[message["sessionId"]] += 1
                if message.get("method") in _REPORTS:
                    self.reports.append(message["params"])
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
