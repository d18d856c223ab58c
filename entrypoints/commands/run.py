"""`dialtone run`."""

import sys
from argparse import Namespace
from collections.abc import Iterable

from entrypoints.commands.printing import EXIT_FAILED, EXIT_OK, print_result
from entrypoints.settings.settings import Settings


def run(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """Run the service until it is stopped."""
    if arguments.force and not _forget_copy(settings):
        sys.exit(EXIT_FAILED)
    from entrypoints.server.run import run_service

    if not run_service(settings):
        sys.exit(EXIT_FAILED)
    return ()


def _forget_copy(settings: Settings) -> bool:
    """Let the service start with a database that was copied, and return whether that succeeded.

    It runs in a process of its own: the parent of the workers imports no adapter of a database.
    """
    from multiprocessing import get_context

    def forget() -> None:
        from adapters.logging import flush_log
        from entrypoints.commands.copy import forget_copy

        code = print_result(lambda: forget_copy(settings))
        flush_log()
        sys.exit(code)

    process = get_context("fork").Process(target=forget)
    process.start()
    process.join()
    return process.exitcode == EXIT_OK
