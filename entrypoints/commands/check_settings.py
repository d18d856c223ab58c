from entrypoints.bootstrap import load_sms_templates
from entrypoints.commands.exit_codes import DONE
from entrypoints.commands.streams import say
from entrypoints.settings import Settings, describe
from entrypoints.template_preview import preview_templates


def check_settings(settings: Settings, *, shows_texts: bool) -> int:
    """Show what would be used, or the messages as they would be sent."""
    templates = load_sms_templates(settings)
    if shows_texts:
        for line in preview_templates(templates.previews()):
            say(line)
        return DONE
    described = describe(settings)
    name_width = max(len(row.name) for row in described)
    shown_width = max(len(row.shown) for row in described)
    for row in described:
        say(f"{row.name:<{name_width}}  {row.shown:<{shown_width}}  {row.origin}")
    return DONE
