"""What the gateway costs, measured: `python -m bench` runs everything, `python -m bench.NAME` one part of it."""
