"""Others' REST and credentials. Knows no other room."""
