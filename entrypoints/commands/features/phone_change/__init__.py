"""The command `dialtone user change-phone`."""
