"""Build what writes acts to the journal, and what repeats those that a backup lacks."""

from application.journal.check_restore import CheckRestore
from application.journal.write_acts import WriteActs
from application.use_cases import UseCases


class JournalFeature:
    """The use cases of the journal. `write_acts` is None where there is none."""

    def __init__(self, core: UseCases, write_acts: WriteActs | None) -> None:
        self.write_acts = write_acts
        self.check_restore = CheckRestore(
            repositories=core.repositories,
            act=core.administration.act_for_users,
            items=core.administration.item_acts,
        )
