"""Audio processing: PCM conversion, files, framing, loudness, endpointing, speech spans."""
