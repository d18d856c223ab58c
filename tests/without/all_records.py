"""Make a database with a record of each feature, in the environment of a service."""

import asyncio
import json
import os
from pathlib import Path
from typing import Final

from adapters.records.kinds import KINDS
from adapters.records.undeclared_records import FEATURES_OF_KINDS
from entrypoints.bootstrap import open_use_cases
from entrypoints.opening.database import open_database
from entrypoints.opening.keys import load_encryption
from entrypoints.settings.read import read_settings

_RECORDS: Final = Path(__file__).parents[1] / "unit/golden/records_2.json"


async def make_records() -> None:
    """Make keys and database as a first start does, and add the records."""
    settings = read_settings(os.environ, None)
    async with open_use_cases(settings, ()):
        pass
    encryption = load_encryption(settings)
    assert encryption is not None
    golden = json.loads(_RECORDS.read_bytes())
    async with open_database(settings, encryption) as database:
        for kind in KINDS:
            if kind.name in FEATURES_OF_KINDS:
                record = kind.decode(json.dumps(golden[kind.name][0]))
                await database.records.add(kind, "a" * 24, record, 1)


if __name__ == "__main__":
    asyncio.run(make_records())
