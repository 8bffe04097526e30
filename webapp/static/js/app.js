// What every page does. Pages are complete without it; this makes them quicker to use.

import { installKeys } from "./keys.js";
import { installDrop } from "./drop.js";
import { installRows } from "./rows.js";
import { installPopovers } from "./popover.js";
import { installEditors } from "./edit.js";
import { installNames } from "./names.js";
import { installCounting } from "./counting.js";
import { installLive } from "./live.js";

const root = document.documentElement;
root.classList.add("js");

const YEAR = 365 * 24 * 60 * 60; // seconds

function cookie(name) {
  const found = document.cookie.split("; ").find((each) => each.startsWith(`${name}=`));
  return found ? found.slice(name.length + 1) : "";
}

function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; samesite=lax`;
}

// The server shows times in the browser's zone once it knows it.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && cookie("tz") !== zone) {
  remember("tz", zone);
  if (cookie("tz") === zone && root.dataset.zone !== zone) location.reload();
}

export function toggleTheme() {
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  remember("theme", root.dataset.theme);
}

// One open menu at a time, and none after a click elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button?.dataset.do === "theme") toggleTheme();
  if (button?.dataset.do === "help") document.getElementById("keys").showModal();
});

installKeys(toggleTheme);
installDrop();
installNames();
installRows();
installPopovers();
if (document.querySelector("table.transactions")) installEditors();
installCounting();
installLive(installEditors);
