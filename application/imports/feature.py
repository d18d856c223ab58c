"""Imports build themselves from their ports and the policy of identities."""

from application.identities.feature import IdentitiesPolicy
from application.identities.operators import OperatorActions
from application.identities.phone_holds import PhoneHolds
from application.imports.hookaba_items import ImportHookabaItems
from application.imports.hookaba_users import ImportHookabaUsers
from application.imports.import_hookaba import ImportHookaba
from application.imports.import_item import ImportItem
from application.imports.import_user import ImportUser
from application.imports.import_users import ImportUsers
from application.media.feature import MediaFeature, MediaPolicy, MediaPorts
from application.ports.keyed_hashes import KeyedHashes
from application.ports.repositories import Repositories
from application.ports.system import SystemPorts
from application.record_act import RecordAct


class ImportsFeature:
    """The use cases of imports. Whoever imports writes an audit entry by `record_act` before.

    An identity that exists and changes has one of its own.
    """

    def __init__(
        self,
        system: SystemPorts,
        repositories: Repositories,
        policy: IdentitiesPolicy,
        keyed_hashes: KeyedHashes,
        record_act: RecordAct,
        operator_actions: OperatorActions,
        media: MediaFeature,
        media_ports: MediaPorts,
        media_policy: MediaPolicy,
    ) -> None:
        self.record_act = record_act
        self.import_user = ImportUser(
            identities=repositories.identities,
            phone_verifications=repositories.phone_verifications,
            phone_holds=PhoneHolds(
                repositories.phone_verifications, repositories.identities, system.clock
            ),
            keyed_hashes=keyed_hashes,
            record_act=record_act,
            operator_actions=operator_actions,
            clock=system.clock,
            randomness=system.randomness,
            test_otps=policy.test_otps,
            username_rules=policy.username_rules,
        )
        self.import_users = ImportUsers(import_user=self.import_user)
        items, identities, clock = repositories.media_items, repositories.identities, system.clock
        import_item = ImportItem(
            identities=identities,
            media_items=items,
            idempotency_keys=repositories.idempotency_keys,
            media_files=media_ports.files,
            image_publisher=media_ports.image_publisher,
            mark_for_deletion=media.mark_for_deletion,
            clock=clock,
            randomness=system.randomness,
            variant_specs=tuple(media_policy.variant_specs),
        )
        self.import_hookaba = ImportHookaba(
            ImportHookabaUsers(import_user=self.import_user, identities=identities, clock=clock),
            ImportHookabaItems(
                import_item=import_item,
                media_items=items,
                media_files=media_ports.files,
                quota=media.quota,
                clock=clock,
            ),
        )
