import asyncio
import sys

from entrypoints.banner import banner, check_can_show_messages, show
from entrypoints.bootstrap import open_use_cases
from entrypoints.commands.exit_codes import DONE, FAILED
from entrypoints.commands.streams import complain
from entrypoints.listening import listening_at
from entrypoints.server import serve
from entrypoints.settings import Settings


def run(settings: Settings) -> int:
    """Serve until a signal comes."""
    check_can_show_messages(settings, sys.stdout)
    with listening_at(settings.bind) as address:
        # Opened once before any worker is: keys and database are there then, and what cannot
        # be used is told in one line instead of by each worker.
        asyncio.run(_open_and_close(settings))
        for name, similar in settings.variables.unknown.items():
            meant = f"; did you mean {similar}?" if similar else "."
            complain(f"Warning: {name} is no setting of Dialtone{meant}")
        has_served = serve(settings, address, lambda: show(banner(settings), sys.stdout))
    return DONE if has_served else FAILED


async def _open_and_close(settings: Settings) -> None:
    async with open_use_cases(settings):
        pass
