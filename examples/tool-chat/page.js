// The page around chat.js: what is said, tools at work, and questions to the person. All that
// comes from a model or a tool is put on the page as text.

import { Refused, ToolChat, random } from "./chat.js";

const WORDS = {
  en: {
    title: "Chat with tools",
    say: "Say something…",
    key: "API key, if one is needed",
    send: "Send",
    stop: "Stop",
    fresh: "New conversation",
    works: "at work…",
    done: "done",
    failed: "failed",
    summarized: "summarized",
    truncated: "cut",
    stopped: "stopped",
    asks: "Let it run?",
    until: "until",
    yes: "Approve",
    no: "Refuse",
    approved: "approved",
    refused: "refused",
    whole: "Whole result",
    tools: "Tools",
  },
  zh: {
    title: "工具对话",
    say: "说点什么……",
    key: "API 密钥（如需要）",
    send: "发送",
    stop: "停止",
    fresh: "新的对话",
    works: "运行中……",
    done: "完成",
    failed: "失败",
    summarized: "已摘要",
    truncated: "已截断",
    stopped: "已停止",
    asks: "是否允许运行？",
    until: "截止",
    yes: "批准",
    no: "拒绝",
    approved: "已批准",
    refused: "已拒绝",
    whole: "完整结果",
    tools: "工具",
  },
};
const language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
const words = WORDS[language];

const chat = new ToolChat();
let session = `page-${random()}`;
let busy = false;

const $ = (id) => document.getElementById(id);

function make(tag, classes, text = "") {
  const element = document.createElement(tag);
  element.className = classes;
  element.textContent = text;
  return element;
}

function add(element) {
  const log = $("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  log.append(element);
  if (atEnd) log.scrollTop = log.scrollHeight;
  return element;
}

/** One call: what it is asked, what it says, what it gives. */
class Card {
  constructor({ tool_call_id: id, tool_name: name, arguments: given }) {
    this.id = id;
    this.box = add(make("section", "tool"));
    this.state = make("span", "state", words.works);
    const head = make("header", "");
    head.append(make("strong", "", name), make("code", "", JSON.stringify(given)), this.state);
    this.output = make("pre", "output");
    this.box.append(head, this.output);
  }

  hear(text) {
    this.output.textContent += text;
    this.output.scrollTop = this.output.scrollHeight;
  }

  finish({ result, is_error: failed, summarized, truncated }) {
    const marks = [failed ? words.failed : words.done];
    if (summarized) marks.push(words.summarized);
    if (truncated) marks.push(words.truncated);
    this.state.textContent = marks.join(" · ");
    this.state.classList.add(failed ? "bad" : "good");
    this.output.textContent = result;
    if (summarized) this.offerWhole();
  }

  offerWhole() {
    const button = make("button", "plain", words.whole);
    button.onclick = async () => {
      const found = await chat.result(this.id).catch((error) => ({ result: error.message }));
      this.output.textContent = found.result;
      button.remove();
    };
    this.box.append(button);
  }

  /** Resolves to what the person says. */
  question({ expires_at: until }) {
    const row = make("p", "question");
    const time = new Date(until).toLocaleTimeString(language);
    row.append(make("span", "", `${words.asks} (${words.until} ${time})`));
    this.state.textContent = "?";
    this.box.append(row);
    return new Promise((resolve) => {
      for (const [approve, word] of [[true, "yes"], [false, "no"]]) {
        const button = make("button", word, words[word]);
        button.onclick = () => {
          row.remove();
          this.state.textContent = approve ? words.approved : words.refused;
          resolve(approve);
        };
        row.append(button);
      }
      row.querySelector("button").focus();
    });
  }
}

/** Shows one stream; the calls that wait for a person when it has ended. */
async function show(stream, cards) {
  const waiting = [];
  let said = null;
  for await (const { type, data } of stream) {
    if (type === "chunk") {
      said ??= add(make("p", "answer"));
      said.textContent += data.content;
    } else {
      said = null;
    }
    if (type === "tool_call") {
      // One that was approved is told of again when it runs.
      if (!cards.has(data.tool_call_id)) cards.set(data.tool_call_id, new Card(data));
    } else if (type === "tool_stream_chunk") cards.get(data.tool_call_id)?.hear(data.content);
    else if (type === "tool_result") cards.get(data.tool_call_id)?.finish(data);
    else if (type === "tool_approval") waiting.push(data);
    else if (type === "error") add(make("p", "note bad", data.error));
    else if (type === "complete" && data.message.finish_reason === "aborted") {
      add(make("p", "note", words.stopped));
    }
  }
  return waiting;
}

async function converse(text) {
  const cards = new Map();
  add(make("p", "asked", text));
  let waiting = await show(chat.ask(session, text), cards);
  while (waiting.length > 0) {
    const [asked, ...others] = waiting;
    const card = cards.get(asked.tool_call_id) ?? new Card(asked);
    cards.set(asked.tool_call_id, card);
    working(false);
    const approve = await card.question(asked);
    working(true);
    const more = await show(chat.decide(asked.tool_call_id, approve), cards);
    const known = new Set(more.map((each) => each.tool_call_id));
    waiting = [...more, ...others.filter((each) => !known.has(each.tool_call_id))];
  }
}

function working(is) {
  $("stop").disabled = !is;
  $("send").disabled = busy;
}

async function send(event) {
  event.preventDefault();
  const text = $("text").value.trim();
  if (busy || !text) return;
  busy = true;
  working(true);
  $("text").value = "";
  chat.key = $("key").value.trim();
  try {
    await converse(text);
  } catch (error) {
    const code = error instanceof Refused ? ` (${error.code})` : "";
    add(make("p", "note bad", error.message + code));
  } finally {
    busy = false;
    working(false);
    $("text").focus();
  }
}

async function list() {
  const found = await chat.tools().catch(() => []);
  $("tools").textContent = found.map((tool) => tool.name).join(", ") || "–";
}

document.documentElement.lang = language;
document.title = words.title;
for (const element of document.querySelectorAll("[data-word]")) {
  element.textContent = words[element.dataset.word];
}
$("text").placeholder = words.say;
$("text").setAttribute("aria-label", words.say);
$("key").placeholder = words.key;
$("key").setAttribute("aria-label", words.key);
$("form").onsubmit = send;
$("access").onsubmit = (event) => event.preventDefault();
$("stop").onclick = () => chat.abort();
$("fresh").onclick = () => {
  if (busy) return;
  session = `page-${random()}`;
  $("log").replaceChildren();
};
$("key").onchange = () => {
  chat.key = $("key").value.trim();
  list();
};
working(false);
list();
