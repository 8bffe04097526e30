// When a page goes out of sight and comes back: tabs, the back button, sleep, restored sessions.

import { newOnce } from "./net.js";

const OLD = 60_000; // milliseconds; a document of that age was not fetched just now

/**
 * @param sleep the page is out of sight, or about to be kept by the browser
 * @param wake it is in sight again
 * @param doubt something happened after which nothing is sure
 */
export function keepWatch(sleep, wake, doubt) {
  addEventListener("pagehide", sleep);
  addEventListener("pageshow", (event) => {
    if (event.persisted) renewForms();
    wake();
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? sleep() : wake()));
  document.addEventListener("freeze", sleep);
  document.addEventListener("resume", wake);
  addEventListener("offline", doubt); // a server on this machine answers all the same
  addEventListener("online", doubt);
}

/** What was sent from this page is done; sent again after coming back, it is meant again. */
function renewForms() {
  for (const field of document.querySelectorAll("input[name=once]")) field.value = newOnce();
}

/** A document that was not fetched just now may be any age: from a cache, a restored session. */
export function isKept(asOf) {
  const [how] = performance.getEntriesByType("navigation");
  return how?.transferSize === 0 || Date.now() - Date.parse(asOf) > OLD;
}
