"""Settings: what can be set, reading it, and what a running service can take over."""
