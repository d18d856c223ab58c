"""What each command of `dialtone` does; a file is imported only when its command is given."""
