'use strict';
// Answers a call: the number's voice URL.
const { door } = require(Runtime.getAssets()['/door.js'].path);

exports.handler = door('voice');
