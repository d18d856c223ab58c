"""The data of the app in words, for `dialtone` and the web console."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from application.administration.show_user import UserDetails
from application.app_data.details import AppDataDetails
from entrypoints.words.user_rows import UserRow, UserRowPlace


def app_data_rows(details: UserDetails) -> Sequence[UserRow]:
    """Return the data of the app and the claims, as JSON; none if there are none."""
    shown = details.parts.find(AppDataDetails)
    if shown is None:
        return ()
    values = {"app data": shown.app_data, "claims": shown.claims}
    return [
        UserRow(place=UserRowPlace.ACCOUNT, label=label, value=_to_json(value))
        for label, value in values.items()
        if value
    ]


def _to_json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
