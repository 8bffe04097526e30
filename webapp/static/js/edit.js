// Editing a note, the labels or the contact in the row. Enter saves, Esc cancels, focus stays.
// The server answers a saved edit with the row as it is read anew; nothing is guessed here.

import { replaceRow } from "./rows.js";
import { askWhose } from "./conflict.js";
import { Refused, newOnce, readRow, say, send } from "./net.js";

const EDITORS = { note: editNote, contact: editContact, labels: editLabels };
let editing = null; // the cell

export function openEditor(cell) {
  if (!cell || editing === cell) return;
  cancel();
  editing = cell;
  cell.classList.add("editing");
  EDITORS[cell.dataset.edit](cell, cell.closest("tr"));
}

function cancel() {
  if (!editing) return;
  const cell = editing;
  editing = null;
  cell.querySelector(".editor")?.remove();
  cell.classList.remove("editing");
  cell.closest("tr")?.focus({ preventScroll: true });
}

/** An editor: one line to type in, and a place for what went wrong. */
function build(cell, { label, value, list, hint }, submit) {
  const form = document.createElement("form");
  form.className = "editor";
  const input = document.createElement("input");
  Object.assign(input, { type: "text", value, autocomplete: "off" });
  input.setAttribute("aria-label", label);
  if (list) input.setAttribute("list", list);
  const said = document.createElement("p");
  said.className = "hint";
  said.textContent = hint;
  form.append(input, said);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.dataset.busy) return; // a second Enter is not a second edit
    form.dataset.busy = "yes";
    try {
      await submit(input.value, form);
    } catch (error) {
      explain(error, form);
    } finally {
      delete form.dataset.busy;
    }
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    cancel();
  });
  cell.append(form);
  input.focus();
  input.select();
  return form;
}

/** Say what went wrong beside what was typed; whoever has left it is told all the same. */
function explain(error, form) {
  if (!(error instanceof Refused || error instanceof Undecided)) throw error;
  if (!form.isConnected) return say(`Not saved: ${error.message || "two have changed it"}`);
  form.querySelector(".problem")?.remove();
  if (error instanceof Refused) {
    const problem = document.createElement("p");
    problem.className = "problem";
    problem.setAttribute("role", "alert");
    problem.textContent = error.message;
    form.append(problem);
  }
  form.querySelector("input").focus();
}

/** Two have changed one thing, and whoever was asked goes on editing. */
class Undecided extends Error {}

/** What is edited, on which version of the row: the one it was begun on, whatever comes since. */
function begin(cell, row) {
  return { cell, row, id: row.dataset.id, version: row.dataset.version, once: newOnce() };
}

/** Put the saved row in its place; what is typed beside it meanwhile stays. */
function finish({ cell, row }, fresh) {
  const stayed = editing === cell;
  if (stayed) editing = null;
  if (row.contains(editing)) document.dispatchEvent(new Event("row-outdated"));
  else replaceRow(row, fresh);
  return { fresh, stayed };
}

/** Save, and where somebody else changed the same, ask whose is to stand. */
async function save(edit, path, fields) {
  try {
    return finish(edit, await send(edit.id, `/transactions/${edit.id}/${path}`, fields, edit.once));
  } catch (error) {
    if (!error.conflict?.fields.length) throw error;
    const whose = await askWhose(error.conflict);
    if (whose === "theirs") return finish(edit, await readRow(edit.id));
    if (whose !== "mine") throw new Undecided();
    const { version, keep } = error.conflict;
    return save(edit, path, { ...fields, ...keep, version });
  }
}

function editNote(cell, row) {
  const value = cell.title;
  const edit = begin(cell, row);
  build(cell, { label: "Note", value, hint: "Enter saves, Esc cancels" }, (note) =>
    save(edit, "note", { note, version: edit.version }),
  );
}

function editContact(cell, row) {
  const edit = begin(cell, row);
  const address = cell.querySelector("[data-copy]")?.dataset.copy;
  const value = cell.querySelector(".v.contact")?.textContent.trim() ?? "";
  const hint = address ? "" : "Enter saves, Esc cancels";
  const form = build(cell, { label: "Contact", value, list: "contact-names", hint }, (contact) => {
    const everywhere = form.querySelector("input[type=checkbox]")?.checked;
    const reach = everywhere ? "address" : "transaction";
    return save(edit, "contact", { contact, reach, version: edit.version });
  });
  if (address) form.querySelector(".hint").append(choice());
}

function choice() {
  const label = document.createElement("label");
  label.className = "choice";
  const box = document.createElement("input");
  Object.assign(box, { type: "checkbox", checked: true });
  label.append(box, "wherever this address appears");
  return label;
}

function editLabels(cell, row) {
  const edit = begin(cell, row);
  const worn = [...cell.querySelectorAll("a.pill")];
  const hint = "Enter adds, × removes, Esc leaves";
  const form = build(cell, { label: "Add a label", value: "", list: "label-names", hint }, async (label) => {
    if (!label.trim()) return cancel();
    const saved = await save(edit, "labels/add", { label });
    offer(label.trim());
    goOn(saved); // there may be more to add
  });
  form.prepend(...worn.map((pill) => removable(pill, edit, form)));
}

function removable(pill, edit, form) {
  const whole = document.createElement("span");
  whole.className = pill.className.replace(/\bv\b/, "");
  whole.textContent = pill.textContent;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", textContent: "×" });
  button.setAttribute("aria-label", `Remove the label ${pill.textContent}`);
  button.addEventListener("click", async () => {
    try {
      goOn(await save(edit, `labels/${pill.dataset.id}/remove`, { label: pill.dataset.v }));
    } catch (error) {
      explain(error, form);
    }
  });
  whole.append(button);
  return whole;
}

function goOn({ fresh, stayed }) {
  if (stayed) openEditor(fresh.querySelector('[data-edit="labels"]'));
}

function offer(name) {
  const list = document.getElementById("label-names");
  const known = [...list.options].some((option) => option.value === name);
  if (!known) list.append(new Option(name, name));
}

export function installEditors() {
  const table = document.querySelector("table.transactions");
  table.addEventListener("click", (event) => {
    const cell = event.target.closest("td[data-edit]");
    if (!cell || event.target.closest("a, .editor, .copy")) return;
    openEditor(cell);
  });
}
