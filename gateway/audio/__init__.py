"""Sound: 8 kHz mu-law <-> 16/24 kHz PCM with stateful filters, and speech level. Pure; knows no other room."""
