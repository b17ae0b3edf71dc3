#!/usr/bin/env node
// Stands in for curl where there is none (a machine with Node alone): -s, -H and -d, as the documents use them.
const argv = process.argv.slice(2);
const headers = {};
let body;
let url;
while (argv.length > 0) {
  const word = argv.shift();
  if (word === '-s') continue;
  if (word === '-H') {
    const [name, value] = argv.shift().split(/: (.*)/s);
    headers[name] = value;
  } else if (word === '-d') body = argv.shift();
  else if (word.startsWith('-')) throw new Error(`This curl does not know ${word}.`);
  else url = word;
}
const answer = await fetch(url, { method: body === undefined ? 'GET' : 'POST', headers, body });
process.stdout.write(await answer.text());
