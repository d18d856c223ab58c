"""The page that explains an export."""

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Final

from domain.identities.identity import Identity

EXPLAINED_FILES: Final = {
    "account.json": (
        "your account: phone number, username, role, times, what you agreed to, a change of the"
        " number under way, and what the server of the app is not informed of yet"
    ),
    "sessions.json": "where you are signed in, and which devices are recognized",
    "sign_in.json": (
        "the codes of the last day: when they were sent, by which provider, and whether they"
        " arrived, or why a request was rejected; failed attempts, and a block of the number"
    ),
    "audit.json": (
        "what operators of the service did with your account in the last 400 days, when and why,"
        " and when its phone number was changed"
    ),
}
"""The files of the core, and what is in each."""
EXPLAINED_MISSING: Final = {
    "not_included.json": "only if a file could not be included: its name, and the reason",
}
_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Your data</title>
<style>
body {{ font-family: system-ui, sans-serif; line-height: 1.5; max-width: 45em; margin: 2em auto;
  padding: 0 1em; }}
td {{ padding: 0.3em 1em 0.3em 0; vertical-align: top; }}
td:first-child {{ white-space: nowrap; }}
</style>
</head>
<body>
<h1>Your data</h1>
<p>This is all that the service stores about the account {account}, as of {time}. Files whose name
ends with .json are text in JSON (RFC 8259), which people and programs can read. Times are in UTC.
</p>
<table>
{rows}
</table>
<p>These are left out: keys, and hashes that only the service can read, for example of the IP
addresses from which you signed in; smaller copies of your pictures; and the data of other people,
also phone numbers that the account had before.
Codes and tokens are not stored. The logs and backups of the operator are not part of this export.
</p>
</body>
</html>
"""


def render_page(identity: Identity, now: datetime, explained_files: Mapping[str, str]) -> str:
    """Return the page as HTML. It loads nothing."""
    rows = "\n".join(
        f"<tr><td>{name}</td><td>{escape(text)}.</td></tr>"
        for name, text in explained_files.items()
    )
    return _PAGE.format(account=identity.id, time=f"{now:%Y-%m-%d %H:%M}", rows=rows)
