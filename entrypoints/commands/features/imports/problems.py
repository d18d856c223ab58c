"""What an import leaves out, in words."""

from collections.abc import Iterator, Mapping
from typing import Final

from application.features.imports.lines import ImportProblem

PROBLEMS: Final[Mapping[ImportProblem, str]] = {
    ImportProblem.INVALID_LINE: "The line cannot be read.",
    ImportProblem.INVALID_ID: "The id cannot be kept.",
    ImportProblem.INVALID_CREATED_AT: "created_at is not a time: write it like"
    " 2026-05-01T09:30:00Z.",
    ImportProblem.REPEATED_ID: "Several lines have this id, so none of them is imported: decide"
    " which one is right.",
    ImportProblem.ID_IN_USE: "Another account or item has this id.",
    ImportProblem.NO_PHONE: "There is no phone number.",
    ImportProblem.INVALID_PHONE: "This is not a phone number.",
    ImportProblem.AMBIGUOUS_PHONE: "The digits are two phone numbers: write it with + and the"
    " country code.",
    ImportProblem.UNSUPPORTED_PHONE_TYPE: "No codes are sent to numbers of this kind.",
    ImportProblem.SPREADSHEET_NUMBER: "A spreadsheet has changed this number: export the file"
    " again, and do not save it in a spreadsheet.",
    ImportProblem.INVALID_BLOCKED: "Who is blocked is neither true nor false.",
    ImportProblem.INVALID_CLAIMS: "claims is no object of JSON that an access token can have.",
    ImportProblem.REPEATED_PHONE: "Several lines have this phone number, so none of them is"
    " imported: decide which one is right.",
    ImportProblem.PHONE_IN_USE: "This phone has an account with other data.",
    ImportProblem.PHONE_BLOCKED: "An operator has blocked this phone: dialtone user unblock.",
    ImportProblem.TEST_PHONE: "This phone is in DIALTONE_TEST_OTPS: take it out there.",
    ImportProblem.USER_DELETED: "The account with this id was deleted, and does not come back.",
    ImportProblem.EXTERNAL_ID_IN_USE: "Another account has this external id.",
    ImportProblem.NOT_BLOCKED: "The user is blocked there, but has an account here that no import"
    " made: dialtone user block.",
    ImportProblem.USERNAME_IN_USE: "The user is imported without the name: another account has it.",
    ImportProblem.USERNAME_REFUSED: "The user is imported without the name.",
    ImportProblem.OWNER_NOT_IMPORTED: "The owner is neither the id of an account that an import"
    " made nor the external id of one: import the users before.",
    ImportProblem.CATEGORY_DROPPED: "The item is imported without its category.",
    ImportProblem.FILE_MISSING: "There is no such file in the folder of --files.",
    ImportProblem.FILE_OUTSIDE: "The file is not in the folder of --files.",
    ImportProblem.FILE_UNREADABLE: "The file cannot be read.",
    ImportProblem.FILE_TOO_LARGE: "The file is larger than DIALTONE_MAX_UPLOAD_SIZE.",
    ImportProblem.UNSUPPORTED_IMAGE_TYPE: "The file is no image of an accepted format.",
    ImportProblem.INVALID_IMAGE: "The image is broken, or exceeds a limit.",
}
_SAYS_LESS: Final = (
    ImportProblem.USERNAME_REFUSED,
    ImportProblem.CATEGORY_DROPPED,
    ImportProblem.FILE_UNREADABLE,
    ImportProblem.UNSUPPORTED_IMAGE_TYPE,
)
"""The messages of these say only why."""


def explain(problem: ImportProblem, message: str) -> str:
    """Return the reason in words."""
    if problem in _SAYS_LESS:
        return f"{PROBLEMS[problem]} {message}".strip()
    return message or PROBLEMS[problem]


def render_problems(problems: Mapping[ImportProblem, int]) -> Iterator[str]:
    """Yield how many lines there are for each reason, the most frequent first."""
    for problem, count in sorted(problems.items(), key=lambda item: (-item[1], item[0].value)):
        yield f"  {problem.value}: {count:,}"
