"""The REST administration, with service tokens."""

from typing import Final

from entrypoints.features.feature import Feature


class Admin(Feature):
    """The REST administration, with service tokens."""

    name = "admin"
    folders = (
        "application/ports/service_tokens.py",
        "adapters/records/features/admin.py",
        "entrypoints/http/admin",
    )


ADMIN: Final = Admin()
