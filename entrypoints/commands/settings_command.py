"""`dialtone check-settings`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from entrypoints.commands.command import Command
from entrypoints.commands.feature_commands import FeatureCommands

if TYPE_CHECKING:
    from entrypoints.commands.connection_checks import Check
    from entrypoints.settings.settings import Settings


def check_settings_command(features: Sequence[FeatureCommands]) -> click.Command:
    """Return `check-settings`, with the checks of features."""
    tried = [each.tried for each in features if each.tried]
    parts = ", ".join(["the keys", "the database", *tried, "the providers"])

    @click.command(cls=Command, examples=["", "--templates", "--connect"], checks_files=True)
    @click.option(
        "--all", "show_all", is_flag=True, help="Show also those that have their defaults."
    )
    @click.option(
        "--templates", is_flag=True, help="Show the message of each SMS template instead."
    )
    @click.option(
        "--connect",
        is_flag=True,
        help=f"Try {parts} and the other parts that the settings name instead, and list the ids of "
        "the keys; nothing is changed, no message is sent and nobody is called.",
    )
    def check_settings(
        settings: "Settings",
        *,
        show_all: bool,
        templates: bool,
        connect: bool,
        **more_checks: "Callable[[Settings], Mapping[str, Check]] | None",
    ) -> Iterable[str]:
        """Check all settings, and show what differs from the defaults, without secrets."""
        from entrypoints.commands.check_settings import check_settings

        more = [find_checks for find_checks in more_checks.values() if find_checks]
        return check_settings(
            settings,
            more,
            show_all=show_all,
            templates=templates,
            connect=connect or bool(more),
        )

    check_settings.params += [option for feature in features for option in feature.check_options]
    return check_settings
