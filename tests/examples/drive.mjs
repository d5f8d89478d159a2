// Runs the example's client as a program would: what to do comes in one JSON argument, what
// happens goes out as lines of JSON.

const { module, base, key, say, approve, abortAfter, list, direct } = JSON.parse(process.argv[2]);
const { Refused, ToolChat } = await import(module);
const chat = new ToolChat({ base, key });
const tell = (value) => console.log(JSON.stringify(value));

async function read(stream) {
  const waiting = [];
  let count = 0;
  for await (const frame of stream) {
    tell(frame);
    count += 1;
    if (frame.type === "tool_approval") waiting.push(frame.data);
    if (count === abortAfter) tell({ aborted: await chat.abort() });
  }
  return waiting;
}

try {
  if (list) tell({ tools: await chat.tools(), servers: await chat.servers() });
  let waiting = [];
  if (say) waiting = await read(chat.ask("s_node", say));
  if (direct) waiting = await read(chat.askDirectly("s_node", direct));
  while (waiting.length > 0) {
    waiting = await read(chat.decide(waiting[0].tool_call_id, approve, "because"));
  }
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  tell({ refused: error.code, status: error.status });
}
