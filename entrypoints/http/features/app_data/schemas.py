"""Request and response bodies of what the backend of the app keeps with a user."""

import msgspec

from entrypoints.http.core.administration.target import ReasonField
from entrypoints.http.features.app_data.user_fields import AppDataField, ClaimsField


class SetAppDataBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The data to keep with a user, instead of what was kept before."""

    app_data: AppDataField
    reason: ReasonField = None


class SetClaimsBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The claims of a user, instead of those from before."""

    claims: ClaimsField
    reason: ReasonField = None


class AppDataResponse(msgspec.Struct, kw_only=True):
    """What the backend keeps with a user."""

    app_data: AppDataField


class ClaimsResponse(msgspec.Struct, kw_only=True):
    """The claims of a user."""

    claims: ClaimsField
