// How many there are. The estimate comes by itself; the exact count and the sums are asked for, and
// counted while the page remains as it is. The server stops counting as soon as nobody waits: after
// the button, when the page is left, when it is closed.

import { say } from "./net.js";

const TURN = 1000; // milliseconds until a turn is asked for again
const REST = 5000; // milliseconds between two estimates of a ledger that changes

const BOUNDED = "a.totals[data-bounded]"; // the link beside a count that stopped
const found = (selector) => document.querySelector(selector);
const here = () => document.getElementById("sums-here");

let open = null; // breaks off the count that is under way
let counted = ""; // when the sums that are shown were true
let latest = ""; // when the ledger was last seen changed

// ── The estimate ────────────────────────────────────────────────────────────────────────────

let due = 0;

async function estimate() {
  due = 0;
  if (!found(BOUNDED)) return tellAbout({ about: "" });
  try {
    const answer = await fetch(address("estimate"), { cache: "no-store" });
    if (answer.ok) tellAbout(await answer.json());
  } catch {
    // The count that is there is true, only less.
  }
}

function tellAbout({ about, clock }) {
  document.getElementById("about")?.remove();
  const beside = about && found(BOUNDED);
  if (!beside) return;
  const place = document.createElement("span");
  beside.before(Object.assign(place, { id: "about", textContent: `(${about} as of ${clock}) ` }));
}

/** The figures of the present filter. */
function address(what) {
  const url = new URL(found("a.totals").href);
  url.pathname = url.pathname.replace(/[^/]*$/, what);
  return url.href;
}

// ── The exact count ─────────────────────────────────────────────────────────────────────────

async function count() {
  const mine = (open = new AbortController());
  const box = progress();
  here().replaceChildren(box);
  const began = performance.now();
  const ticking = setInterval(() => (box.querySelector(".elapsed").textContent = elapsed(began)), 250);
  try {
    const page = await turn(mine.signal, box.querySelector(".doing"));
    if (open === mine) show(page);
  } catch {
    if (open === mine) here().textContent = "The server does not answer; try again.";
  }
  clearInterval(ticking);
  if (open === mine) open = null;
}

/** Ask, and ask again while as many as may be are counted already. */
async function turn(signal, doing) {
  for (;;) {
    const answer = await fetch(address("totals"), { cache: "no-store", signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.status !== 429) return page;
    doing.textContent = "Others are being counted; waiting for a turn …";
    await new Promise((done) => setTimeout(done, TURN));
    signal.throwIfAborted();
    doing.textContent = "Counting …";
  }
}

const elapsed = (began) => `${Math.floor((performance.now() - began) / 1000)} s`;

function progress() {
  const known = [found(".head .count").firstChild, document.getElementById("about")];
  const box = document.createElement("section");
  box.className = "sums counting";
  box.innerHTML = `<p><span class="doing">Counting …</span> <span class="elapsed" aria-hidden="true"></span></p>
    <p class="known muted"></p><button type="button" data-do="cancel-count">Cancel</button>`;
  box.querySelector(".known").textContent = `Known so far: ${known.map((each) => each?.textContent ?? "").join("").trim()}.`;
  return box;
}

function show(page) {
  const node = page.querySelector("#sums, .error, .refusal");
  here().replaceChildren(document.importNode(node, true));
  counted = page.querySelector("#sums time")?.dateTime ?? "";
  aged(latest);
}

function cancel() {
  if (!open) return;
  open.abort();
  open = null;
  here().replaceChildren();
}

/** The ledger is another one since `moment`: sums that were counted before it may be old. */
export function aged(moment) {
  const sums = found("#sums-here #sums");
  if (!sums || !moment || sums.querySelector(".aged")) return;
  if (Date.parse(moment) <= Date.parse(counted)) return;
  const said = document.createElement("p");
  said.className = "aged";
  const clock = sums.querySelector("time").textContent;
  said.innerHTML = ` <button type="button" data-do="count-again">Count again</button>`;
  said.prepend(`The ledger has changed since ${clock}; these figures may be old.`);
  sums.querySelector(".count").after(said);
}

// ── Who asks ────────────────────────────────────────────────────────────────────────────────

const DOES = {
  totals(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (open) return;
    if (here().firstChild) here().replaceChildren();
    else count();
  },
  "cancel-count"() {
    cancel();
    say("The count was cancelled.");
    found("a.totals")?.focus();
  },
  "count-again"() {
    count();
  },
};

function changed(event) {
  latest = event.detail ?? latest;
  aged(latest);
  due ||= setTimeout(estimate, REST);
}

export function installCounting() {
  if (!here()) return;
  document.addEventListener("click", (event) => {
    DOES[event.target.closest("[data-do]")?.dataset.do]?.(event);
  });
  document.addEventListener("ledger-changed", changed);
  addEventListener("pagehide", cancel);
  estimate();
}
