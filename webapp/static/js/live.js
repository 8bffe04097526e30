// The page stays what the database holds. The stream tells what changed; what concerns this page is
// asked for on the ordinary way and put in its place. Until that is done, the badge does not move on.

import { Asker } from "./asking.js";
import { Stream } from "./stream.js";
import { swap } from "./swap.js";
import { isKept, keepWatch } from "./waking.js";
import { announce, confirm, connected, mark, put, suspect, watch } from "./badge.js";

const NO_FILTER = new Set(["order", "size", "cursor", "jump", "live"]);
const TOO_LONG = 15_000; // milliseconds for one answer
const REST = 1000; // milliseconds between two answers of a page that is not the list

const badge = document.getElementById("as-of");
const isList = () => "here" in badge.dataset;
/** The answer to a form cannot be asked for again, and an exact count costs too much for that. */
const isAnswer = () => badge.dataset.method !== "GET" || "costly" in badge.dataset;

let stream = null;
let asker = null;
let tableCame = () => {};
let asleep = false;
let atStart = false; // no row was ahead of this page: what comes ahead is new
let latest = ""; // when the last event was true
let edits = 0; // rows and pages put in place by what was done here: what was asked before is older

// ── Asking ──────────────────────────────────────────────────────────────────────────────────

function refetch() {
  if (isAnswer()) giveUp();
  else if (!asleep) asker.want();
}

/** The same page: a list is held at its first row, so that nothing that comes ahead pushes it. */
function address() {
  return isList() ? withLive(badge.dataset.here) : location.pathname + location.search;
}

function withLive(href) {
  const url = new URL(href, location.href);
  url.searchParams.set("live", "1");
  return url.href;
}

/** Ask for a page and show it; return whether it was shown, or is older than what was done here. */
async function ask(url, signal, still = true) {
  const before = edits;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TOO_LONG)]);
  const options = { headers: { "Freshledger-Live": "1" }, cache: "no-store", signal: limit };
  const answer = await fetch(url, options);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (answer.status >= 500) throw new Error(fresh.querySelector(".problem")?.textContent);
  if (before !== edits) return false;
  show(fresh, still);
  return true;
}

async function askAnew(signal) {
  if (!(await ask(address(), signal))) refetch();
}

function failed(error) {
  const unreached = error instanceof TypeError || error.name === "TimeoutError" || !error.message;
  if (!unreached) suspect(error.message);
  else suspect(navigator.onLine ? "the server does not answer" : "there is no network");
}

function giveUp() {
  const own = location.pathname.match(/^\/transactions\/\d+/)?.[0];
  const list = document.querySelector("nav a[aria-current]")?.href ?? "/";
  put(reloading("costly" in badge.dataset ? location.href : (own ?? list)));
  suspect();
}

// ── Showing ─────────────────────────────────────────────────────────────────────────────────

function show(fresh, still) {
  const table = document.querySelector("table.transactions");
  const bar = fresh.getElementById("newer");
  if (!fresh.querySelector('.steps a[rel="prev"]')) atStart = true;
  if (!atStart) bar?.replaceChildren();
  const news = document.querySelector("#newer a") ? "" : bar?.textContent;
  put(swap(fresh, still) ? reloading(location.href) : null);
  const now = document.querySelector("table.transactions");
  if (now && now !== table) tableCame();
  mark();
  take(fresh.getElementById("as-of"));
  if (news) announce(news);
}

/** From now on, this is what the page is, and when. */
function take(asOf) {
  if (asOf) {
    Object.assign(badge.dataset, asOf.dataset);
    stream.token = asOf.dataset.token;
  }
  confirm(asOf?.querySelector("time").dateTime ?? latest);
}

function reloading(href) {
  const link = document.createElement("a");
  return Object.assign(link, { textContent: "changed meanwhile: reload", href });
}

async function showNewer(link) {
  asker.stop();
  try {
    const signal = new AbortController().signal;
    while (!(await ask(withLive(link.href), signal, false)));
    edits += 1; // whoever asked meanwhile asked for the place of before
    history.replaceState(history.state, "", link.href);
    scrollTo({ top: 0, behavior: "instant" });
  } catch {
    location.assign(link.href);
  }
  if (asker.busy) refetch();
}

// ── What the stream says ────────────────────────────────────────────────────────────────────

function concerns({ changed, placed, names, more }) {
  const keys = [...new URLSearchParams(location.search).keys()];
  if (placed || names || more || !isList() || keys.some((key) => !NO_FILTER.has(key))) return true;
  return changed.some((id) => document.getElementById(`t${id}`));
}

let troubled = false; // the stream or the database was gone before this event
let outdated = false; // the answer to a form, of which something has changed

function heard(kind, told) {
  latest = told.as_of ?? latest;
  connected(true);
  if (kind === "changes" || kind === "reset") {
    document.dispatchEvent(new CustomEvent("ledger-changed", { detail: told.as_of }));
  }
  if (kind === "down") suspect(told.reason);
  else if (kind === "reset" || (kind === "changes" && concerns(told))) changed();
  else if (!asker.busy && !outdated) confirm(told.as_of);
  else if (troubled) refetch();
  troubled = kind === "down";
}

function changed() {
  outdated = isAnswer();
  refetch();
}

function lost(refused) {
  troubled = true;
  connected(false);
  if (refused && !isAnswer()) refetch(); // the page has no other way to know, and needs a new token
}

// ── Sleeping and waking ─────────────────────────────────────────────────────────────────────

/** A page out of sight keeps no connection, and does not look confirmed when it comes back. */
function sleep() {
  asleep = true;
  stream.close();
  asker.stop();
  suspect();
}

function wake() {
  if (!asleep || document.hidden) return;
  asleep = false;
  doubt();
}

/** Nothing that is shown counts until it is proven anew. */
function doubt() {
  if (asleep) return;
  suspect();
  stream.open();
  if (!isAnswer()) refetch();
}

/** @param came called when a table comes that was not there before */
export function installLive(came) {
  if (!badge) return;
  tableCame = came;
  atStart = !document.querySelector('.steps a[rel="prev"]');
  stream = new Stream(badge.dataset.token, heard, lost);
  asker = new Asker(askAnew, failed, isList() ? undefined : REST);
  keepWatch(sleep, wake, doubt);
  watch();
  document.addEventListener("row-replaced", () => (edits += 1));
  document.addEventListener("row-outdated", () => {
    edits += 1;
    refetch();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest('[data-do="newer"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    showNewer(link);
  });
  if (document.hidden) sleep();
  else if (isKept(badge.querySelector("time").dateTime)) doubt();
  else stream.open();
}
