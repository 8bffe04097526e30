// Two have changed one thing: both values side by side, and whose is to stand.

const NAMES = { note: "note", contact: "contact" };
const EMPTY = { note: "no note", contact: "nobody" };

/**
 * Ask whose values are to stand.
 * @param conflict as the server tells it: version, fields with yours, theirs, who and when
 * @returns "mine", "theirs", or "" where nothing was decided
 */
export function askWhose(conflict) {
  const dialog = document.createElement("dialog");
  dialog.className = "conflict";
  dialog.setAttribute("aria-labelledby", "conflict-title");
  dialog.append(title(conflict.fields), ...conflict.fields.map(difference), buttons());
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("button[value=mine]").focus();
  return new Promise((decided) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      decided(dialog.returnValue);
    });
  });
}

function make(tag, text = "", name = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (name) element.className = name;
  return element;
}

function title(fields) {
  const names = fields.map(({ field }) => NAMES[field] ?? field).join(" and ");
  const heading = make("h2", `Somebody else changed the ${names}`);
  heading.id = "conflict-title";
  return heading;
}

function difference({ field, yours, theirs, who, at, when }) {
  const section = make("section", "", "clash");
  const by = make("p", who ? `${who}, ` : "When and by whom is not known any more.", "muted");
  if (who) by.append(instant(at, when));
  const sides = document.createElement("dl");
  sides.append(side("Yours", yours, field, "yours-is"), side("Theirs", theirs, field, "theirs-is"));
  section.append(by, sides);
  return section;
}

function instant(at, when) {
  const time = make("time", when);
  time.dateTime = at;
  time.title = `UTC ${at}`;
  return time;
}

function side(words, value, field, name) {
  const group = make("div", "", name);
  group.append(make("dt", words), make("dd", value || EMPTY[field] || "nothing", value ? "" : "none"));
  return group;
}

function buttons() {
  const form = make("form", "", "actions");
  form.method = "dialog";
  const mine = make("button", "Keep mine", "primary");
  const theirs = make("button", "Take theirs");
  const hint = make("span", "Esc goes on editing", "muted needs-keys");
  Object.assign(mine, { value: "mine" });
  Object.assign(theirs, { value: "theirs" });
  form.append(mine, theirs, hint);
  return form;
}
