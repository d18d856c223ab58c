"""Settings of earlier versions."""

from pathlib import Path

import pytest

from entrypoints.features import FEATURES
from entrypoints.settings.composition import INSTALLED, VARIABLES
from entrypoints.settings.read import SettingsError, read_settings
from entrypoints.settings.removed import find_removed

REMOVED = dict(
    find_removed([name for feature in FEATURES for name in feature.removed_variables], INSTALLED)
) | {"DIALTONE_VERIFY_LIMIT_PER_IP": "DIALTONE_SMS_LIMIT_PER_IP: set that instead."}


@pytest.mark.parametrize("name", REMOVED)
def test_a_start_with_one_ends_and_says_what_holds_instead(tmp_path: Path, name: str) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text(f"{name}=5/1h\n")

    for environ, file in (({name: "5/1h"}, None), ({}, env_file)):
        with pytest.raises(SettingsError) as error:
            read_settings(environ, file)

        (line,) = str(error.value).splitlines()
        assert line.startswith(f"{name}: This is no longer a setting. Remove it. ")
        assert line.endswith(REMOVED[name])


def test_no_setting_is_among_them() -> None:
    assert not REMOVED.keys() & set(VARIABLES)
