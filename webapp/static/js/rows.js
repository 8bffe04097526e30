// Moving among the rows by key, ticking them, copying addresses.

import { isTyping } from "./keys.js";
import { openEditor } from "./edit.js";

const rows = () => [...document.querySelectorAll("table.transactions tbody tr")];
let here = null; // the row that keys act on

function go(step) {
  const all = rows();
  const now = all.indexOf(here?.isConnected ? here : null);
  stand(all[Math.min(Math.max(now + step, 0), all.length - 1)]);
}

function stand(row) {
  here?.classList.remove("here");
  here = row;
  here.classList.add("here");
  here.focus({ preventScroll: true });
  here.scrollIntoView({ block: "nearest" });
}

/** Keep standing on a row whose element was replaced. */
export function replaceRow(old, fresh) {
  const standing = old === here || old.contains(document.activeElement);
  fresh.querySelector(".tick input").checked = old.querySelector(".tick input").checked;
  old.replaceWith(fresh);
  if (standing) stand(fresh);
  document.dispatchEvent(new Event("row-replaced"));
}

/** A row goes: whoever stands on it stands on its neighbour. */
export function leaveRow(row) {
  if (row !== here && !row.contains(document.activeElement)) return;
  const next = row.nextElementSibling ?? row.previousElementSibling;
  const focused = row.contains(document.activeElement);
  here = null;
  if (!next) return;
  next.classList.add("here");
  here = next;
  if (focused) next.focus({ preventScroll: true });
}

const KEYS = {
  j: () => go(1),
  ArrowDown: () => go(1),
  k: () => go(-1),
  ArrowUp: () => go(-1),
  x: () => here?.querySelector(".tick input").click(),
  e: () => here && openEditor(here.querySelector('[data-edit="note"]')),
  l: () => here && openEditor(here.querySelector('[data-edit="labels"]')),
  c: () => here && openEditor(here.querySelector('[data-edit="contact"]')),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open], .popover")) return;
  if (isTyping(event.target)) return;
  if (event.key === "Enter" && event.target === here) {
    here.querySelector("th.time a").click();
  } else if (KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  }
}

export function recount() {
  const said = document.querySelector(".ticked");
  const number = document.querySelectorAll(".row .tick input:checked").length;
  const text = `${number} selected`;
  if (said && said.textContent !== text) said.textContent = text;
}

let lastTicked = null;

function onTick(event) {
  const box = event.target.closest(".row .tick input");
  if (box && event.shiftKey && lastTicked?.isConnected) {
    const all = [...document.querySelectorAll(".row .tick input")];
    const [from, to] = [all.indexOf(lastTicked), all.indexOf(box)].sort((a, b) => a - b);
    for (const each of all.slice(from, to + 1)) each.checked = box.checked;
  }
  if (box) lastTicked = box;
  if (event.target.dataset.do === "tick-all") {
    for (const each of document.querySelectorAll(".row .tick input")) each.checked = event.target.checked;
  }
  recount();
}

async function onCopy(event) {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.classList.add("done");
  setTimeout(() => button.classList.remove("done"), 1200);
}

export function installRows() {
  const inTable = (event) => event.target.closest?.("table.transactions");
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    if (inTable(event) && event.target.matches("input[type=checkbox]")) onTick(event);
    if (inTable(event)) onCopy(event);
  });
  document.addEventListener("focusin", (event) => {
    const row = inTable(event) && event.target.closest("tbody tr");
    if (!row || row === here) return;
    here?.classList.remove("here");
    here = row;
    here.classList.add("here");
  });
  recount(); // the browser may remember ticks over a reload
}
