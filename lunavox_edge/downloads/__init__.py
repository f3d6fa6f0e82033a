"""Installing models and voices from the hub."""
