"""Build the use cases of imports from the core and the library."""

from collections.abc import Sequence

from application.features.imports.import_item import ImportItem
from application.features.imports.import_items import ImportItems
from application.features.imports.import_user import ImportUser
from application.features.imports.import_users import ImportUsers
from application.features.media.feature import LibraryFeature, MediaFeature
from application.use_cases import UseCases
from domain.features.media.image import VariantSpec


class ImportsFeature:
    """The use cases of imports. Whoever imports writes an audit entry by `record_act` before.

    Without the media store, an import of items can only be tried.
    """

    def __init__(
        self, core: UseCases, variant_specs: Sequence[VariantSpec], max_file_bytes: int
    ) -> None:
        clock, randomness = core.system.clock, core.system.randomness
        identities, policy = core.repositories.identities, core.identities.policy
        library, media = core.of(LibraryFeature), core.find(MediaFeature)
        self.record_act = core.record_act
        self.import_user = ImportUser(
            identities=identities,
            phone_verifications=core.repositories.phone_verifications,
            keyed_hashes=core.keyed_hashes,
            record_act=core.record_act,
            operator_actions=core.identities.operator_actions,
            clock=clock,
            randomness=randomness,
            test_otps=policy.test_otps,
            username_rules=policy.username_rules,
        )
        self.import_users = ImportUsers(self.import_user)
        import_item = ImportItem(
            identities=identities,
            media_items=library.repositories.items,
            idempotency_keys=library.repositories.idempotency_keys,
            media_ports=media.ports if media else None,
            mark_for_deletion=library.mark_for_deletion,
            clock=clock,
            randomness=randomness,
            variant_specs=tuple(variant_specs),
            max_file_bytes=max_file_bytes,
        )
        self.import_items = ImportItems(import_item, identities, library.quota)
