"""The other sides, played here: the phone (Twilio), the stand-in (Gemini Live), and the demo that joins them."""
