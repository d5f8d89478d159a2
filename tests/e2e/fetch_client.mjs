// The client that pages have copied: each chunk is split by line, and every line is parsed.

const [, , url, body] = process.argv;
const answer = await fetch(url, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body,
});
const reader = answer.body.getReader();
const decoder = new TextDecoder();
const seen = [];
while (true) {
  const { done, value } = await reader.read();
  if (done) break;
  for (const line of decoder.decode(value).split("\n")) {
    if (line.trim()) seen.push(JSON.parse(line.replace("data: ", "")));
  }
}
console.log(JSON.stringify(seen));
