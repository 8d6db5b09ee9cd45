// The page: four sources of digits, one of them at work, and its reading.

import { Device } from "./device.js";
import { Live } from "./live.js";
import { notice } from "./notice.js";
import { Pad } from "./pad.js";
import { Picture } from "./picture.js";
import { show } from "./reading.js";
import { health } from "./server.js";

const KINDS = { live: Live, device: Device, pad: Pad, picture: Picture };
const tabs = [...document.querySelectorAll("[role=tab]")];
const drop = document.getElementById("drop");

const sources = {};
let chosen = null;

// The token has become a cookie; in the address it would be bookmarked, shared and seen.
if (location.search.includes("token=")) history.replaceState(null, "", location.pathname);

for (const [name, Kind] of Object.entries(KINDS)) {
  sources[name] = new Kind((reading, how) => {
    if (name === chosen && !document.hidden) show(reading, how);
  });
}

function choose(name) {
  if (name === chosen) return;
  if (chosen) sources[chosen].stop();
  chosen = name;
  for (const tab of tabs) {
    const mine = tab.getAttribute("aria-controls") === name;
    tab.setAttribute("aria-selected", String(mine));
    tab.tabIndex = mine ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls")).hidden = !mine;
  }
  sources[name].start();
}

function takePicture(file) {
  choose("picture");
  sources.picture.take(file);
}

for (const tab of tabs) {
  tab.addEventListener("click", () => choose(tab.getAttribute("aria-controls")));
  tab.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(tab);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = tabs.at(to % tabs.length);
    next.focus();
    next.click();
  });
}

document.addEventListener("paste", (event) => {
  const [file] = event.clipboardData?.files ?? [];
  if (!file) return;
  event.preventDefault();
  takePicture(file);
});

let inside = 0; // elements that a dragged file is over: it enters one before it leaves another
document.addEventListener("dragenter", (event) => {
  if (![...event.dataTransfer.types].includes("Files")) return;
  inside += 1;
  drop.hidden = false;
});
document.addEventListener("dragleave", () => {
  inside = Math.max(0, inside - 1);
  drop.hidden = !inside;
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  inside = 0;
  drop.hidden = true;
  const [file] = event.dataTransfer.files;
  if (file) takePicture(file);
});

// What nobody sees needs no pictures.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) sources[chosen]?.stop();
  else sources[chosen]?.start();
});

try {
  const { camera, why_no_camera: why, model, version } = await health();
  document.getElementById("about").textContent = camera ? camera.name : "";
  document.getElementById("footer").textContent = `siffra ${version}, model ${model}. Pictures are read by the server `
    + "that this page comes from, and not kept.";
  if (!camera) sources.live.lacks(why);
  if (!chosen) choose(camera ? "live" : "pad"); // a quick hand may have chosen already
} catch (error) {
  notice(document.getElementById("banner"), error.message, true);
  if (!chosen) choose("pad");
}
