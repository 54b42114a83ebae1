// Publish an order: node publish_order.mjs PROJECT [ORDER.json]
//
// Needs `npm install @google-cloud/pubsub`. Credentials are found as for every Google client
// (`gcloud auth application-default login` on a developer's machine); with PUBSUB_EMULATOR_HOST
// set, the emulator is used and none are needed.
import { readFile } from 'node:fs/promises';
import { PubSub } from '@google-cloud/pubsub';

const example = new URL('order.created.v1.json', import.meta.url);
const [projectId, file = example] = process.argv.slice(2);

const pubsub = new PubSub({ projectId });
// Only the returned id says that Pub/Sub has it. Publishing again after an error is harmless.
const id = await pubsub.topic('order.created').publishMessage({ data: await readFile(file) });
console.log(id);
await pubsub.close();
