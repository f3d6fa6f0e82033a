"""Settings: their definition, reading them from file and environment, reloading them."""
