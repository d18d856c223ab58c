"""What can be done: the use cases, a package for each subject, and their ports."""
