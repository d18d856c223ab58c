"""Data of users from the backend of the app."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from adapters.databases.records.features.app_data import KINDS, make_app_data
from application.additions import Additions
from application.opened import Opened
from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from application.features.app_data import ActForApp
    from entrypoints.http.additions import HttpAdditions
    from entrypoints.http.administration.user_details import UserFields
    from entrypoints.parts.composition import Composition


class _AppData(Feature["ActForApp"]):
    name = "app_data"
    kinds = KINDS
    data = ("app data",)
    adds_to_export = True

    def user_fields(self) -> "Sequence[type[UserFields]]":
        from entrypoints.http.features.app_data.fields import AppDataFields

        return (AppDataFields,)

    def http_additions(self, *_: object) -> "Sequence[HttpAdditions]":
        from entrypoints.http.features.app_data.api import AppDataHttpAdditions

        return (AppDataHttpAdditions(),)

    def details(self, composition: "Composition") -> Additions:
        from application.features.app_data import show_app_data

        return show_app_data(composition.core_ports, make_app_data(composition.database))

    async def open(self, composition: "Composition") -> Opened["ActForApp"]:
        from application.features.app_data import open_app_data

        return open_app_data(composition.core_ports, make_app_data(composition.database))


APP_DATA: Final = _AppData()
