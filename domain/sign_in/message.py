"""The text of a message with a code."""

from domain.sign_in.challenge import LIFETIME
from domain.sign_in.code import Code


def general_text(app_name: str, code: Code) -> str:
    """The text for any phone, in English.

    The code comes first: phones fill in the first run of four to six digits of a text, and the
    app's name may hold digits too.
    """
    minutes = int(LIFETIME.total_seconds() // 60)
    return (
        f"{code.digits} is your {app_name} code. It works once, for {minutes} minutes. "
        "Do not share it with anyone."
    )
