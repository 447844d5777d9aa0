"""Twilio's REST API, played on this machine. The fake itself is JavaScript (server.js); `fake_twilio` runs it."""

from tests.fakes.twilio_api.process import ACCOUNT_SID, AUTH_TOKEN, FakeTwilio, fake_twilio

__all__ = ["ACCOUNT_SID", "AUTH_TOKEN", "FakeTwilio", "fake_twilio"]
