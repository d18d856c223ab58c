"""`dialtone user export`."""

import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from application.administration.find_user import FoundUser
from application.export import acts
from application.export.feature import ExportFeature
from entrypoints.commands.new_file import create_file
from entrypoints.commands.parsing import parse_file
from entrypoints.commands.user_calls import UserCall, call_for_user
from entrypoints.features import FEATURES
from entrypoints.features.export import EXPORT
from entrypoints.http.export.archive import write_archive
from entrypoints.opening.startup_error import CommandError, print_errors
from entrypoints.settings.settings import Settings

_PROGRESS_SECONDS: Final = 1.0


def export(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Write all data of a user to a new file, which only its owner can read."""
    path = parse_file(arguments.output)
    features = [feature for feature in FEATURES if feature.adds_to_export]
    for feature in features:
        feature.check_created(settings)
    with create_file(path) as file:

        async def write(call: UserCall) -> tuple[FoundUser, int]:
            show_progress = _ProgressLine()
            export_user = call.use_cases.of(ExportFeature).export_user
            async with export_user(call.caller, call.query, call.reason) as opened:
                async for part in write_archive(opened):
                    with _explain_write_error(path):
                        file.write(part)
                    show_progress(file.tell())
                # A full disk may say so only now; then the export has failed for the audit too.
                with _explain_write_error(path):
                    file.flush()
                    os.fsync(file.fileno())
                opened.complete()
            return call.user, opened.missing_files

        user, missing = call_for_user(
            settings, arguments, write, [EXPORT, *features], act=acts.EXPORT
        )
        size = file.tell()
    if missing:
        print_errors(
            f"Files that are no longer in the store: {missing}. not_included.json names them."
        )
    yield f"{path} has the data of {user.subject}: {_format_size(size)}."
    yield f"Only its owner (uid {os.geteuid()}) can read it."


@contextmanager
def _explain_write_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from None


class _ProgressLine:
    """Prints progress to stderr if it is a terminal, once a second."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._shown_at = time.monotonic()

    def __call__(self, size: int) -> None:
        if self._is_terminal and time.monotonic() - self._shown_at >= _PROGRESS_SECONDS:
            self._shown_at = time.monotonic()
            print_errors(f"{_format_size(size)} written")


def _format_size(size: int) -> str:
    return f"{size / 10**6:.1f} MB" if size >= 10**6 else f"{size / 10**3:.1f} kB"
