"""`dialtone check-settings`, as an operator sees it."""

from pathlib import Path

from entrypoints.settings.composition import FIELDS
from tests.support.commands import CommandLine


def test_what_differs_from_the_defaults_is_shown_and_then_the_result(tmp_path: Path) -> None:
    url = "mongodb://me:tops3cret@db.test/dialtone"
    settings = {"DIALTONE_APP_NAME": "Acme", "DIALTONE_DATABASE": url, "DIALTONE_DATABSE": "x"}
    dialtone = CommandLine(tmp_path, settings)

    shown = dialtone.run("check-settings").stdout.splitlines()
    everything = dialtone.run("check-settings", "--all").stdout.splitlines()

    rows = [tuple(line.split()) for line in shown if line.endswith("environment")]
    assert ("DIALTONE_APP_NAME", "Acme", "environment") in rows
    assert ("DIALTONE_DATABASE", "mongodb://db.test", "environment") in rows
    assert not [line for line in shown if line.endswith("default")]
    assert "DIALTONE_DATABSE: This is not a setting. Did you mean DIALTONE_DATABASE?" in shown
    assert shown[-1] == "The settings are valid."
    assert [line.split()[0] for line in everything[: len(FIELDS)]] == list(FIELDS)
    assert everything[-1] == shown[-1]
    assert "tops3cret" not in str([shown, everything])
