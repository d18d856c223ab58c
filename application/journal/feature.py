"""The journal builds itself: what writes acts, and what repeats those that a backup lacks."""

from application.administration.act_for_users import ActForUsers
from application.journal.check_restore import CheckRestore
from application.journal.write_acts import WriteActs
from application.moderation.moderate_items import ModerateItems
from application.ports.repositories import Repositories


class JournalFeature:
    """The use cases of the journal. `write_acts` is None where there is none."""

    def __init__(
        self,
        repositories: Repositories,
        write_acts: WriteActs | None,
        act_for_users: ActForUsers,
        moderate_items: ModerateItems,
    ) -> None:
        """Build them."""
        self.write_acts = write_acts
        self.check_restore = CheckRestore(
            repositories=repositories, act=act_for_users, items=moderate_items
        )
