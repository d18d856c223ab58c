"""The file that operators copy."""

from entrypoints.settings.table import VARIABLES

_HEAD = """\
# Every setting, with its default. Copy this file to .env and take the # away from what you
# change; nothing behind the = stands for "not set". The environment wins over the file.
"""


def example_file() -> str:
    """Give the text of `.env.example`; copied as it is, it changes nothing."""
    entries = (f"# {one.line}\n#{one.name}={one.default}\n" for one in VARIABLES)
    return "\n".join((_HEAD, *entries))
