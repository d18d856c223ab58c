"""Build the use cases of what the backend of the app keeps with users."""

from application.features.app_data.act_for_app import ActForApp
from application.features.app_data.export import ExportAppData
from application.features.app_data.ports import AppDataRepositories
from application.features.app_data.stored_data import StoredData
from application.owned_records import OwnedRecords
from application.use_cases import UseCases


class AppDataFeature:
    """The use cases of what the backend of the app keeps with users."""

    def __init__(self, core: UseCases, repositories: AppDataRepositories) -> None:
        identities = core.repositories.identities
        app_data = OwnedRecords(repositories.app_data, identities)
        app_data.delete_with_owner(core)
        self.stored_data = StoredData(app_data)
        self.act_for_app = ActForApp(
            act=core.administration.act_for_users,
            stored_data=self.stored_data,
            identities=identities,
        )
        core.administration.export_parts.append(ExportAppData(self.stored_data))
