"""What the model says: the Gemini Live API's wire, setup and model abilities. Pure; knows `flow.model` only."""
