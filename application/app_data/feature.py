"""Build the use cases of what the backend of the app keeps with users."""

from application.app_data.act_for_app import ActForApp
from application.app_data.export import ExportAppData
from application.app_data.stored_data import StoredData
from application.ports.app_data import AppDataRepositories
from application.use_cases import UseCases


class AppDataFeature:
    """The use cases of what the backend of the app keeps with users."""

    def __init__(self, core: UseCases, repositories: AppDataRepositories) -> None:
        identities = core.repositories.identities
        self.stored_data = StoredData(repositories.app_data, identities)
        self.act_for_app = ActForApp(
            act=core.administration.act_for_users,
            stored_data=self.stored_data,
            identities=identities,
        )
        core.identities.extensions.after_deletion.append(self.stored_data.delete)
        core.operations.cleanup.on_purge(self.stored_data.delete)
        core.administration.export_parts.append(ExportAppData(self.stored_data))
