"""One call: facts in, orders out, time is an argument. Pure; the heart of the gateway."""
