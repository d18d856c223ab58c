"""What the details of a user say about the data of the app."""

from typing import Self

from application.administration.show_user import UserDetails
from application.app_data.details import AppDataDetails
from entrypoints.http.app_data.schemas import AppDataField, ClaimsField
from entrypoints.http.user_details import AccountResponse, UserFields


class AppDataFields(UserFields, kw_only=True):
    """What the backend of the app keeps with an account; empty objects after the deletion."""

    extends = AccountResponse

    app_data: AppDataField
    claims: ClaimsField

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        """Convert what is shown of it."""
        shown = details.parts.find(AppDataDetails) or AppDataDetails({}, {})
        return cls(app_data=shown.app_data, claims=shown.claims)
