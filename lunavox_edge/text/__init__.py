"""From written text to what a voice can say: segments, markup, spoken forms."""
