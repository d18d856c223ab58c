"""The sample of `docs/keys.md` for a secret in a file."""

import os
import subprocess
from pathlib import Path

from entrypoints.composition.read_settings import read_settings
from entrypoints.composition.secret_files import read_secret_files
from tests.support.markdown import blocks_in, page
from tests.unit.entrypoints.settings.texts import TWILIO


def test_a_file_as_the_page_makes_it_is_a_secret_that_production_accepts(tmp_path: Path) -> None:
    (sample,) = blocks_in("sh", page("docs/keys.md#secrets-as-files"))
    owner = f"{os.getuid()}:{os.getgid()}"
    script = sample.replace("/etc/dialtone", str(tmp_path)).replace("root:dialtone", owner)
    variable = "TWILIO_AUTH_TOKEN_FILE"

    environ = {"PATH": os.environ["PATH"], "TOKEN": TWILIO["TWILIO_AUTH_TOKEN"]}
    run = ["/bin/sh", "-e", "-u", "-c", f'{script}\necho "${variable}"']
    file = subprocess.run(
        run, env=environ, capture_output=True, text=True, check=True
    ).stdout.strip()

    settings = {name: text for name, text in TWILIO.items() if name != "TWILIO_AUTH_TOKEN"}
    settings[variable] = file
    from_file, expected = (read_settings(each, None) for each in (settings, TWILIO))
    assert from_file.twilio_auth_tokens == expected.twilio_auth_tokens
    assert not read_secret_files(settings | {"DIALTONE_ENV": "production"}).problems
