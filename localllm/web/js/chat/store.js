// Conversations in this browser's IndexedDB, and nowhere else. Knows no element of the page.

const NAME = "localllm";
const VERSION = 1;
let opening = null;

function database() {
  opening ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, VERSION);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("conversations", { keyPath: "id" });
      asked.result.createObjectStore("messages", { keyPath: "id" }).createIndex("conversation", "conversation");
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  return opening;
}

// Runs `work` on the two stores; resolves with its request's result when everything is on the disk.
async function transaction(mode, work) {
  const db = await database();
  return new Promise((resolve, reject) => {
    const running = db.transaction(["conversations", "messages"], mode);
    const asked = work(running.objectStore("conversations"), running.objectStore("messages"));
    running.oncomplete = () => resolve(asked?.result);
    running.onerror = () => reject(running.error);
    running.onabort = () => reject(running.error);
  });
}

export async function listConversations() {
  const all = await transaction("readonly", (conversations) => conversations.getAll());
  return all.sort((a, b) => b.updated - a.updated);
}

export function loadConversation(id) {
  return transaction("readonly", (conversations) => conversations.get(id));
}

export async function loadMessages(id) {
  const all = await transaction("readonly", (_, messages) => messages.index("conversation").getAll(id));
  return all.sort((a, b) => a.order - b.order);
}

export function save(conversation, changed = []) {
  return transaction("readwrite", (conversations, messages) => {
    conversations.put(conversation);
    for (const message of changed) messages.put(message);
  });
}

// What an answer has written so far. Its conversation's other fields stay as they are kept, because somebody may have
// renamed it meanwhile; and where it was deleted, here or in another window, nothing is written.
export function saveAnswer(message, leaf) {
  return transaction("readwrite", (conversations, messages) => {
    conversations.get(message.conversation).onsuccess = ({ target: { result: kept } }) => {
      if (!kept) return;
      conversations.put({ ...kept, leaf, updated: Date.now() });
      messages.put(message);
    };
  });
}

export function removeMessages(ids) {
  return transaction("readwrite", (_, messages) => ids.forEach((id) => messages.delete(id)) );
}

export function removeConversation(id) {
  return transaction("readwrite", (conversations, messages) => {
    conversations.delete(id);
    messages.index("conversation").getAllKeys(id).onsuccess = (event) =>
      event.target.result.forEach((each) => messages.delete(each));
  });
}
