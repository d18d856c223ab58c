"""SMS templates in TOML files: the built-in ones and those of the operator."""

from adapters.templates.sms_templates import (
    FileSmsTemplates,
    InvalidTemplates,
    TemplateProblem,
    load_sms_templates,
)
from adapters.templates.template_file import TemplateFile

__all__ = [
    "FileSmsTemplates",
    "InvalidTemplates",
    "TemplateFile",
    "TemplateProblem",
    "load_sms_templates",
]
