"""Build the use cases of exports from the core, and from what features add."""

from application.export.export_user import ExportOwnData, ExportUser
from application.export.files import CollectFiles
from application.otp.feature import LimitsFeature
from application.use_cases import UseCases


class ExportFeature:
    """The use cases of exports."""

    def __init__(self, core: UseCases) -> None:
        repositories, clock = core.repositories, core.system.clock
        collect_files = CollectFiles(
            phone_verifications=repositories.phone_verifications,
            delivery_reports=repositories.delivery_reports,
            audit_log=repositories.audit_log,
            parts=core.administration.export_parts,
            clock=clock,
        )
        self.export_own_data = ExportOwnData(repositories.identities, collect_files, clock)
        self.export_user = ExportUser(
            core.administration.act_for_users,
            core.of(LimitsFeature).view_phone,
            collect_files,
        )
