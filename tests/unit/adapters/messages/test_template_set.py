"""The templates of a language or country, and the selection for a message."""

import pytest

from adapters.messages.templates.rules import TemplateRule
from adapters.messages.templates.template import parse_template
from adapters.messages.templates.template_set import AppIdentity, TemplateSet
from domain.errors import InvalidValue
from domain.otp.message_preferences import Platform

FIRST_HASH, SECOND_HASH = "FA+9qCX9VSu", "01234567/9a"
OTHER_HASHES = (None, FIRST_HASH, "", "AAAAAAAAAAA")
APP = AppIdentity("Dialtone", (FIRST_HASH, SECOND_HASH), "dial.test")


def template_set(**texts: str) -> TemplateSet:
    texts = {"general": "{code} is your {app} code for {minutes} min.", **texts}
    return TemplateSet(
        {Platform(name): parse_template(Platform(name), text) for name, text in texts.items()}
    )


def render(
    templates: TemplateSet,
    platform: Platform,
    app: AppIdentity = APP,
    app_hash: str | None = None,
) -> str:
    return templates.render(platform, app.template_values("012345", 5, app_hash))


def violated_rules(
    templates: TemplateSet, app: AppIdentity = APP
) -> dict[Platform, list[TemplateRule]]:
    return {
        preview.platform: [violation.rule for violation in preview.violations]
        for preview in templates.previews(app, 5)
    }


def test_a_missing_template_is_the_general_one_with_the_last_line_of_the_platform() -> None:
    general = "012345 is your Dialtone code for 5 min."
    assert {render(template_set(), platform) for platform in Platform} == {general}
    templates = template_set().with_platform_defaults()
    assert render(templates, Platform.GENERAL) == render(templates, Platform.IOS) == general
    assert render(templates, Platform.ANDROID) == f"{general}\n{FIRST_HASH}"
    assert render(templates, Platform.WEB) == f"{general}\n@dial.test #012345"


def test_a_template_of_the_platform_is_used_unchanged_if_there_is_a_hash_or_domain() -> None:
    templates = template_set(android="{code} {hash}", ios="{code}\n@{domain} #{code}")
    for selected in (templates, templates.with_platform_defaults()):
        assert render(selected, Platform.ANDROID) == f"012345 {FIRST_HASH}"
        assert render(selected, Platform.IOS) == "012345\n@dial.test #012345"
    templates, app = templates.with_platform_defaults(), AppIdentity("Dialtone")
    assert len({render(templates, platform, app) for platform in Platform}) == 1
    assert list(violated_rules(templates, app)) == [Platform.GENERAL]


def test_the_requested_app_hash_is_used_if_it_is_configured() -> None:
    templates = template_set().with_platform_defaults()
    for requested, used in ((SECOND_HASH, SECOND_HASH), *((h, FIRST_HASH) for h in OTHER_HASHES)):
        assert render(templates, Platform.ANDROID, app_hash=requested).endswith(f"\n{used}")


@pytest.mark.parametrize("text", ["{otp}", "{}", "}", "{{code}}", "{code"])
def test_other_braces_than_placeholders_are_invalid(text: str) -> None:
    with pytest.raises(InvalidValue) as error:
        parse_template(Platform.GENERAL, text)
    found, _, known = str(error.value).partition(" is not a placeholder; ")
    assert found in text
    assert known == "there are {code}, {app}, {minutes}, {hash}, {domain}."
