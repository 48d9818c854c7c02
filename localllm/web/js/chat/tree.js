// A conversation is a tree: an edited question and a second answer are siblings of the first, and nothing is lost.
// Pure: messages are objects with `id` and `parent`; `leaf` is the last message of the path that is shown.

export class Tree {
  constructor(messages = [], leaf = null) {
    this.byId = new Map();
    this.childrenOf = new Map();
    for (const message of messages) this.#put(message);
    this.leaf = this.byId.has(leaf) ? leaf : this.#deepest(null);
  }

  get messages() {
    return [...this.byId.values()];
  }

  // The messages from the first to the leaf.
  path() {
    const found = [];
    for (let message = this.byId.get(this.leaf); message; message = this.byId.get(message.parent)) found.push(message);
    return found.reverse();
  }

  // Appends after the leaf, or beside the children that `parent` has.
  add(message, parent = this.leaf) {
    message.parent = parent;
    this.#put(message);
    this.leaf = message.id;
    return message;
  }

  siblings(id) {
    return this.childrenOf.get(this.byId.get(id)?.parent ?? null) ?? [];
  }

  // Shows this message and what follows it newest.
  select(id) {
    this.leaf = this.#deepest(id);
  }

  // Takes a message away with all that follows it; the leaf moves to a sibling or to the parent.
  remove(id) {
    const message = this.byId.get(id);
    const gone = [];
    const collect = (each) => {
      gone.push(each);
      (this.childrenOf.get(each) ?? []).forEach(collect);
      this.childrenOf.delete(each);
      this.byId.delete(each);
    };
    collect(id);
    const left = (this.childrenOf.get(message.parent) ?? []).filter((each) => each !== id);
    this.childrenOf.set(message.parent, left);
    if (gone.includes(this.leaf)) this.leaf = left.length ? this.#deepest(left.at(-1)) : message.parent;
    return gone;
  }

  #put(message) {
    message.parent ??= null;
    this.byId.set(message.id, message);
    const siblings = this.childrenOf.get(message.parent) ?? [];
    this.childrenOf.set(message.parent, [...siblings, message.id]);
  }

  #deepest(id) {
    let found = id;
    for (let next = this.childrenOf.get(found)?.at(-1); next; next = this.childrenOf.get(found)?.at(-1)) found = next;
    return found;
  }
}
