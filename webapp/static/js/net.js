// Asking the server: an edit is sent as its form would be, and answered with the row read anew.

const JSON_PLEASE = { Accept: "application/json" };

/** What the server refused, in its own words. */
export class Refused extends Error {
  constructor(status, { title, problem }) {
    super(`${title}: ${problem}`);
    this.status = status;
  }
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
  try {
    return await fetch(path, { headers: JSON_PLEASE, ...options });
  } catch {
    throw new Refused(0, { title: "The server cannot be reached", problem: "nothing was saved; try again" });
  }
}

export async function readRow(id) {
  return asRow(await ask(rowPath(id)));
}

/** Send an edit; the server leads on to the row as it is now. */
export async function send(id, path, fields) {
  const body = new URLSearchParams(fields);
  body.set("csrf_token", document.querySelector("input[name=csrf_token]").value);
  body.set("back", rowPath(id));
  return asRow(await ask(path, { method: "POST", body }));
}

export function say(text) {
  const message = document.createElement("p");
  message.textContent = text;
  document.getElementById("toast").replaceChildren(message);
  setTimeout(() => message.remove(), 4000);
}
