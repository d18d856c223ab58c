"""Who somebody is: the identity behind a phone, its user and its sessions."""
