"""A process with the use cases of the service, controlled by a test.

`python -m tests.integration.service_process CLOCK` reads the settings from its environment and the
time from the file CLOCK. Each line on stdin is a JSON list: the name of a command and its
arguments. Each line on stdout is the result of a command as JSON.
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
from domain.otp.challenge import parse_otp_code
from domain.phone import parse_phone
from entrypoints.bootstrap import open_use_cases
from entrypoints.settings import read_settings
from tests.support.builders import CLIENT_IP


class FileClock:
    """A clock whose time is in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        return datetime.fromisoformat(self._path.read_text())


class Commands:
    """The commands that a test can send."""

    def __init__(self, use_cases: UseCases, messages: io.StringIO) -> None:
        self._use_cases = use_cases
        self._messages = messages

    async def request_otp(self, phone: str) -> str:
        """Request a code and return it."""
        await self._use_cases.request_otp(RequestOtpCommand(parse_phone(phone), CLIENT_IP))
        code: str = re.findall(r"\b[0-9]{6}\b", self._messages.getvalue())[-1]
        return code

    async def verify_otp(self, phone: str, code: str) -> str | None:
        """Return an access token, or None if the code is wrong."""
        command = VerifyOtpCommand(parse_phone(phone), parse_otp_code(code), CLIENT_IP)
        result = await self._use_cases.verify_otp(command)
        return result.tokens.access_token if isinstance(result, LoggedIn) else None

    async def authenticate(self, token: str) -> str | None:
        """Return the user id of an access token, or None if the token is invalid."""
        try:
            return (await self._use_cases.authenticate(token)).identity.id
        except Unauthenticated:
            return None

    async def published_key_ids(self) -> list[str]:
        """Return the ids of the published keys."""
        return [key.id for key in self._use_cases.get_jwks()]


async def main() -> None:
    results, sys.stdout = sys.stdout, io.StringIO()
    settings = read_settings(os.environ, None)
    async with open_use_cases(settings, FileClock(Path(sys.argv[1]))) as use_cases:
        commands = Commands(use_cases, sys.stdout)
        print("null", file=results, flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            name, *arguments = json.loads(line)
            result = await getattr(commands, name)(*arguments)
            print(json.dumps(result), file=results, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
