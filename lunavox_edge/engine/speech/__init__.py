"""Speech synthesis sessions."""
