// The server's camera: its picture as a stream, its reading as events.

import { shape } from "./boxes.js";
import { notice, sentence } from "./notice.js";
import { health } from "./server.js";

const QUIET = 12_000; // ms without a word from the server, which speaks every 5 s at least

const picture = document.getElementById("live-picture");
const still = document.getElementById("live-still");
const words = document.getElementById("live-notice");
const pause = document.getElementById("live-pause");
const facts = document.getElementById("live-facts");
const stage = picture.parentElement;

/** Shows the server's camera while it is started, and reports its readings. */
export class Live {
  constructor(report) {
    this.report = report;
    this.events = null;
    this.watchdog = 0;
    this.paused = false;
    this.why = null;
    pause.addEventListener("click", () => this.setPaused(!this.paused));
    picture.addEventListener("load", () => this.appeared());
    picture.addEventListener("error", () => { picture.hidden = true; });
  }

  /** Learn that there is no camera, and why. */
  lacks(why) {
    this.why = why;
  }

  start() {
    if (this.why) {
      notice(words, sentence(this.why), true);
      this.report(null, { empty: "The server has no camera." });
      return;
    }
    pause.disabled = false;
    if (this.paused) return;
    notice(words, "Connecting …");
    this.report(null, { empty: "Connecting …" });
    this.look();
    this.events = new EventSource("events");
    this.events.addEventListener("message", (event) => this.heard(JSON.parse(event.data)));
    this.events.addEventListener("alive", () => this.watch());
    this.events.addEventListener("error", () => this.lost());
    this.watch();
  }

  stop() {
    clearTimeout(this.watchdog);
    this.events?.close();
    this.events = null;
    picture.removeAttribute("src");
    picture.hidden = true;
  }

  setPaused(paused) {
    this.paused = paused;
    pause.setAttribute("aria-pressed", String(paused));
    if (paused) this.freeze();
    still.hidden = !paused;
    if (paused) this.stop();
    else this.start();
  }

  freeze() {
    still.width = picture.naturalWidth;
    still.height = picture.naturalHeight;
    if (picture.naturalWidth) still.getContext("2d").drawImage(picture, 0, 0);
  }

  look() {
    picture.src = `stream?${Date.now()}`; // another address, or the browser may not ask again
    picture.hidden = false;
  }

  appeared() {
    if (picture.naturalWidth) shape(stage, picture.naturalWidth, picture.naturalHeight);
  }

  heard({ camera, reading, speed }) {
    this.watch();
    if (picture.hidden) this.look();
    const gone = Boolean(camera.problem);
    stage.classList.toggle("faded", gone);
    const waits = reading ? "" : "Waiting for the first picture …";
    notice(words, gone ? sentence(camera.problem) : waits, gone);
    facts.textContent = [
      camera.name,
      reading && `${reading.width} × ${reading.height}`,
      !camera.ended && speed.fps >= 0.1 && `${speed.fps.toFixed(speed.fps < 10 ? 1 : 0)} pictures/s`,
      !camera.ended && reading && `read in ${speed.ms.toFixed(speed.ms < 10 ? 1 : 0)} ms`,
      camera.ended && "ended",
    ].filter(Boolean).join(" · ");
    this.report(reading, { empty: reading && !gone ? "No digits in view." : "", old: gone, moving: true });
  }

  watch() {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.lost(), QUIET);
  }

  /** The server has gone, or wants the token again; the events ask again by themselves. */
  async lost() {
    const error = await health().then(() => null, (refusal) => refusal);
    if (!this.events) return;
    if (!error) {
      if (this.events.readyState === EventSource.CLOSED) {
        this.stop();
        setTimeout(() => this.paused || this.start(), 1000);
      }
      return;
    }
    picture.hidden = true;
    stage.classList.add("faded");
    notice(words, sentence(error.message), true);
    this.report(null, { empty: "Nothing to read just now." });
  }
}
