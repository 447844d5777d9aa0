"""What the model may ask for: a dict of kinds. Knows `flow.model` and `clients`."""
