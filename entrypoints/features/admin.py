"""The REST administration with service tokens, and the list of users."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from adapters.databases.records.features.admin import KINDS
from entrypoints.features.feature import Feature, make_user_details_form

if TYPE_CHECKING:
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.opening.opening import Opening
    from entrypoints.settings.settings import Settings


class _Admin(Feature):
    name = "admin"
    kinds = KINDS

    def plugins(self, settings: "Settings", installed: Sequence[Feature]) -> "Sequence[ApiPlugin]":
        del settings
        from entrypoints.http.features.admin.plugin import AdminPlugin

        return (AdminPlugin(make_user_details_form(installed)),)

    async def open(self, opening: "Opening") -> None:
        from adapters.databases.records.features.admin import make_admin_repositories
        from application.features.admin.feature import AdminFeature

        repositories = make_admin_repositories(opening.database, opening.phone_encryption)
        admin = AdminFeature(opening.use_cases, repositories)
        opening.use_cases.add(admin)
        opening.add_gauge(
            "service_token_expiry_seconds",
            "Time until the next service token expires that is valid.",
            admin.tokens.measure_next_expiry,
        )


ADMIN: Final = _Admin()
