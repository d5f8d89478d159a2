// A client of Talkwire's wire `tool-chat`, for browsers and Node, without dependencies.
//
//   const chat = new ToolChat({ base: "http://127.0.0.1:8000" });
//   for await (const frame of chat.ask("s_1", "What time is it in Bern?")) console.log(frame);
//
// A frame is `{type, data}`; the last one is `complete` or `error`. Nothing is asked twice when a
// connection is lost: the stream is taken up behind the last frame that was seen.

const LAST = new Set(["complete", "error"]);
const TRIES = 6;
const FIRST_WAIT_MS = 250;

/** The server refuses; `code` is one of those in docs/wires.md. */
export class Refused extends Error {
  constructor(status, body) {
    super(body.error ?? body.detail ?? `HTTP ${status}`);
    this.status = status;
    this.code = body.code ?? "unknown";
  }
}

export class ToolChat {
  /** `base` is the server's address, empty for the page's own; `key` an API key, if one is needed. */
  constructor({ base = "", key = "" } = {}) {
    this.base = base.replace(/\/$/, "");
    this.key = key;
    this.turnId = null; // of the stream that is read, for `abort`
  }

  /** Says something in a session, and yields the frames of the answer. */
  ask(sessionId, content, modelConfig) {
    const body = { session_id: sessionId, content };
    if (modelConfig) body.model_config = modelConfig;
    return this.#stream("/api/chat/stream", body);
  }

  /** Asks in a context that is given whole, and of which nothing is stored. */
  askDirectly(sessionId, messages, modelConfig) {
    const body = { session_id: sessionId, messages };
    if (modelConfig) body.model_config = modelConfig;
    return this.#stream("/api/chat/stream/direct", body);
  }

  /** Lets a call run that waits for a person, or refuses it, and yields how the answer goes on. */
  decide(toolCallId, approve, reason) {
    const body = reason ? { approve, reason } : { approve };
    return this.#stream(`/api/tools/${encodeURIComponent(toolCallId)}/decision`, body);
  }

  /** Stops the answer that is read. Its stream then ends with what was said. */
  async abort() {
    if (this.turnId === null) return [];
    return (await this.#json("POST", "/api/chat/abort", { turn_id: this.turnId })).aborted;
  }

  async tools() {
    return (await this.#json("GET", "/api/tools")).tools;
  }

  async servers() {
    return (await this.#json("GET", "/api/servers")).servers;
  }

  /** The whole of a result that was summarized. */
  result(toolCallId) {
    return this.#json("GET", `/api/tools/results/${encodeURIComponent(toolCallId)}`);
  }

  async *#stream(path, body) {
    const headers = { "Idempotency-Key": random() };
    const seen = { id: null };
    this.turnId = null;
    for (let lost = 0; ; lost += 1) {
      try {
        const response = await this.#fetch("POST", path, body, headers);
        this.turnId = response.headers.get("X-Turn-Id");
        for await (const frame of frames(response.body, seen)) {
          lost = 0;
          yield frame;
          if (LAST.has(frame.type)) return;
        }
      } catch (error) {
        const refused = error instanceof Refused && error.status < 500;
        if (refused || lost >= TRIES || this.turnId === null) throw error;
      }
      if (lost >= TRIES) throw new Error("the connection was lost");
      if (seen.id !== null) headers["Last-Event-ID"] = seen.id;
      await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS * 2 ** lost));
    }
  }

  async #json(method, path, body) {
    return (await this.#fetch(method, path, body, {})).json();
  }

  async #fetch(method, path, body, more) {
    const headers = { ...more };
    if (this.key) headers.Authorization = `Bearer ${this.key}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const options = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
    const response = await fetch(this.base + path, options);
    if (!response.ok) throw new Refused(response.status, await response.json().catch(() => ({})));
    return response;
  }
}

/** The frames of a body: lines that begin with `data: `. `seen.id` is that of the last one. */
export async function* frames(body, seen = { id: null }) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let id = null;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith("id: ")) id = line.slice(4);
        if (!line.startsWith("data: ")) continue; // comments keep the connection alive
        seen.id = id ?? seen.id;
        yield JSON.parse(line.slice(6));
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** 32 hexadecimal digits that nobody guesses. */
export function random() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
