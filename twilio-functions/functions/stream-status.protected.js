'use strict';
// The <Stream statusCallback>: the only place that says why a stream could not be opened.
const { logged } = require(Runtime.getAssets()['/door.js'].path);

exports.handler = logged('stream-status', {
  call_sid: 'CallSid',
  stream_sid: 'StreamSid',
  stream: 'StreamName',
  what: 'StreamEvent',
  error: 'StreamError',
});
