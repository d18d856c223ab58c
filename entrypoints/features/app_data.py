"""What the backend of the app keeps with a user."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from adapters.databases.records.features.app_data import KINDS, make_app_data_repositories
from entrypoints.features.feature import Feature

if TYPE_CHECKING:
    from entrypoints.http.administration.user_details import UserFields
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.parts.composition import Composition


class _AppData(Feature):
    name = "app_data"
    kinds = KINDS
    data = ("app data",)
    adds_to_export = True

    def user_fields(self) -> "Sequence[type[UserFields]]":
        from entrypoints.http.features.app_data.user_fields import AppDataFields

        return (AppDataFields,)

    def plugins(self, *_: object) -> "Sequence[ApiPlugin]":
        from entrypoints.http.features.app_data.plugin import AppDataPlugin

        return (AppDataPlugin(),)

    def add_details(self, composition: "Composition") -> None:
        from application.features.app_data.feature import add_app_data_details

        add_app_data_details(
            composition.use_cases, make_app_data_repositories(composition.database)
        )

    async def open(self, composition: "Composition") -> None:
        from application.features.app_data.feature import AppDataFeature

        repositories = make_app_data_repositories(composition.database)
        composition.use_cases.add(AppDataFeature(composition.use_cases, repositories))


APP_DATA: Final = _AppData()
