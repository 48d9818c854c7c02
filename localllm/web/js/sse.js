// Server-sent events of a fetch: bytes in any pieces → the same events. Knows nothing of what they say.

export class SseReader {
  #rest = "";

  // Takes text as it comes; gives {data} for each complete event and {comment} for each comment line.
  feed(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    const events = [];
    for (const line of lines) {
      const clean = line.endsWith("\r") ? line.slice(0, -1) : line;
      if (clean.startsWith("data:")) events.push({ data: clean.slice(5).trimStart() });
      else if (clean.startsWith(":")) events.push({ comment: clean.slice(1).trim() });
    }
    return events;
  }
}

export async function* readEvents(answer) {
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  const sse = new SseReader();
  for (;;) {
    const { done, value } = await reader.read();
    yield* sse.feed(decoder.decode(value, { stream: !done }));
    if (done) return;
  }
}
