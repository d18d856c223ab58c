"""The imports of users and of items, whole files."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from application.features.imports.import_item import ImportItem, Pictures
from application.features.imports.import_user import ImportUser
from application.features.imports.item_lines import ImportedItem
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
from application.features.media.feature import Media
from application.features.media.quota import LibraryQuota
from application.pacing import call_in_groups
from application.ports.identities import Identities
from application.use_cases import UseCases
from domain.errors import InvalidValue
from domain.features.media.image import VariantSpec
from domain.identifier import parse_identifier
from domain.identities.external_id import parse_external_id
from domain.identities.identity import Identity

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


_PARALLEL_ITEMS: Final = 8
"""A few more than images are decoded at the same time."""


@dataclass(frozen=True, slots=True)
class ImportItems:
    """Import the items of a file that is checked.

    The id of an account that was made here names no owner: another system could have any text.
    """

    import_item: ImportItem
    identities: Identities
    quota: LibraryQuota

    async def __call__(
        self,
        checked: CheckedLines[ImportedItem],
        pictures: Pictures,
        observer: Observer,
        run: ImportRun | None,
    ) -> ImportCounts:
        owner_ids = set[str]()

        async def import_one(item: ImportedItem) -> ImportResult:
            owner = await self._find_owner(item.owner)
            if owner is not None:
                owner_ids.add(owner.id)
            owner_id = owner.id if owner else None
            return await self.import_item(item, owner_id, pictures, is_dry_run=run is None)

        counts = await import_lines(checked, import_one, _PARALLEL_ITEMS, observer)
        if run is not None:
            # Also of items that were imported before: that import may have been killed here.
            await call_in_groups(self.quota.recount, sorted(owner_ids))
        return counts

    async def _find_owner(self, text: str) -> Identity | None:
        identity_id = parse_identifier(text)
        if identity_id is not None:
            loaded = await self.identities.load(identity_id)
            if loaded is not None and loaded.value.imported.at and not loaded.value.is_deleted:
                return loaded.value
        try:
            external_id = parse_external_id(text)
        except InvalidValue:
            return None
        by_external_id = await self.identities.find_by_external_id(external_id)
        return by_external_id.value if by_external_id else None


class ImportsFeature:
    """The use cases of imports. Callers write an audit entry by `record_act` before.

    Without the media store, an import of items can only be tried.
    """

    def __init__(
        self,
        core: UseCases,
        of_media: Media,
        variant_specs: Sequence[VariantSpec],
        max_file_bytes: int,
    ) -> None:
        clock, randomness = core.system.clock, core.system.randomness
        identities, policy = core.repositories.identities, core.identities.policy
        library = of_media.moderation
        self.record_act = core.record_act
        self.import_user = ImportUser(
            identities=identities,
            phone_verifications=core.repositories.phone_verifications,
            keyed_hashes=core.keyed_hashes,
            record_act=core.record_act,
            operator_actions=core.identities.operator_actions,
            clock=clock,
            randomness=randomness,
            fixed_codes=policy.fixed_codes,
            username_rules=policy.username_rules,
        )
        self.import_users = ImportUsers(self.import_user)
        import_item = ImportItem(
            identities=identities,
            media_items=library.repositories.items,
            idempotency_keys=library.repositories.idempotency_keys,
            media_ports=of_media.ports,
            mark_for_deletion=library.mark_for_deletion,
            clock=clock,
            randomness=randomness,
            variant_specs=tuple(variant_specs),
            max_file_bytes=max_file_bytes,
        )
        self.import_items = ImportItems(import_item, identities, library.quota)
