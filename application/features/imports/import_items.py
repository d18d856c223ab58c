"""Import the items of a file, and count those of each owner."""

from dataclasses import dataclass
from typing import Final

from application.features.imports.import_item import ImportItem
from application.features.imports.item_lines import ImportedItem
from application.features.imports.lines import (
    CheckedLines,
    ImportCounts,
    ImportResult,
    ImportRun,
    Observer,
    import_lines,
)
from application.features.imports.ports import Pictures
from application.features.media.quota import LibraryQuota
from application.pacing import call_in_groups
from application.ports.identities import Identities
from domain.errors import InvalidValue
from domain.identifier import parse_identifier
from domain.identities.external_id import parse_external_id
from domain.identities.identity import Identity

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
            found = await self.identities.load(identity_id)
            if found is not None and found.value.imported.at and not found.value.is_deleted:
                return found.value
        try:
            external_id = parse_external_id(text)
        except InvalidValue:
            return None
        by_external_id = await self.identities.find_by_external_id(external_id)
        return by_external_id.value if by_external_id else None
