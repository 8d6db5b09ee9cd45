// A picture that was chosen, pasted or dropped.

import { drawBoxes, shape } from "./boxes.js";
import { notice, sentence } from "./notice.js";
import { LARGEST, read } from "./server.js";

const WIDEST = 1600; // pixels of the longer side of what is shown

const shown = document.getElementById("picture-shown");
const boxes = document.getElementById("picture-boxes");
const words = document.getElementById("picture-notice");
const input = document.getElementById("picture-file");
const turn = document.getElementById("picture-turn");
const facts = document.getElementById("picture-facts");
const stage = shown.parentElement;

/** Reads one picture after the other, and reports what it reads. */
export class Picture {
  constructor(report) {
    this.report = report;
    this.reading = null;
    this.file = null;
    this.asked = null;
    this.empty = "Choose, paste or drop a picture.";
    input.addEventListener("change", () => {
      if (input.files.length) this.take(input.files[0]);
      input.value = ""; // so that the same file can be chosen again
    });
    turn.addEventListener("change", () => this.file && this.take(this.file));
    new ResizeObserver(() => drawBoxes(boxes, this.reading)).observe(stage);
  }

  start() {
    this.report(this.reading, { empty: this.empty });
  }

  stop() {}

  async take(file) {
    this.asked?.abort();
    const question = new AbortController();
    this.asked = question;
    this.file = file;
    this.reading = null;
    facts.textContent = "";
    drawBoxes(boxes, null);
    this.tell("Reading …");
    notice(words, "Reading …");
    try {
      if (file.size > LARGEST) throw new Error(tooLarge(file));
      const [reading, bitmap] = await Promise.all([
        read(file, { rotate: turn.checked ? "auto" : "", signal: question.signal }),
        createImageBitmap(file).catch(() => null), // a TIFF, say, that the browser cannot show
      ]);
      this.reading = reading;
      paint(bitmap, reading);
      notice(words, bitmap ? "" : "The browser cannot show this kind of picture, but it was read.");
      drawBoxes(boxes, bitmap && reading);
      facts.textContent = [
        file.name,
        `${reading.width} × ${reading.height}`,
        `${reading.ms.toFixed(0)} ms`,
        reading.rotation && `turned by ${reading.rotation}°`,
      ].filter(Boolean).join(" · ");
      this.tell("No digits found in this picture.");
    } catch (error) {
      if (error.name === "AbortError") return;
      paint(null);
      notice(words, about(file, error.message), true);
      this.tell("Not read.");
    }
  }

  tell(empty) {
    this.empty = empty;
    this.report(this.reading, { empty });
  }
}

/** Show a picture as it was read: turned, and in the same shape. */
function paint(bitmap, reading) {
  shown.hidden = !bitmap;
  if (!bitmap) return;
  const scale = Math.min(1, WIDEST / Math.max(reading.width, reading.height));
  shown.width = Math.round(reading.width * scale);
  shown.height = Math.round(reading.height * scale);
  shape(stage, reading.width, reading.height);
  const context = shown.getContext("2d");
  context.fillStyle = "#fff"; // paper behind what is transparent
  context.fillRect(0, 0, shown.width, shown.height);
  context.translate(shown.width / 2, shown.height / 2);
  context.rotate((reading.rotation * Math.PI) / 180);
  const [across, down] = reading.rotation % 180 ? [shown.height, shown.width] : [shown.width, shown.height];
  context.drawImage(bitmap, -across / 2, -down / 2, across, down);
  bitmap.close();
}

/** Say of a file what the server says of so many bytes. */
function about(file, message) {
  const named = message.replace(/^\d+ bytes: /, `${file.name} `);
  return named === message ? sentence(message) : `${named}.`;
}

function tooLarge(file) {
  return `This file has ${(file.size / 1e6).toFixed(0)} MB; at most ${LARGEST / 1e6} MB can be read. `
    + "Save it smaller, or as JPEG.";
}
