"""What an SRE needs to see of logs, traces and metrics."""
