"""Settings as tests read them: from nothing but what they name."""

import pytest

from entrypoints.settings import Settings, SettingsInvalid, read_settings


def settings(**ours: str) -> Settings:
    """Read settings named without their prefix."""
    return read_settings(_with_prefix(ours), None)


def problem(**ours: str) -> str:
    """The one line that refuses these settings."""
    (line,) = refused(_with_prefix(ours)).values()
    return line


def refused(environ: dict[str, str]) -> dict[str, str]:
    """What is refused: the name of each variable, and its line."""
    with pytest.raises(SettingsInvalid) as refusal:
        read_settings(environ, None)
    lines = {line.partition(":")[0]: line for line in refusal.value.problems}
    assert len(lines) == len(refusal.value.problems)
    return lines


def _with_prefix(ours: dict[str, str]) -> dict[str, str]:
    return {f"DIALTONE_{name}": text for name, text in ours.items()}
