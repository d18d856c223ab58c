"""What is shown of a user's library."""

from dataclasses import dataclass

from application.features.media.ports import MediaUsages
from application.use_cases import UseCases
from domain.features.media.usage import MediaUsage, Quota
from domain.identities.identity import Identity


@dataclass(frozen=True, slots=True)
class LibraryDetails:
    """What a user has in the library, and may have there."""

    usage: MediaUsage
    quota: Quota


def add_library_details(core: UseCases, media_usages: MediaUsages, quota: Quota) -> None:
    """Let the core show libraries. Only records are read."""

    async def load(identity: Identity | None) -> LibraryDetails | None:
        if identity is None or identity.is_deleted:
            return None
        usage = await media_usages.load(identity.id)
        return LibraryDetails(usage.value if usage else MediaUsage(identity.id), quota)

    core.administration.details_parts.append(load)
    core.administration.list_retained_data.cleaned_up.append("library")
