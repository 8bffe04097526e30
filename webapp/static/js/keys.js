// Keys that lead somewhere on every page. Rows have their own (rows.js).

export function isTyping(target) {
  return target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;
}

export function installKeys(toggleTheme) {
  const follow = (selector) => document.querySelector(selector)?.click();
  const keys = {
    "/": openFilter,
    "?": () => document.getElementById("keys").showModal(),
    t: toggleTheme,
    n: () => follow('.pager a[rel="next"]'),
    p: () => follow('.pager a[rel="prev"]'),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return leave(event);
    if (isTyping(event.target) || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
}

function openFilter() {
  const filter = document.getElementById("filter");
  if (!filter) return;
  filter.open = true;
  filter.querySelector("form select, form input:not([type=hidden])").focus();
}

function leave(event) {
  const filter = event.target.closest("#filter[open]");
  if (!filter) return;
  filter.open = false;
  filter.querySelector("summary").focus();
}
