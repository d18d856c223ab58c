"""The bodies of error responses, as the description shows them."""

from typing import Annotated

import msgspec

from entrypoints.http.errors import exceptions
from entrypoints.http.errors.table import INVALID_CODE
from entrypoints.http.fields import USER_ID_EXAMPLE, described


class InvalidFieldsError(msgspec.Struct):
    """Invalid fields; `body` stands for the body as a whole."""

    errors: Annotated[
        dict[str, list[str]],
        described(
            "Messages for each field; `body` stands for the body as a whole.",
            {"phone": ["This field is required."]},
        ),
    ]
    code: Annotated[
        str, described("Tells this error from all others.", INVALID_CODE, enum=[INVALID_CODE])
    ]
    field_errors: Annotated[
        list[exceptions.FieldError], described("The same messages, each with a code of its own.")
    ]


class ServiceError(msgspec.Struct):
    """Any error but invalid fields. Each has `error` and `code`; the code decides on the others."""

    # A single schema for all codes: generated clients can read a code that a later version adds. A
    # feature may add fields, and describe one of these better.

    error: exceptions.MessageField
    code: Annotated[str, described("A stable code for programs.", "internal_error")]
    retry_after: Annotated[int, described("Seconds to wait, as in the header Retry-After.", 5)]
    resend_in: Annotated[
        int,
        described(
            "Seconds until a new code can be requested. Without a valid `request_id` or"
            " `device_token` of the phone it is the usual time, which may be too short.",
            15,
        ),
    ]
    field: Annotated[str, described("The field with the code.", "otp")]
    attempts_left: Annotated[
        int, described("The number of attempts that are left with this code.", 4)
    ]
    details: Annotated[
        str, described("What failed.", "The database did not respond. Try again shortly.")
    ]
    user_id: Annotated[
        str,
        described("The signed-in user's, if it is that user who has the number.", USER_ID_EXAMPLE),
    ]
    username: Annotated[
        str,
        described("The signed-in user's, if it is that user who has the number.", "Rahul Sharma"),
    ]
    scope: Annotated[str, described("The scope that is missing.", "users:read")]
