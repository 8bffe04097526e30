// Asking the server: an edit is sent as its form would be, and answered with the row read anew.

const JSON_PLEASE = { Accept: "application/json" };
const BEFORE_AGAIN = 400; // milliseconds

/** What the server refused, in its own words; `conflict` says what two have changed. */
export class Refused extends Error {
  constructor(status, { title, problem, conflict }) {
    super(`${title}: ${problem}`);
    this.status = status;
    this.conflict = conflict;
  }
}

/** The number of one save: sent again with the same, it is done once. */
export function newOnce() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Pages that come without TLS from another machine are not given it.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The address of one row, its links keeping the present filter. */
function rowPath(id) {
  const query = new URLSearchParams(location.search);
  query.delete("cursor");
  query.delete("jump");
  return `/transactions/${id}/row?${query}`;
}

async function asRow(answer) {
  const found = answer.headers.get("Content-Type")?.startsWith("application/json")
    ? await answer.json()
    : { error: { title: "The server does not answer", problem: "try again in a moment" } };
  if (found.error) throw new Refused(answer.status, found.error);
  for (const message of found.said) say(message);
  const template = document.createElement("template");
  template.innerHTML = found.row;
  return template.content.querySelector("tr");
}

async function ask(path, options) {
  const all = { headers: JSON_PLEASE, ...options };
  try {
    return await fetch(path, all);
  } catch {
    // What was lost may have been the answer only: sent again, it is not done again.
    await new Promise((done) => setTimeout(done, BEFORE_AGAIN));
  }
  try {
    return await fetch(path, all);
  } catch {
    const problem = "whether it was saved is not known; sent again, it is saved once";
    throw new Refused(0, { title: "The server cannot be reached", problem });
  }
}

export async function readRow(id) {
  return asRow(await ask(rowPath(id)));
}

/** Send an edit; the server leads on to the row as it is now. */
export async function send(id, path, fields, once) {
  const body = new URLSearchParams(fields);
  body.set("csrf_token", document.querySelector("input[name=csrf_token]").value);
  body.set("once", once);
  body.set("back", rowPath(id));
  return asRow(await ask(path, { method: "POST", body }));
}

export function say(text) {
  const message = document.createElement("p");
  message.textContent = text;
  document.getElementById("toast").replaceChildren(message);
  setTimeout(() => message.remove(), 4000);
}

// A page that the browser kept and shows again is a new one: what is sent from it is meant anew.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const input of document.querySelectorAll("input[name=once]")) input.value = newOnce();
});
