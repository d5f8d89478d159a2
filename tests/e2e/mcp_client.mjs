// A client of the official TypeScript SDK: shakes hands, lists, chats with progress, calls one off.

const [sdk, url] = process.argv.slice(2);
const { Client } = await import(`${sdk}/dist/esm/client/index.js`);
const { StreamableHTTPClientTransport } = await import(`${sdk}/dist/esm/client/streamableHttp.js`);

const client = new Client({ name: "test", version: "1" });
const transport = new StreamableHTTPClientTransport(new URL(url));
await client.connect(transport);
const { tools } = await client.listTools();
const texts = [];
const chat = (input, options) =>
  client.callTool({ name: "chat", arguments: { input, session_id: "s_ts" } }, undefined, options);
const answered = await chat("words=9 pace_ms=20", {
  onprogress: ({ message }) => texts.push(message),
});

const aborting = new AbortController();
const calledOff = await chat("words=3 then=stall", {
  signal: aborting.signal,
  onprogress: () => aborting.abort(),
}).then(
  () => "answered",
  () => "called off",
);
const wrong = await client.callTool({ name: "chat", arguments: {} });
await client.close();
console.log(
  JSON.stringify({ tools: tools.map((tool) => tool.name), texts, answered, calledOff, wrong }),
);
