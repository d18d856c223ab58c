"""The commands of extensions are below `dialtone x`, whatever their names are."""

from argparse import Namespace
from collections.abc import Sequence

import pytest

from entrypoints.commands import extensions as commands_of_extensions
from entrypoints.commands.arguments import make_parser
from entrypoints.commands.extensions import extension_commands
from entrypoints.extensions.extension import Extension, ExtensionCommand
from entrypoints.opening.startup_error import StartupError


async def run(_: object, __: Namespace) -> list[str]:
    return []


def command(name: str = "run") -> ExtensionCommand:
    return ExtensionCommand(name=name, help="Use 100%s.", use_cases=int, run=run, takes_user=True)


class Own(Extension):
    name = "run"
    api = 1
    found: Sequence[ExtensionCommand] = ()

    def commands(self) -> Sequence[ExtensionCommand]:
        return self.found


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Own:
    extension = Own()
    monkeypatch.setattr(commands_of_extensions, "EXTENSIONS", [extension])
    return extension


def test_a_command_may_have_the_name_of_one_of_ours(
    own: Own, capsys: pytest.CaptureFixture[str]
) -> None:
    own.found = [command()]
    parsed = make_parser().parse_args(["x", "run", "run", "+14155552671"])
    assert (parsed.selected_command.name, parsed.user) == ("run", "+14155552671")
    for shown in (["x", "run", "--help"], ["x", "run", "run", "--help"]):
        with pytest.raises(SystemExit):
            make_parser().parse_args(shown)
        assert "Use 100%s" in capsys.readouterr().out


@pytest.mark.parametrize(
    "commands",
    [[command(), command()], [command("Show it")], [None], None],
    ids=["twice", "name", "None", "no"],
)
def test_wrong_commands_are_one_sentence(own: Own, commands: list[ExtensionCommand]) -> None:
    own.found = commands
    with pytest.raises(StartupError, match=r"^DIALTONE_EXTENSIONS: the extension run"):
        extension_commands()


def test_without_an_extension_there_is_no_such_command() -> None:
    assert extension_commands() == ()
