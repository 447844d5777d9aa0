"""Sockets, tasks and the clock: Quart on Hypercorn at the phone's side, `websockets` at the model's."""
