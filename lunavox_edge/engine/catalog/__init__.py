"""What is installed: models and voices by name."""
