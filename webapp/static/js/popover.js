// A click on a value offers to narrow the list to it, or to leave it out.
// Without this script the value itself is the link that narrows.

import { openEditor } from "./edit.js";

let open = null;

function close() {
  if (!open) return;
  open.menu.remove();
  open.value.removeAttribute("aria-expanded");
  open = null;
}

function link(text, href) {
  const found = document.createElement("a");
  found.textContent = text;
  found.href = href;
  return found;
}

function show(value) {
  const { k: key, v: text } = value.dataset;
  const menu = document.createElement("div");
  menu.className = "popover";
  const what = document.createElement("p");
  what.className = "what";
  what.textContent = value.title || value.textContent.trim();
  const prefix = value.closest("table").getAttribute(`data-not-${key}`);
  menu.append(what, link("Only this", value.href), link("Not this", prefix + encodeURIComponent(text)));
  if (value.closest('[data-edit="contact"]')) menu.append(naming(value.closest("td")));
  document.body.append(menu);
  place(menu, value.getBoundingClientRect());
  value.setAttribute("aria-expanded", "true");
  open = { menu, value };
  menu.querySelector("a").focus();
}

function naming(cell) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", textContent: "Name the contact …" });
  button.addEventListener("click", () => {
    close();
    openEditor(cell);
  });
  return button;
}

function place(menu, box) {
  const left = Math.min(box.left + scrollX, scrollX + document.documentElement.clientWidth - menu.offsetWidth - 8);
  const below = box.bottom + menu.offsetHeight + 8 < innerHeight;
  menu.style.left = `${Math.max(left, 8)}px`;
  menu.style.top = `${(below ? box.bottom + 4 : box.top - menu.offsetHeight - 4) + scrollY}px`;
}

function onKey(event) {
  if (!open) return;
  const links = [...open.menu.querySelectorAll("a, button")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape") {
    const { value } = open;
    close();
    value.focus({ preventScroll: true });
  } else if (step) {
    const now = links.indexOf(document.activeElement);
    links[(now + step + links.length) % links.length].focus();
    event.preventDefault();
  } else if (event.key === "Tab") {
    close();
  }
}

/** Stay beside the value, wherever the rows have gone. */
export function follow() {
  if (open?.value.isConnected) place(open.menu, open.value.getBoundingClientRect());
}

export function installPopovers() {
  document.addEventListener("click", (event) => {
    const value = event.target.closest("table.transactions tbody a.v");
    const again = value && open?.value === value;
    if (!event.target.closest(".popover")) close();
    // With a key held, it is an ordinary link.
    if (!value || again || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(value);
  });
  document.addEventListener("keydown", onKey);
}
