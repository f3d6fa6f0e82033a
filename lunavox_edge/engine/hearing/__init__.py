"""Speech recognition sessions."""
