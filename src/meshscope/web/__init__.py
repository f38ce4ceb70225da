"""The agent's HTTP face: senders' alerts come in, people look and decide, probes are answered."""
