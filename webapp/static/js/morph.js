// Making the page in the document like another of ours, touching nothing that is alike already.
// What the reader has done to it stays: focus, ticks, what is open, and what is typed.

/** Filled by scripts, not by the server. */
const OURS = "#said, #sums-here, #about, datalist#contact-names, .editor";
/** Said once, by the answer that led here. */
const ONCE = "#moved";
const CLASSES = ["here", "changed", "editing", "done", "unconfirmed"];
const ATTRIBUTES = new Set(["aria-expanded", "style"]);

/**
 * @param watch told of it: `row(tr)` was changed or came, `leaves(tr)` goes, `moves(element)`,
 *     `edited(cell, fresh)` is about to change under an editor, `kept(element)` differs and stays
 *     because of what is typed there
 */
export function morph(live, fresh, watch) {
  if (live.nodeType !== Node.ELEMENT_NODE) return morphText(live, fresh);
  if (isOurs(live) || live.isEqualNode(fresh)) return false;
  if (isTouched(live)) {
    if (shownText(live) !== shownText(fresh)) watch.kept(live);
    return false;
  }
  if (live.classList.contains("editing")) watch.edited(live, fresh);
  const inside = morphChildren(live, fresh, watch);
  const changed = morphAttributes(live, fresh); // last, so that children are seen as they were
  if (inside && live.matches("tr[data-id]")) watch.row(live);
  if (live.matches("input, select, textarea")) fill(live, fresh);
  return changed || inside;
}

function morphText(live, fresh) {
  if (live.data === fresh.data) return false;
  live.data = fresh.data;
  return true;
}

function morphAttributes(live, fresh) {
  let changed = false;
  for (const { name, value } of fresh.attributes) {
    const wanted = name === "class" ? withOurs(live, value) : value;
    if (live.getAttribute(name) === wanted || stays(live, name)) continue;
    live.setAttribute(name, wanted);
    changed = true;
  }
  for (const { name } of [...live.attributes]) {
    if (fresh.hasAttribute(name) || name === "open" || stays(live, name)) continue;
    if (name === "class" && withOurs(live, "")) live.className = withOurs(live, "");
    else live.removeAttribute(name);
    changed = true;
  }
  return changed;
}

function withOurs(live, value) {
  const ours = CLASSES.filter((each) => live.classList.contains(each) && !value.split(" ").includes(each));
  return ours.length ? [value, ...ours].join(" ").trim() : value;
}

/** A form leads back to this address, and is the same one when it is sent twice. */
const FIELDS = new Set(["back", "once"]);

function stays(live, name) {
  return ATTRIBUTES.has(name) || (name === "value" && FIELDS.has(live.name));
}

function fill(live, fresh) {
  const typed = !["hidden", "checkbox", "radio", "file"].includes(live.type);
  if (typed && live.value !== fresh.value) live.value = fresh.value;
}

// ── Children ────────────────────────────────────────────────────────────────────────────────

/** Asked for as an attribute: a form's `id` can be a field of that name. */
const key = (node) => node.getAttribute?.("id") || node.dataset?.id || "";

function alike(one, other) {
  if (one.nodeName !== other.nodeName || key(one) !== key(other)) return false;
  const [mine, theirs] = [one.classList?.[0], other.classList?.[0]];
  return key(one) !== "" || !mine || !theirs || mine === theirs;
}

function morphChildren(live, fresh, watch) {
  const wanted = new Set([...fresh.children].map(key).filter(Boolean));
  const isWanted = (node) => key(node) !== "" && wanted.has(key(node));
  let changed = false;
  let at = passOurs(live.firstChild);
  for (const next of [...fresh.childNodes]) {
    if (isOurs(next) && [...live.children].some((each) => isOurs(each) && alike(each, next))) continue;
    const found = find(at, next, isWanted);
    if (found && clear(live, at, found, isWanted, watch)) changed = true;
    if (found) changed = morph(found, next, watch) || changed;
    else changed = insert(live, next, at, watch);
    at = passOurs(found ? found.nextSibling : at);
  }
  while (at) {
    const rest = at;
    at = passOurs(at.nextSibling);
    changed = drop(rest, watch) || changed;
  }
  return changed;
}

const isOurs = (node) => node.nodeType === Node.ELEMENT_NODE && node.matches(OURS);

function passOurs(node) {
  while (node && isOurs(node)) node = node.nextSibling;
  return node;
}

/** The next sibling like `next`; one without a key is not sought beyond one that is wanted. */
function find(at, next, isWanted) {
  for (let node = at; node; node = node.nextSibling) {
    if (alike(node, next) && !isOurs(node)) return node;
    if (!key(next) && isWanted(node)) return null;
  }
  return null;
}

/** Have `found` stand at `at`: what is between goes, or goes on to its own place. */
function clear(parent, at, found, isWanted, watch) {
  if (at === found) return false;
  const between = [];
  for (let node = at; node !== found; node = node.nextSibling) between.push(node);
  const others = between.filter(isWanted);
  if (others.length > 1) {
    move(parent, found, at, watch);
    return true;
  }
  for (const each of others) move(parent, each, null, watch);
  for (const each of between) if (!others.includes(each)) drop(each, watch);
  return true;
}

function move(parent, node, before, watch) {
  watch.moves(node);
  if (parent.moveBefore) parent.moveBefore(node, before);
  else parent.insertBefore(node, before);
}

function insert(parent, next, at, watch) {
  const node = document.importNode(next, true);
  parent.insertBefore(node, at);
  if (node.matches?.("tr[data-id]")) watch.row(node);
  return node.nodeType === Node.ELEMENT_NODE;
}

/** Nothing goes that somebody is typing in. */
function drop(node, watch) {
  if (node.nodeType !== Node.ELEMENT_NODE) {
    node.remove();
    return node.data.trim() !== "";
  }
  if (node.matches(`${OURS}, ${ONCE}`)) return false;
  if (node.querySelector(".editor") || [node, ...node.querySelectorAll("form")].some(isTouched)) {
    watch.kept(node);
    return false;
  }
  if (node.matches("tr[data-id]")) watch.leaves(node);
  node.remove();
  return true;
}

// ── What is typed ───────────────────────────────────────────────────────────────────────────

/** A form that somebody is in, or has left something in. */
export function isTouched(form) {
  if (form.nodeName !== "FORM") return false;
  return form.contains(document.activeElement) || [...form.elements].some(isTyped);
}

function isTyped(field) {
  if (field.nodeName === "SELECT") {
    const options = [...field.options];
    return field.value !== (options.find((each) => each.defaultSelected) ?? options[0])?.value;
  }
  if (["checkbox", "radio"].includes(field.type)) return field.checked !== field.defaultChecked;
  if (field.type === "file") return field.files.length > 0;
  return field.type !== "hidden" && "defaultValue" in field && field.value !== field.defaultValue;
}

/** What a reader sees stored in a form. */
function shownText(form) {
  const fields = [...form.querySelectorAll("input:not([type=hidden]), textarea")];
  return [form.textContent.replace(/\s+/g, " "), ...fields.map((each) => each.defaultValue)].join("\n");
}
