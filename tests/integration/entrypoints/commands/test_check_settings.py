"""`dialtone check-settings`, as an operator sees it."""

from pathlib import Path

from entrypoints.composition.settings import FIELDS
from tests.support.commands import CommandLine


def test_what_differs_from_the_defaults_is_shown_and_then_the_result(tmp_path: Path) -> None:
    url = "mongodb://me:tops3cret@db.test/dialtone"
    settings = {"DIALTONE_APP_NAME": "Acme", "DIALTONE_DATABASE": url}
    dialtone = CommandLine(tmp_path, settings)

    shown = dialtone.run("check-settings").stdout.splitlines()
    everything = dialtone.run("check-settings", "--all").stdout.splitlines()

    rows = [tuple(line.split()) for line in shown if line.endswith("environment")]
    assert ("DIALTONE_APP_NAME", "Acme", "environment") in rows
    assert ("DIALTONE_DATABASE", "mongodb://db.test", "environment") in rows
    assert not [line for line in shown if line.endswith("default")]
    assert shown[-1] == "The settings are valid."
    assert [line.split()[0] for line in everything[: len(FIELDS)]] == list(FIELDS)
    assert everything[-1] == shown[-1]
    assert "tops3cret" not in str([shown, everything])


def test_a_name_that_is_no_setting_is_the_error_of_valid_settings(tmp_path: Path) -> None:
    line = "DIALTONE_DATABSE: This is not a setting. Did you mean DIALTONE_DATABASE?"
    unknown = {"DIALTONE_DATABSE": "tops3cret", "DIALTONE_PORT": "tcp://10.0.0.7:8000"}
    alone = CommandLine(tmp_path, unknown).run("check-settings")
    among_others = CommandLine(tmp_path, unknown | {"DIALTONE_WORKERS": "0"}).run("check-settings")

    assert (alone.returncode, alone.stderr) == (1, "These are not settings: DIALTONE_DATABSE.\n")
    assert line in alone.stdout.splitlines()
    assert "valid" not in alone.stdout
    assert (among_others.returncode, among_others.stderr.splitlines()[-1]) == (2, line)
    assert "tops3cret" not in str([alone, among_others])
    assert "DIALTONE_PORT" not in str([alone, among_others])


def test_a_day_that_a_flood_of_strangers_uses_up_is_noted(tmp_path: Path) -> None:
    def notes(**settings: str) -> list[str]:
        variables = {f"DIALTONE_SMS_LIMIT_{name}": text for name, text in settings.items()}
        shown = CommandLine(tmp_path, variables).run("check-settings").stdout.splitlines()
        return [line.partition(":")[0] for line in shown if "flood of strangers" in line]

    assert notes() == []
    assert notes(PER_COUNTRY="1000/1h,1440/1d", TOTAL="9/1h") == []
    assert notes(PER_COUNTRY="1000/1h,1439/1d") == ["DIALTONE_SMS_LIMIT_PER_COUNTRY"]
    both = ["DIALTONE_SMS_LIMIT_PER_COUNTRY", "DIALTONE_SMS_LIMIT_TOTAL"]
    assert notes(ALL_FACTOR="2") == both
