// Editing a note, the labels or the contact in the row. Enter saves, Esc cancels, focus stays.
// The server answers a saved edit with the row as it is read anew; nothing is guessed here.

import { replaceRow } from "./rows.js";
import { Refused, readRow, send } from "./net.js";

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
  cell.querySelector(".editor").remove();
  cell.classList.remove("editing");
  cell.closest("tr")?.focus({ preventScroll: true });
}

/** An editor: one line to type in, and a place for what went wrong. */
function build(cell, { label, value, list, hint }, save) {
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
      await save(input.value, form);
    } catch (error) {
      await explain(error, form, cell.closest("tr"));
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

/** Say what went wrong beside what was typed; on a conflict also what is stored now. */
async function explain(error, form, row) {
  if (!(error instanceof Refused)) throw error;
  form.querySelector(".problem")?.remove();
  const problem = document.createElement("p");
  problem.className = "problem";
  problem.setAttribute("role", "alert");
  problem.textContent = error.message;
  form.append(problem);
  form.querySelector("input").focus();
  if (error.status === 409) await offerBoth(problem, row);
}

async function offerBoth(problem, row) {
  const fresh = await readRow(row.dataset.id);
  const kind = editing.dataset.edit;
  const now = { note: (r) => r.querySelector(".note").title, contact: (r) => r.dataset.contact }[kind];
  if (!now) return;
  row.dataset.version = fresh.dataset.version; // another Enter now means it
  const theirs = document.createElement("button");
  theirs.type = "button";
  theirs.textContent = "Take theirs";
  theirs.addEventListener("click", () => finish(row, fresh));
  problem.append(` Stored now: “${now(fresh)}”. Press Enter again to keep yours. `, theirs);
}

function finish(row, fresh) {
  editing = null;
  replaceRow(row, fresh);
}

async function saved(row, path, fields) {
  const fresh = await send(row.dataset.id, `/transactions/${row.dataset.id}/${path}`, fields);
  finish(row, fresh);
  return fresh;
}

function editNote(cell, row) {
  const value = cell.title;
  build(cell, { label: "Note", value, hint: "Enter saves, Esc cancels" }, (note) =>
    saved(row, "note", { note, version: row.dataset.version }),
  );
}

function editContact(cell, row) {
  const address = cell.querySelector("[data-copy]")?.dataset.copy;
  const value = cell.querySelector(".v.contact")?.textContent.trim() ?? "";
  const hint = address ? "" : "Enter saves, Esc cancels";
  const form = build(cell, { label: "Contact", value, list: "contact-names", hint }, (contact) => {
    const everywhere = form.querySelector("input[type=checkbox]")?.checked;
    const reach = everywhere ? "address" : "transaction";
    return saved(row, "contact", { contact, reach, version: row.dataset.version });
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
  const worn = [...cell.querySelectorAll("a.pill")];
  const hint = "Enter adds, × removes, Esc leaves";
  const form = build(cell, { label: "Add a label", value: "", list: "label-names", hint }, async (label) => {
    if (!label.trim()) return cancel();
    const fresh = await saved(row, "labels/add", { label });
    offer(label.trim());
    openEditor(fresh.querySelector('[data-edit="labels"]')); // there may be more to add
  });
  form.prepend(...worn.map((pill) => removable(pill, row, form)));
}

function removable(pill, row, form) {
  const whole = document.createElement("span");
  whole.className = pill.className.replace(/\bv\b/, "");
  whole.textContent = pill.textContent;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", textContent: "×" });
  button.setAttribute("aria-label", `Remove the label ${pill.textContent}`);
  button.addEventListener("click", async () => {
    try {
      const fresh = await saved(row, `labels/${pill.dataset.id}/remove`, { label: pill.dataset.v });
      openEditor(fresh.querySelector('[data-edit="labels"]'));
    } catch (error) {
      await explain(error, form, row);
    }
  });
  whole.append(button);
  return whole;
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
