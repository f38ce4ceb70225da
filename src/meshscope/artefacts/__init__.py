"""What other programs read: typed, frozen, the same bytes everywhere."""
