// Putting a page that was asked for anew into the place of the one that is shown.
// The reader's place stays: the first row in sight does not move by a pixel.

import { morph } from "./morph.js";
import { leaveRow, recount } from "./rows.js";
import { follow } from "./popover.js";
import { aged } from "./counting.js";

const FLASH = 1600; // milliseconds
const main = document.getElementById("main");

/**
 * @param fresh the document
 * @param still whether the first row in sight stays where it is
 * @returns whether something that is typed was kept although it differs
 */
export function swap(fresh, still = true) {
  const focus = document.activeElement;
  const marks = still ? rowsInSight() : [];
  const seen = { moved: new Set(), fresh: [], kept: false };
  const changed = morph(main, fresh.getElementById("main"), watching(seen));
  document.title = fresh.title;
  document.body.className = fresh.body.className;
  if (focus !== document.activeElement && focus.isConnected) focus.focus({ preventScroll: true });
  hold(marks.filter(([row]) => !seen.moved.has(row)));
  flash(seen.fresh);
  recount();
  follow();
  if (changed) aged(fresh.querySelector("#as-of time")?.dateTime);
  return seen.kept;
}

function watching(seen) {
  return {
    // What is just being saved from here is nobody else's change.
    row: (row) => row.querySelector("form[data-busy]") || seen.fresh.push(row),
    leaves: leaveRow,
    moves: (row) => seen.moved.add(row),
    edited: sayStored,
    kept(element) {
      const cell = element.querySelector(".editing");
      if (cell) keepRow(element, cell);
      else if (!element.matches("#filter form, .jump, #bulk")) seen.kept = true;
    },
  };
}

// ── The reader's place ──────────────────────────────────────────────────────────────────────

function rowsInSight() {
  const head = document.querySelector(".transactions thead")?.getBoundingClientRect().bottom ?? 0;
  const rows = [...main.querySelectorAll("tr[data-id]")].map((row) => [row, row.getBoundingClientRect()]);
  return rows
    .filter(([, box]) => box.bottom > Math.max(head, 0) && box.top < innerHeight)
    .map(([row, box]) => [row, box.top]);
}

function hold(marks) {
  const [row, top] = marks.find(([each]) => each.isConnected) ?? [];
  const by = row ? row.getBoundingClientRect().top - top : 0;
  if (by) scrollBy({ top: by, behavior: "instant" });
}

function flash(rows) {
  for (const row of rows) row.classList.remove("changed");
  void main.offsetWidth; // an animation begins anew only after this
  for (const row of rows) row.classList.add("changed");
  setTimeout(() => {
    for (const row of rows) row.classList.remove("changed");
  }, FLASH);
}

// ── What is typed ───────────────────────────────────────────────────────────────────────────

/** Say beside an editor what is stored now, if that is not what it was begun on. */
function sayStored(cell, fresh) {
  const form = cell.querySelector(".editor");
  if (!form) return;
  form.dataset.begun ??= stored(cell);
  const now = stored(fresh);
  sayBeside(form, now === form.dataset.begun ? "" : `Changed meanwhile to “${now}”.`);
}

function stored(cell) {
  if (cell.dataset.edit === "note") return cell.title;
  return [...cell.querySelectorAll(":scope > .v")].map((each) => each.textContent.trim()).join(", ");
}

function sayBeside(form, words) {
  const said = form.querySelector(".meanwhile") ?? document.createElement("p");
  if (said.textContent === words) return;
  Object.assign(said, { className: "meanwhile", role: "status", textContent: words });
  form.append(said);
}

/** A row that is no longer of this list stays until nobody types in it. */
function keepRow(row, cell) {
  if ("gone" in row.dataset) return;
  row.dataset.gone = "";
  sayBeside(cell.querySelector(".editor"), "It is no longer in this list.");
  const observer = new MutationObserver(() => {
    if (cell.querySelector(".editor")) return;
    observer.disconnect();
    if (!("gone" in row.dataset)) return; // it came back
    leaveRow(row);
    row.remove();
  });
  observer.observe(cell, { childList: true });
}
