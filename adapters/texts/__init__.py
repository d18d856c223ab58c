"""Message texts out of TOML files: those that are shipped, and the operator's."""

from adapters.texts.load import Problem, TextsRefused, load_message_texts
from adapters.texts.message_texts import FileMessageTexts, JudgedText

__all__ = ["FileMessageTexts", "JudgedText", "Problem", "TextsRefused", "load_message_texts"]
