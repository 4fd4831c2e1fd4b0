// Version 1 of the TypeScript client, which most hosts embed, against one MCP URL.
// usage: node sdk1.mjs URL '[{"name": TOOL, "arguments": {...}}, ...]'; prints one line of JSON.
// An argument "$poll_id" is the poll_id of the answer before.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [url, calls] = process.argv.slice(2);
const out = { results: [] };

async function attempt(run) {
  try {
    return await run();
  } catch (error) {
    return { thrown: { name: error.name, code: error.code ?? null, message: error.message } };
  }
}

const client = new Client({ name: 'sluice-tests', version: '1.0.0' });
const connected = await attempt(async () => {
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return {};
});
if (connected.thrown) {
  out.connect = connected.thrown;
} else {
  out.server = client.getServerVersion()?.name;
  out.ping = await attempt(() => client.ping());
  // The tools' output schemas are kept by this, and every result is held against them.
  out.tools = (await client.listTools()).tools.length;
  let pollId = null;
  for (const call of JSON.parse(calls)) {
    for (const [name, value] of Object.entries(call.arguments ?? {})) {
      if (value === '$poll_id') call.arguments[name] = pollId;
    }
    let progress = 0;
    const result = await attempt(() => client.callTool(call, undefined,
      { onprogress: () => { progress += 1; } }));
    pollId = result.structuredContent?.poll_id ?? pollId;
    out.results.push({ ...result, progress });
  }
  await client.close();
}
console.log(JSON.stringify(out));
