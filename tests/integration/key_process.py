"""A process of the service that is told what to do, and what time it is.

`python -m tests.integration.key_process CLOCK` reads settings from its environment and the time
from the file CLOCK. Each line on stdin is a JSON list, the name of a step and its arguments; each
line on stdout is what the step gave.
"""

import asyncio
import io
import json
import os
import re
import sys
from datetime import datetime
from pathlib import Path

from application.otp.request_otp import RequestOtpCommand
from application.otp.verify_otp import LoggedIn, VerifyOtpCommand
from application.use_cases import UseCases
from domain.errors import Unauthenticated
from domain.otp.code import parse_otp_code
from domain.phone import parse_phone
from entrypoints.bootstrap import open_use_cases
from entrypoints.settings import read_settings
from tests.support.builders import ADDRESS


class FileClock:
    """The time that stands in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        return datetime.fromisoformat(self._path.read_text())


class Steps:
    """What a line may ask for."""

    def __init__(self, use_cases: UseCases, shown: io.StringIO) -> None:
        self._use_cases = use_cases
        self._shown = shown

    async def ask(self, phone: str) -> str:
        """Ask for a code; gives it."""
        await self._use_cases.request_otp(RequestOtpCommand(parse_phone(phone), ADDRESS))
        found: str = re.findall(r"\b[0-9]{6}\b", self._shown.getvalue())[-1]
        return found

    async def answer(self, phone: str, code: str) -> str | None:
        """Answer with a code; gives the token, if it was right."""
        answer = VerifyOtpCommand(parse_phone(phone), parse_otp_code(code), ADDRESS)
        answered = await self._use_cases.verify_otp(answer)
        return answered.tokens.access_token if isinstance(answered, LoggedIn) else None

    async def show(self, token: str) -> str | None:
        """Show a token; gives whose it is, if it counts."""
        try:
            return (await self._use_cases.authenticate(token)).identity.id
        except Unauthenticated:
            return None

    async def keys(self) -> list[str]:
        """Give the ids of the published keys."""
        return [key.id for key in self._use_cases.get_jwks()]


async def main() -> None:
    answers, sys.stdout = sys.stdout, io.StringIO()
    settings = read_settings(os.environ, None)
    async with open_use_cases(settings, FileClock(Path(sys.argv[1]))) as use_cases:
        steps = Steps(use_cases, sys.stdout)
        print("null", file=answers, flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            name, *arguments = json.loads(line)
            given = await getattr(steps, name)(*arguments)
            print(json.dumps(given), file=answers, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
