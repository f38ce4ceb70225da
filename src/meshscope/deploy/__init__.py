"""What is desired against what lives: plans, the two ways to read one, and receipts."""
