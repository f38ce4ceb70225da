"""Rules that ask what a live Prometheus said: `meshscope check --against URL`."""
