"""A satellite: one microphone and one loudspeaker that a hub connects to over Wyoming."""
