"""Speech that is heard in a room: what waits, what plays, and where."""
