"""A profile with three fields, which a user writes and sees: an extension of Dialtone."""
