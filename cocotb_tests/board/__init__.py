"""Host program of a board, and its bench; the files also work alone, beside each other."""
