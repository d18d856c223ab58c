import asyncio
from dataclasses import asdict

from entrypoints.bootstrap import open_use_cases
from entrypoints.commands.exit_codes import DONE
from entrypoints.commands.streams import say
from entrypoints.settings import Settings


def cleanup(settings: Settings) -> int:
    """Clear away what is shown no more, and say how much of what."""
    for name, count in asyncio.run(_swept(settings)).items():
        say(f"{name.replace('_', ' ')}: {count}")
    return DONE


async def _swept(settings: Settings) -> dict[str, int]:
    async with open_use_cases(settings) as use_cases:
        return asdict(await use_cases.cleanup())
