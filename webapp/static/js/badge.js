// The badge: until when what is on the screen is known to be true, and whether it still is.

const PATIENCE = 5000; // milliseconds without a proof
const SETTLED = 1000; // milliseconds that a state lasts before it is read out
const DAY = 24 * 60 * 60 * 1000;

const root = document.documentElement;
const badge = document.getElementById("as-of");
const said = document.getElementById("state-said");
const zone = { timeZone: root.dataset.zone, hourCycle: "h23" };
const clock = new Intl.DateTimeFormat("en-GB", { ...zone, timeStyle: "medium" });
const day = new Intl.DateTimeFormat("en-GB", { ...zone, dateStyle: "medium", timeStyle: "short" });

const WORDS = {
  loaded: "as of",
  live: "live · as of",
  reconnecting: "reconnecting · as of",
  unconfirmed: "not confirmed since",
};

let asOf = badge?.querySelector("time").dateTime ?? ""; // when what is shown was last known true
let proven = performance.now(); // when we learnt that
let streaming = null; // whether the stream is there; null before it was tried
let doubt = false; // whether a proof must come first, however young the last one is
let reason = ""; // why there is none
let aside = null; // a node to stand beside the badge
let shown = "loaded";
let reading = 0;

/** What is shown was true at `moment`; never an earlier one than before. */
export function confirm(moment) {
  if (moment && Date.parse(moment) >= Date.parse(asOf)) asOf = moment;
  proven = performance.now();
  doubt = false;
  reason = "";
  tell();
}

/** What is shown may be old: say so until the next proof. */
export function suspect(why = "") {
  doubt = true;
  reason = why;
  tell();
}

/** Whether the stream is there. */
export function connected(yes) {
  streaming = yes;
  tell();
}

/** Put words that are not the badge's own beside it; null takes them away. */
export function put(node) {
  aside = node;
  tell();
}

function state() {
  if (doubt || performance.now() - proven > PATIENCE) return "unconfirmed";
  if (streaming === null) return "loaded";
  return streaming ? "live" : "reconnecting";
}

function tell() {
  const now = state();
  write(badge.querySelector(".word"), WORDS[now]);
  const moment = new Date(asOf);
  badge.title = `What is shown was true at ${asOf}`;
  const time = badge.querySelector("time");
  time.dateTime = asOf;
  write(time, (Date.now() - moment > DAY ? day : clock).format(moment));
  explain(now === "unconfirmed" ? reason : "");
  if (now !== shown) enter(now);
}

function explain(why) {
  const place = badge.querySelector(".why");
  if (aside ? place.firstChild !== aside : place.textContent !== why) place.replaceChildren(aside ?? why);
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function enter(now) {
  shown = now;
  badge.dataset.state = now;
  mark();
  clearTimeout(reading);
  root.classList.remove("adrift");
  reading = setTimeout(last, SETTLED);
}

/** A state that lasts is read out; a bad one comes into sight, wherever the reader is. */
function last() {
  announce(shown === "live" ? calm() : badge.innerText);
  root.classList.toggle("adrift", shown === "unconfirmed");
}

/** That all is well is no news, unless it was not. */
function calm() {
  return said.textContent && "live";
}

/** Rows that are not confirmed look it. */
export function mark() {
  const table = document.querySelector("table.transactions");
  const main = document.getElementById("main");
  table?.classList.toggle("unconfirmed", shown === "unconfirmed");
  main.classList.toggle("unconfirmed", !table && shown === "unconfirmed");
}

export function announce(text) {
  write(said, text);
}

export function watch() {
  setInterval(tell, 500);
}
