"""What Twilio says: Media Streams messages, TwiML, signatures. Pure; knows no other room."""
