"""Print the functions of ours that a request enters, in their order.

python -m tests.tooling.request_path POST /auth/request-otp '{"phone": "+14155552671"}'

It goes to the application with fakes as ports.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tests.support.app_harness import AppHarness
from tests.support.http_app import open_http_client
from tests.support.markdown import PROJECT

LAYERS: Final = ("domain", "application", "adapters", "entrypoints")


@contextmanager
def entered_functions() -> Iterator[dict[str, None]]:
    """Yield the functions that are entered until the end of the block, each once."""
    entered: dict[str, None] = {}

    def note(frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(PROJECT):
            file = path.relative_to(PROJECT)
            if file.parts[0] in LAYERS and not frame.f_code.co_name.startswith("<"):
                entered[f"{file}  {frame.f_code.co_qualname}"] = None

    sys.setprofile(note)
    try:
        yield entered
    finally:
        sys.setprofile(None)


async def follow(method: str, path: str, body: str) -> None:
    """Send the request once, so that all is imported, and again to print what it enters."""
    for prints in (False, True):
        async with open_http_client(AppHarness().use_cases) as http:
            with entered_functions() as entered:
                headers = {"Content-Type": "application/json"}
                response = await http.request(method, path, content=body, headers=headers)
        if prints:
            files = {line.partition("  ")[0] for line in entered}
            print(*entered, sep="\n")
            print(f"{response.status_code}: {len(entered)} functions in {len(files)} files")


asyncio.run(follow(*sys.argv[1:]))
