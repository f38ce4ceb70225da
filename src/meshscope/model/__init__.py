"""What a person defines."""
