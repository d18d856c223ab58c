"""`dialtone` with what a test has a hand in: its clock, and the step at which it is killed.

`python -m tests.faults.altered run`, in a folder where the test writes what it wants:

- `clock`: by how many seconds the clock is off;
- `steps`: the service is killed with -9 after so many further calls to what is outside of it.
"""

import os
import signal
import sys
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast
from unittest.mock import patch

from adapters.system import SystemClock
from application.ports.repositories import Repositories
from application.use_cases import UseCases
from application.wiring import Policy, Ports, build_use_cases
from entrypoints.cli import main

CLOCK: Final = Path("clock")
STEPS: Final = Path("steps")


class ShiftedClock(SystemClock):
    """The machine's clock, off by what the test says at this moment."""

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=_number(CLOCK) or 0)


class Counted:
    """A port, each of whose calls is a step, after which the service may be dead."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._port, name)

        async def counted(*arguments: Any, **named: Any) -> Any:
            outcome = await call(*arguments, **named)
            _count_step()
            return outcome

        return counted


def _count_step() -> None:
    left = _number(STEPS)
    if left is None:
        return
    STEPS.write_text(str(left - 1))
    if left == 1:
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except FileNotFoundError:
        return None


def _wire_counted(ports: Ports, rules: Policy) -> UseCases:
    records = {
        one.name: Counted(getattr(ports.repositories, one.name)) for one in fields(Repositories)
    }
    return build_use_cases(
        replace(
            ports,
            repositories=Repositories(**cast("dict[str, Any]", records)),
            media_files=cast("Any", Counted(ports.media_files)),
            messenger=cast("Any", Counted(ports.messenger)),
        ),
        rules,
    )


if __name__ == "__main__":
    with (
        patch("adapters.system.SystemClock", ShiftedClock),
        patch("entrypoints.bootstrap.wire", _wire_counted),
    ):
        sys.exit(main())
