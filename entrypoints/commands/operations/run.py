"""`dialtone run`."""

import sys
from multiprocessing import get_context

import click

from entrypoints.commands.shared.command import Command
from entrypoints.commands.shared.printing import EXIT_FAILED, EXIT_OK, print_result
from entrypoints.server.run import run_service
from entrypoints.settings.settings import Settings


@click.command(cls=Command, examples=[""], checks_files=True, needs_data=False)
@click.option(
    "--force",
    is_flag=True,
    help="Use a database that was copied to another one; what is written to it is not in the copy.",
)
@click.pass_context
def run(ctx: click.Context, settings: Settings, *, force: bool) -> tuple[()]:
    """Start the HTTP service. Ctrl-C or SIGTERM stops it."""
    if force and not _forget_copy(settings):
        ctx.exit(EXIT_FAILED)
    if not run_service(settings):
        ctx.exit(EXIT_FAILED)
    return ()


def _forget_copy(settings: Settings) -> bool:
    """Run `forget_copy` in a process: the parent of the workers imports no database adapter."""

    def forget() -> None:
        from adapters.operations.logging import flush_log
        from entrypoints.commands.operations.copy_jobs import forget_copy

        code = print_result(lambda: forget_copy(settings))
        flush_log()
        sys.exit(code)

    process = get_context("fork").Process(target=forget)
    process.start()
    process.join()
    return process.exitcode == EXIT_OK
