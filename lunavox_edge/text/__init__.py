"""Text processing for speech: segmentation, SSML, markdown, normalisation (numbers and signs as words)."""
