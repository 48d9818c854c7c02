// What the server tells the page before it can ask: version, whether a key is needed, whether it can be ended here.

export const told = JSON.parse(document.querySelector('meta[name="localllm"]').content);
