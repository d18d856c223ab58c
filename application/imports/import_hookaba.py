"""Import users and library of hookaba-backend."""

from dataclasses import dataclass

from application.imports.hookaba_items import ImportHookabaItems
from application.imports.hookaba_report import HookabaImport, HookabaReport
from application.imports.hookaba_users import ImportHookabaUsers


@dataclass(frozen=True, slots=True)
class ImportHookaba:
    """Import users first, then the library. A repeat reads what was imported, and goes on."""

    import_users: ImportHookabaUsers
    import_items: ImportHookabaItems

    async def __call__(self, command: HookabaImport) -> HookabaReport:
        """Import everything, or say what an import would do.

        Raises:
            StorageError, CorruptRecord, MediaStorageUnavailable, DomainError: Run it again.
        """
        report = HookabaReport()
        accepted_ids = await self.import_users(command, report)
        if command.files is None:
            report.skipped_items = await command.service.count_items()
        else:
            await self.import_items(command, command.files, report, accepted_ids)
        return report
