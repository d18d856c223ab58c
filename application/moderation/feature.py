"""Moderation builds itself: from the library and the audit."""

from application.media.feature import MediaFeature
from application.moderation.moderate_items import ModerateItems
from application.ports.repositories import Repositories
from application.record_act import RecordAct


class ModerationFeature:
    """The use cases of administrators who look after the library."""

    def __init__(
        self, repositories: Repositories, media: MediaFeature, record_act: RecordAct
    ) -> None:
        self.items = ModerateItems(
            media_items=repositories.media_items,
            identities=repositories.identities,
            mark_for_deletion=media.mark_for_deletion,
            record_act=record_act,
        )
        self.open_file = media.open_file
