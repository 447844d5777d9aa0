"""The parts of deploy/live_call.py: what Twilio does once a stream is gone, asked of Twilio itself."""
