// Thinking, a text and a call, said by a script: what the Node.js clients make of the three, and of a failure.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { streamText, tool } from "ai";
import OpenAI from "openai";
import { z } from "zod";

const baseURL = process.env.BASE_URL;
const settings = { baseURL, apiKey: "x" };
const openai = new OpenAI({ ...settings, maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: baseURL.replace(/\/v1$/, ""), apiKey: "x", maxRetries: 0 });
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const description = "The weather of a city.";
const input = "Weather?";
const messages = [{ role: "user", content: input }];

for (const summary of [null, "auto"]) {
  test(`openai-node's helper, summary: ${summary}`, async () => {
    const tools = [{ type: "function", name: "get_weather", description, parameters, strict: false }];
    const stream = openai.responses.stream({ model: "guide", input, tools, reasoning: { summary } });
    const [reasoning, message, call] = (await stream.finalResponse()).output;
    assert.equal((summary ? reasoning.summary : reasoning.content)[0].text, "hmm");
    assert.equal(message.content[0].text, "Let me look.");
    assert.equal(call.arguments, '{"city": "Bern"}');
  });
}

test("openai-node's helper rejects when the model fails", async () => {
  const failing = openai.responses.stream({ model: "other", input }).finalResponse();
  await assert.rejects(failing, (event) => event.message === "It died."); // the event itself
});

test("Anthropic's helper", async () => {
  const tools = [{ name: "get_weather", description, input_schema: parameters }];
  const message = await anthropic.messages.stream({ model: "guide", messages, max_tokens: 99, tools }).finalMessage();
  const [thinking, text, call] = message.content;
  assert.equal(thinking.thinking, "hmm");
  assert.equal(text.text, "Let me look.");
  assert.deepEqual(call.input, { city: "Bern" });
});

test("Anthropic's helper rejects when the model fails", async () => {
  const stream = anthropic.messages.stream({ model: "other", messages, max_tokens: 99 });
  await assert.rejects(stream.finalMessage(), /It died/);
});

const providers = {
  openai: createOpenAI(settings)("guide"),
  anthropic: createAnthropic(settings)("guide"),
};
for (const [name, model] of Object.entries(providers)) {
  test(`AI SDK, ${name}: all three parts`, async () => {
    const result = streamText({
      model,
      prompt: input,
      maxOutputTokens: 99,
      tools: { get_weather: tool({ description, inputSchema: z.object({ city: z.string() }) }) },
      providerOptions: { openai: { reasoningSummary: "auto", forceReasoning: true } },
      onError: ({ error }) => assert.fail(error),
    });
    assert.equal(await result.reasoningText, "hmm");
    assert.equal(await result.text, "Let me look.");
    assert.deepEqual((await result.toolCalls)[0].input, { city: "Bern" });
    assert.equal(await result.finishReason, "tool-calls");
  });
}
