"""What the details of a user say about the data of the app."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from application.administration.show_user import UserDetails
from application.features.app_data import AppDataDetails
from domain.features.app_data import MAX_APP_DATA_BYTES, MAX_KEY_LENGTH
from domain.identities.claims import MAX_CLAIMS_BYTES
from domain.json_values import MAX_INTEGER
from entrypoints.http.administration.user_details import AccountResponse, UserFields
from entrypoints.http.fields import described

_ALIKE: Final = (
    f"So that all programs read it alike, integers are at most ±{MAX_INTEGER}, no key comes twice"
    " in an object, and no key or text has U+0000."
)
_FLAT: Final = {"type": ["string", "number", "boolean", "null"]}
APP_DATA_EXAMPLE: Final = {"plan": "pro", "seats": 5, "trial_ends_on": "2026-06-01"}
CLAIMS_EXAMPLE: Final = {"plan": "pro", "roles": ["editor"]}
AppDataField = Annotated[
    Mapping[str, Any],
    described(
        "What the backend keeps with the user: texts, numbers, true, false and null by keys of 1 to"
        f" {MAX_KEY_LENGTH} characters. {_ALIKE} It has at most {MAX_APP_DATA_BYTES} bytes as"
        " compact JSON in UTF-8. An empty object for nothing.",
        APP_DATA_EXAMPLE,
        additionalProperties=_FLAT,
        propertyNames={"minLength": 1, "maxLength": MAX_KEY_LENGTH},
    ),
]
ClaimsField = Annotated[
    Mapping[str, Any],
    described(
        "What short-lived access tokens of the user have in their claim `app`, where everybody who"
        f" holds the token reads it: a JSON object. {_ALIKE} It has at most {MAX_CLAIMS_BYTES}"
        " bytes as compact JSON in ASCII. An empty object for nothing.",
        CLAIMS_EXAMPLE,
        additionalProperties=True,
    ),
]


class AppDataFields(UserFields, kw_only=True):
    """What the backend of the app keeps with an account; empty objects after the deletion."""

    extends = AccountResponse

    app_data: AppDataField
    claims: ClaimsField

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        shown = details.added.find(AppDataDetails) or AppDataDetails({}, {})
        return cls(app_data=shown.app_data, claims=shown.claims)
