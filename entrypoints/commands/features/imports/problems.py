"""What an import leaves out, in words: which lines, and which fields of all."""

from collections.abc import Iterator, Mapping
from typing import Final

from adapters.imports.user_files import show_column
from application.features.imports.import_user import ImportProblem
from application.features.imports.import_users import RejectionReason
from application.features.imports.unread_fields import UnreadFields
from application.features.imports.user_lines import LineProblem

_MAX_FIELDS: Final = 20

PROBLEMS: Final[Mapping[RejectionReason, str]] = {
    LineProblem.INVALID_LINE: "The line cannot be read.",
    LineProblem.UNREADABLE: "The record cannot be read.",
    LineProblem.NO_PHONE: "There is no phone number.",
    LineProblem.INVALID_PHONE: "This is not a phone number.",
    LineProblem.AMBIGUOUS_PHONE: "The digits are two phone numbers: write it with + and the"
    " country code.",
    LineProblem.UNSUPPORTED_PHONE_TYPE: "No codes are sent to numbers of this kind.",
    LineProblem.SPREADSHEET_NUMBER: "A spreadsheet has changed this number: export the file again,"
    " and do not save it in a spreadsheet.",
    LineProblem.INVALID_ID: "The id cannot be kept.",
    LineProblem.INVALID_CREATED_AT: "created_at is not a time: write it like 2026-05-01T09:30:00Z.",
    LineProblem.INVALID_BLOCKED: "Who is blocked is neither true nor false.",
    LineProblem.INVALID_CLAIMS: "claims is no object of JSON that an access token can have.",
    LineProblem.REPEATED_PHONE: "Several lines have this phone number, so none of them is imported:"
    " decide which one is right.",
    LineProblem.REPEATED_ID: "Several lines have this id, so none of them is imported: decide which"
    " one is right.",
    ImportProblem.PHONE_IN_USE: "This phone has an account with other data.",
    ImportProblem.PHONE_BLOCKED: "An operator has blocked this phone: dialtone user unblock.",
    ImportProblem.TEST_PHONE: "This phone is in DIALTONE_TEST_OTPS: take it out there.",
    ImportProblem.ID_IN_USE: "Another account has this id.",
    ImportProblem.USER_DELETED: "The account with this id was deleted, and does not come back.",
    ImportProblem.EXTERNAL_ID_IN_USE: "Another account has this external id.",
    ImportProblem.NOT_BLOCKED: "The user is blocked there, but has an account here that no import"
    " made: dialtone user block.",
    ImportProblem.USERNAME_IN_USE: "The user is imported without the name: another account has it.",
    ImportProblem.USERNAME_REFUSED: "The user is imported without the name.",
}


def explain(problem: RejectionReason, message: str) -> str:
    """Return the reason in words. A rule that says more than its name replaces them."""
    if problem is ImportProblem.USERNAME_REFUSED:
        return f"{PROBLEMS[problem]} {message}"
    return message or PROBLEMS[problem]


def render_problems(problems: Mapping[RejectionReason, int]) -> Iterator[str]:
    """Yield how many lines there are for each reason, the most frequent first."""
    for problem, count in sorted(problems.items(), key=lambda item: (-item[1], item[0].value)):
        yield f"  {problem.value}: {count:,}"


def render_unread(kind: str, unit: str, unread: UnreadFields) -> Iterator[str]:
    """Render the names, the most frequent first, with the number of lines or rows."""
    if not unread.lines:
        return
    found = unread.lines.most_common()
    shown = [f"{show_column(name)} ({_count(lines, unit)})" for name, lines in found[:_MAX_FIELDS]]
    rest = sum(lines for _, lines in found[_MAX_FIELDS:]) + unread.other_values
    more = [f"and others ({_count(rest, 'value')})"] if rest else []
    yield f"{kind} that are not imported: {', '.join([*shown, *more])}"


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"
