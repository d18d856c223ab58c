"""What features add to what operators see and do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from domain.administration.retained_data import RetainedData

if TYPE_CHECKING:  # most programs open none of these
    from application.administration.export_files import ExportedFiles
    from application.administration.show_user import LoadDetails
    from application.administration.user_acts import UserAct


@dataclass(frozen=True, kw_only=True)
class AdministrationAdditions:
    """What features add.

    Attributes:
        details: Shown of a user.
        user_acts: What operators do for a user in addition.
        exported: The files that an export has in addition.
        cleaned_up: What the cleanup deletes of a deleted user, such as `library`.
        retained_data: What remains of a user who was deleted at this time.
    """

    details: "Sequence[LoadDetails]" = ()
    user_acts: "Sequence[UserAct]" = ()
    exported: "Sequence[ExportedFiles]" = ()
    cleaned_up: Sequence[str] = ()
    retained_data: Sequence[Callable[[datetime], RetainedData]] = ()
