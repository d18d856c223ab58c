"""What the operator sees when the service starts."""

import os
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

from entrypoints.settings import Settings, describe
from entrypoints.settings.values import Factory, MediaFolder, SmsProvider, SqliteDatabase
from entrypoints.startup_error import StartupError


def check_can_show_messages(settings: Settings, stdout: TextIO | None) -> None:
    """Raise StartupError when messages are to be shown where nothing can be."""
    if SmsProvider.CONSOLE in settings.sms and stdout is None:
        raise StartupError(
            "DIALTONE_SMS=console shows messages on stdout, which is closed: leave it open, "
            "send it to a file (dialtone run >messages.txt), or take another sender. "
            "Example: DIALTONE_SMS=twilio"
        )


def show(text: str, stdout: TextIO | None) -> None:
    """Print the text as far as anybody takes it; nothing else hangs on that."""
    if stdout is None:
        return
    data = f"{text}\n".encode(stdout.encoding, "backslashreplace")
    with suppress(OSError):
        # Past the stream's own buffer: what is stuck in there keeps the process from ending well.
        while data:
            data = data[os.write(stdout.fileno(), data) :]


def banner(settings: Settings) -> str:
    """Say where it listens, where the API page is, and what stands in for what."""
    url = settings.bind.local_url
    return "\n".join(
        [
            "",
            f"  Dialtone {version('dialtone')} listens at {url}",
            "",
            f"  API page:  {url}/docs",
            f"  messages:  {_messages(settings)}",
            f"  media:     {_media(settings)}",
            f"  database:  {_database(settings)}",
            f"  keys:      {_short(settings.secrets_file)}",
            "",
            "  Ctrl-C stops it.",
            "",
        ]
    )


def _messages(settings: Settings) -> str:
    return ", or else ".join(_sender(one) for one in settings.sms)


def _sender(sender: SmsProvider | Factory) -> str:
    match sender:
        case SmsProvider.CONSOLE:
            return "shown below"
        case SmsProvider.TWILIO:
            return "sent by Twilio"
        case Factory(path=path):
            return f"sent by {path}"


def _media(settings: Settings) -> str:
    if isinstance(settings.media, MediaFolder):
        return _short(settings.media.path)
    return _as_written(settings, "DIALTONE_MEDIA")


def _database(settings: Settings) -> str:
    if isinstance(settings.database, SqliteDatabase):
        return _short(settings.database.path)
    return _as_written(settings, "DIALTONE_DATABASE")


def _as_written(settings: Settings, name: str) -> str:
    return next(row.shown for row in describe(settings) if row.name == name)


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
