"""The page of rules in the web console."""
