"""Import the users of a file."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Final

from application.features.imports.import_user import ImportUser
from application.features.imports.lines import (
    CheckedLines,
    ImportCounts,
    ImportOutcome,
    ImportProblem,
    ImportResult,
    ImportRun,
    Observer,
    import_lines,
)
from application.features.imports.user_lines import ImportedUser

_PARALLEL_USERS: Final = 64


@dataclass(frozen=True, slots=True)
class ImportUsers:
    """Import the users of a file that is checked.

    Those who have the same name take turns in the order of their lines: the first one gets it, and
    a dry run knows it.
    """

    import_user: ImportUser

    async def __call__(
        self, checked: CheckedLines[ImportedUser], observer: Observer, run: ImportRun | None
    ) -> ImportCounts:
        turns = defaultdict[str, asyncio.Lock](asyncio.Lock)
        taken = set[str]()

        async def import_one(user: ImportedUser) -> ImportResult:
            name = user.name_key
            if name is None or not checked.is_name_repeated(user):
                return await self.import_user(user, run)
            async with turns[name]:  # it is fair
                result = await self.import_user(user, run)
                is_new = result.outcome in (ImportOutcome.CREATED, ImportOutcome.COMPLETED)
                if run is None and is_new and result.problem is None:
                    if name in taken:
                        return replace(result, problem=ImportProblem.USERNAME_IN_USE)
                    taken.add(name)
            return result

        return await import_lines(checked, import_one, _PARALLEL_USERS, observer)
