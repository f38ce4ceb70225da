"""What carries out changes beyond the target: commands and hooks that a configuration lists."""
