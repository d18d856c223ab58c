"""Descriptions that are less exact than ours, which the generated clients must reveal."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def change(description: Path, change_description: Callable[[Any], None], folder: Path) -> Path:
    """Write a changed description; return its path."""
    document = json.loads(description.read_bytes())
    change_description(document)
    path = folder / "openapi.json"
    path.write_text(json.dumps(document))
    return path


def without_binary_file(document: Any) -> None:
    """Describe an uploaded file by its media type only."""
    form = document["paths"]["/library/upload"]["post"]["requestBody"]["content"]
    file = form["multipart/form-data"]["schema"]["properties"]["file"]
    del file["type"], file["format"]
    file["contentMediaType"] = "application/octet-stream"


def without_times(document: Any) -> None:
    """Describe times as texts."""
    for schema in document["components"]["schemas"].values():
        for field in schema["properties"].values():
            if field.get("format") == "date-time":
                del field["format"]


def without_const(document: Any) -> None:
    """Describe `success` as either true or false."""
    for name in ("VerifyOtpResponse", "InvalidOtpResponse"):
        del document["components"]["schemas"][name]["properties"]["success"]["const"]


def without_codes(document: Any) -> None:
    """Describe the codes of errors as texts."""
    for schema in document["components"]["schemas"].values():
        schema["properties"].get("code", {}).pop("enum", None)
