"""Wake-word sessions."""
