// Names of contacts, offered while one is typed.

const WAIT = 150; // milliseconds after the last key

/** What the server knows; null when it cannot be asked: names can be typed without it. */
async function namesLike(query) {
  try {
    const answer = await fetch(`/contacts/names?${query}`, { headers: { Accept: "application/json" } });
    return answer.ok ? (await answer.json()).names : null;
  } catch {
    return null;
  }
}

export function installNames() {
  let asked = 0;
  let timer = 0;
  document.addEventListener("input", (event) => {
    if (event.target.getAttribute?.("list") !== "contact-names") return;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const mine = ++asked;
      const query = new URLSearchParams({ q: event.target.value });
      const names = await namesLike(query);
      // The answer to an older question must not replace that to a newer one.
      if (!names || mine !== asked) return;
      const options = names.map((name) => new Option(name, name));
      for (const list of document.querySelectorAll("datalist#contact-names")) list.replaceChildren(...options);
    }, WAIT);
  });
}
