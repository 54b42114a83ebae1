// Reads AsyncAPI documents from standard input as a JSON array, and writes for each what the parser
// has against it: errors and warnings as [rule, path, message].
import { text } from 'node:stream/consumers';
import { Parser } from '@asyncapi/parser';

const WARNING = 1;
const documents = JSON.parse(await text(process.stdin));
const found = [];
for (const document of documents) {
  const diagnostics = await new Parser().validate(JSON.stringify(document));
  found.push(
    diagnostics
      .filter(({ severity }) => severity <= WARNING)
      .map(({ code, path, message }) => [code, path.join('/'), message]),
  );
}
console.log(JSON.stringify(found));
