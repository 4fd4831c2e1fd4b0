// The TypeScript client, in one of its three negotiation modes, against one MCP URL.
// usage: node sdk.mjs URL legacy|auto|pin [BEARER]; prints one line of JSON.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const [url, modeName, bearer] = process.argv.slice(2);
const mode = modeName === 'pin' ? { pin: '2026-07-28' } : modeName;
const out = { mode: modeName };

async function attempt(run) {
  try {
    return await run();
  } catch (error) {
    return { thrown: { name: error.name, code: error.code ?? null, message: error.message } };
  }
}

const client = new Client({ name: 'sluice-tests', version: '1.0.0' }, { versionNegotiation: { mode } });
const headers = bearer ? { Authorization: `Bearer ${bearer}` } : {};
const connected = await attempt(async () => {
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  return {};
});
if (connected.thrown) {
  out.connect = connected.thrown;
} else {
  out.era = client.getProtocolEra();
  out.server = client.getServerVersion()?.name;
  const { tools } = await client.listTools();
  out.tools = tools.length;
  let progress = 0;
  out.list = await attempt(() => client.callTool(
    { name: 'list_all_netsuite_invoices', arguments: { limit: 2 } },
    { onprogress: () => { progress += 1; } }));
  out.progress = progress;
  out.invalid = await attempt(() => client.callTool(
    { name: 'list_all_netsuite_invoices', arguments: { limit: 100000 } }));
  out.unknown = await attempt(() => client.callTool({ name: 'no_such_tool', arguments: {} }));
  await client.close();
}
console.log(JSON.stringify(out));
