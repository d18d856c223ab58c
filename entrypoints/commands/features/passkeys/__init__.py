"""The actions of `dialtone user` about passkeys."""
