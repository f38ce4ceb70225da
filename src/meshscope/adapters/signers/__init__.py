"""Keys that sign, kept in files."""
