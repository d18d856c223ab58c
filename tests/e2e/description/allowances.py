"""Where an operation may answer otherwise than a check expects, and why.

Nothing is allowed for all operations, and no check is switched off.
"""

from typing import Any, Final

ACCEPTED: Final = ["2xx", "3xx", "401", "403", "404", "409", "429", "5xx"]
"""What `positive_data_acceptance` takes for an acceptance when nobody says more."""

ALLOWANCES: Final[list[dict[str, Any]]] = [
    {
        "include-operation-id": "readLibrary",
        "checks": {
            "positive_data_acceptance": {
                # Which of `page` and `cursor` is meant cannot be said of one parameter alone:
                # a page other than the first, beside a cursor, is refused.
                "expected-statuses": [*ACCEPTED, "400"],
            }
        },
    },
    {
        "include-operation-id": "uploadPicture",
        "checks": {
            "positive_data_acceptance": {
                # No schema can say of bytes that they are a whole picture of the kinds we take.
                "expected-statuses": [*ACCEPTED, "415", "422"],
            }
        },
    },
]
