'use strict';
// The action of <Dial> and <Record>: hang up, or the fallback where nobody took the call.
const { door } = require(Runtime.getAssets()['/door.js'].path);

exports.handler = door('done');
