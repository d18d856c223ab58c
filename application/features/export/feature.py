"""Build the use cases of exports from the core, and from what features add."""

from application.administration.feature import UserDetailsUseCases
from application.features.export.export_user import ExportOwnData, ExportUser
from application.features.export.files import CollectFiles
from application.features.export.ports import ExportRepositories
from application.operations.cleanup import expire
from application.owned_records import OwnedRecords
from application.use_cases import UseCases
from domain.otp.sliding_window import CLOCK_SKEW


class ExportFeature:
    """The use cases of exports."""

    def __init__(self, core: UseCases, own: ExportRepositories) -> None:
        repositories, clock = core.repositories, core.system.clock
        data_exports = OwnedRecords(own.data_exports, repositories.identities)
        data_exports.delete_with_owner(core)
        steps = {"expired_data_exports": expire(own.data_exports, CLOCK_SKEW)}
        core.operations.cleanup.add_steps(steps)
        collect_files = CollectFiles(
            phone_verifications=repositories.phone_verifications,
            delivery_reports=repositories.delivery_reports,
            data_exports=data_exports,
            audit_log=repositories.audit_log,
            parts=core.administration.export_parts,
            clock=clock,
        )
        self.export_own_data = ExportOwnData(data_exports, collect_files, clock)
        self.export_user = ExportUser(
            core.administration.act_for_users,
            core.of(UserDetailsUseCases).view_phone,
            collect_files,
        )
