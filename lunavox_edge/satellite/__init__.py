"""The satellite device: one microphone and one loudspeaker, served to a hub over Wyoming."""
