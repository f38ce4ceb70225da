"""From an alert to a decision, a guarded act and an issue."""
