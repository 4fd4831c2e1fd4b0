// The TypeScript SDK's stateless server with one tool, as its documentation sets it up: a fresh
// server for each request, both protocol eras. Prints its port.
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';

const inputSchema = z.object({ text: z.string() });

function build() {
  const server = new McpServer({ name: 'echo', version: '1.0.0' });
  server.registerTool('echo', { description: 'Returns the text.', inputSchema },
    async ({ text }) => ({ content: [{ type: 'text', text }] }));
  return server;
}

const server = createServer(toNodeHandler(createMcpHandler(build)));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.on('SIGTERM', () => process.exit(0));
