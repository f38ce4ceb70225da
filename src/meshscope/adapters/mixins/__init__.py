"""Languages in which other projects write dashboards and rules."""
