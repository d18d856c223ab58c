"""Exports build themselves from the repositories, the media store and the recordings."""

from application.administration.feature import AdministrationFeature
from application.export.export_user import ExportOwnData, ExportUser
from application.export.files import CollectFiles
from application.operations.feature import OperationsPorts
from application.ports.repositories import Repositories
from application.ports.system import SystemPorts


class ExportFeature:
    """The use cases of exports."""

    def __init__(
        self,
        system: SystemPorts,
        repositories: Repositories,
        ports: OperationsPorts,
        administration: AdministrationFeature,
    ) -> None:
        collect_files = CollectFiles(
            phone_verifications=repositories.phone_verifications,
            delivery_reports=repositories.delivery_reports,
            media_items=repositories.media_items,
            media_usages=repositories.media_usages,
            media_files=ports.media_files,
            calls=repositories.calls,
            recordings=ports.recordings,
            audit_log=repositories.audit_log,
            clock=system.clock,
        )
        self.export_own_data = ExportOwnData(
            repositories.identities, collect_files, ports.media_health, system.clock
        )
        self.export_user = ExportUser(
            administration.find_user,
            administration.record_act,
            administration.view_phone,
            collect_files,
            ports.media_health,
        )
