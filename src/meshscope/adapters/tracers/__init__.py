"""Where the agent's own spans go."""
