'use strict';
// Plays the line's fallback, and needs no core.
const { door } = require(Runtime.getAssets()['/door.js'].path);

exports.handler = door('fallback');
