'use strict';
// The <Record recordingStatusCallback>: a message was left. What it says stays with Twilio.
const { logged } = require(Runtime.getAssets()['/door.js'].path);

exports.handler = logged('voicemail', {
  call_sid: 'CallSid',
  recording_sid: 'RecordingSid',
  status: 'RecordingStatus',
  duration_s: 'RecordingDuration',
});
