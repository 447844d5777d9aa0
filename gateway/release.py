"""Which release this is. pyproject.toml and Twilio Functions say the same: tests/test_release.py."""

VERSION = "0.1.0"
