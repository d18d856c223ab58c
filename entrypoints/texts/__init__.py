"""Texts about users that commands and the web console share."""
