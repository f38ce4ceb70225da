"""The built-in actions, one file each; a stranger's come the same way, by an entry point."""
