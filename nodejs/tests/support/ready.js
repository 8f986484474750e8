'use strict';

// Loaded before a program that says nothing when it is ready for a signal: says so in its stead.

process.on('newListener', (name) => {
  if (name === 'SIGINT') {
    setImmediate(() => console.log('SIGINT is handled'));
  }
});
