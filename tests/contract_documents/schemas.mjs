// Reads [[schema, [instance, ...]], ...] from standard input, and writes for each schema which of
// the instances it accepts, in strict mode, as a web app that uses Ajv would.
import { text } from 'node:stream/consumers';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const ajv = new Ajv2020({ strict: true });
addFormats.default(ajv);
const cases = JSON.parse(await text(process.stdin));
console.log(
  JSON.stringify(
    cases.map(([schema, instances]) => {
      const accepts = ajv.compile(schema);
      return instances.map((instance) => accepts(instance));
    }),
  ),
);
