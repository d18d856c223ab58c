"""The texts that come with Dialtone, one file a language."""
