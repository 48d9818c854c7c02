// From a path of messages to the body of POST /v1/chat/completions. Pure.

export const SAMPLING = {
  temperature: { min: 0, max: 2, step: 0.05 },
  top_p: { min: 0, max: 1, step: 0.01 },
  top_k: { min: 0, max: 200, step: 1 },
  min_p: { min: 0, max: 1, step: 0.01 },
  repeat_penalty: { min: 0.5, max: 2, step: 0.01 },
  max_tokens: { min: 1, max: 131072, step: 1 },
  seed: { min: 0, max: 4294967295, step: 1 },
};

export function chatRequest(conversation, path, model) {
  const messages = path.map(wireMessage).filter((message) => message !== null);
  if (conversation.system?.trim()) messages.unshift({ role: "system", content: conversation.system });
  // A long conversation goes on without its oldest turns instead of ending in an error; the answer says how many.
  const body = { model, messages, stream: true, stream_options: { include_usage: true }, truncation: "auto", ...chosen(conversation.sampling) };
  const tools = parseTools(conversation.tools);
  if (tools.length) body.tools = tools;
  return body;
}

// What the person set; what was left alone is the model's to choose.
function chosen(sampling = {}) {
  return Object.fromEntries(Object.entries(sampling).filter(([, value]) => value !== null && value !== ""));
}

function wireMessage(message) {
  if (message.role === "tool") return { role: "tool", tool_call_id: message.tool_call_id, content: message.content };
  if (message.role === "assistant") return assistantMessage(message);
  if (!message.images?.length) return { role: "user", content: message.content };
  const images = message.images.map((url) => ({ type: "image_url", image_url: { url } }));
  return { role: "user", content: [{ type: "text", text: message.content }, ...images] };
}

// Failed and empty answers are left out: a model would take them for its own words.
function assistantMessage(message) {
  const calls = (message.tool_calls ?? []).filter(Boolean);
  if (!message.content && !calls.length) return null;
  const wire = { role: "assistant", content: message.content };
  if (calls.length) wire.tool_calls = calls.map((call) => ({ ...call, type: "function" }));
  return wire;
}

// The tools of a JSON text: a list in OpenAI's shape. Throws SyntaxError where it is something else.
export function parseTools(text) {
  if (!text?.trim()) return [];
  const tools = JSON.parse(text);
  if (!Array.isArray(tools)) throw new SyntaxError("[…]");
  return tools.map((tool) => (tool.type === "function" ? tool : { type: "function", function: tool }));
}

// Applies one chunk of the stream to a message; true where something that is shown has changed.
export function applyChunk(message, chunk) {
  if (chunk.usage) message.usage = chunk.usage;
  if (chunk.timings) message.timings = chunk.timings;
  if (chunk.truncated_messages) message.unseen = chunk.truncated_messages;
  const choice = chunk.choices?.[0];
  if (!choice) return Boolean(chunk.usage);
  const delta = choice.delta ?? {};
  if (delta.content) message.content += delta.content;
  if (delta.reasoning_content) message.reasoning = (message.reasoning ?? "") + delta.reasoning_content;
  for (const part of delta.tool_calls ?? []) applyCall(message, part);
  if (choice.finish_reason) message.finish = choice.finish_reason;
  return true;
}

function applyCall(message, part) {
  message.tool_calls ??= [];
  const call = (message.tool_calls[part.index] ??= { id: "", function: { name: "", arguments: "" } });
  if (part.id) call.id = part.id;
  if (part.function?.name) call.function.name = part.function.name;
  call.function.arguments += part.function?.arguments ?? "";
}
