'use strict';
// The <Connect action>: a stream has ended, what follows?
const { door } = require(Runtime.getAssets()['/door.js'].path);

exports.handler = door('after');
