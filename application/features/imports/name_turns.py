"""Users of one import who have the same name: the first one gets it."""

import asyncio
from collections import defaultdict
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import replace

from application.features.imports.import_user import (
    ImportedUser,
    ImportOutcome,
    ImportProblem,
    ImportResult,
    ImportRun,
    ImportUser,
)
from domain.errors import InvalidValue
from domain.identities.username import parse_username


def hash_name(user: ImportedUser) -> int | None:
    """Return a hash that all spellings of the user's name have; None without a valid name."""
    if user.username is not None:
        with suppress(InvalidValue):
            return hash(parse_username(user.username).key)
    return None


class NameTurns:
    """Imports users with a repeated name one after another, in the order in which they are begun.

    So it does not depend on chance who gets the name, and a dry run knows it. All other users are
    imported in parallel.
    """

    def __init__(
        self, import_user: ImportUser, repeated: AbstractSet[int], run: ImportRun | None
    ) -> None:
        """Import users; `repeated` are the hashes of the names that several of them have.

        Without a run, it is a dry run.
        """
        self._import_user = import_user
        self._repeated = repeated
        self._run = run
        self._locks = defaultdict[int, asyncio.Lock](asyncio.Lock)
        self._taken = set[int]()

    async def __call__(self, user: ImportedUser) -> ImportResult:
        """Import a user, or only say what would become of it.

        Raises:
            AuditFailed
            StorageError
            CorruptRecord
        """
        name = hash_name(user) if self._repeated else None
        if name is None or name not in self._repeated:
            return await self._import_user(user, self._run)
        async with self._locks[name]:  # it is fair
            result = await self._import_user(user, self._run)
            is_new = result.outcome in (ImportOutcome.CREATED, ImportOutcome.COMPLETED)
            if self._run is None and is_new and result.problem is None:
                if name in self._taken:
                    return replace(result, problem=ImportProblem.USERNAME_IN_USE)
                self._taken.add(name)
        return result
