"""What we tell operators. Knows no other room."""
