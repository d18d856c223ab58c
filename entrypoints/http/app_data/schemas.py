"""Request and response bodies of what the backend of the app keeps with a user."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from litestar.openapi.spec import OpenAPIType, Schema

from domain.app_data.app_data import MAX_APP_DATA_BYTES, MAX_KEY_LENGTH
from domain.identities.claims import MAX_CLAIMS_BYTES
from domain.json_values import MAX_INTEGER
from entrypoints.http.fields import described
from entrypoints.http.target import ReasonField

_ALIKE: Final = (
    f"So that all programs read it alike, integers are at most ±{MAX_INTEGER}, no key comes twice"
    " in an object, and no key or text has U+0000."
)
_FLAT: Final = Schema(
    type=[OpenAPIType.STRING, OpenAPIType.NUMBER, OpenAPIType.BOOLEAN, OpenAPIType.NULL]
)
APP_DATA_EXAMPLE: Final = {"plan": "pro", "seats": 5, "trial_ends_on": "2026-06-01"}
CLAIMS_EXAMPLE: Final = {"plan": "pro", "roles": ["editor"]}
AppDataField = Annotated[
    Mapping[str, Any],
    described(
        "What the backend keeps with the user: texts, numbers, true, false and null by keys of 1 to"
        f" {MAX_KEY_LENGTH} characters. {_ALIKE} It has at most {MAX_APP_DATA_BYTES} bytes as"
        " compact JSON in UTF-8. An empty object for nothing.",
        APP_DATA_EXAMPLE,
        additional_properties=_FLAT,
        property_names={"minLength": 1, "maxLength": MAX_KEY_LENGTH},
    ),
]
ClaimsField = Annotated[
    Mapping[str, Any],
    described(
        "What short-lived access tokens of the user have in their claim `app`, where everybody who"
        f" holds the token reads it: a JSON object. {_ALIKE} It has at most {MAX_CLAIMS_BYTES}"
        " bytes as compact JSON in ASCII. An empty object for nothing.",
        CLAIMS_EXAMPLE,
        additional_properties=True,
    ),
]


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
