"""The text of a message with a code."""

from datetime import timedelta

from domain.sign_in.code import Code


def general_text(app_name: str, code: Code, lifetime: timedelta) -> str:
    """The text for any phone, in English; `lifetime` is how long the code still works.

    The code comes first: phones fill in the first run of four to six digits of a text, and the
    app's name may hold digits too.
    """
    minutes = max(1, lifetime // timedelta(minutes=1))
    unit = "minute" if minutes == 1 else "minutes"
    return (
        f"{code.digits} is your {app_name} code. It works once, for {minutes} {unit}. "
        "Do not share it with anyone."
    )
