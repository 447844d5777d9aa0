"""What the documents say is so: their commands run, their links lead somewhere, their tables are whole."""
