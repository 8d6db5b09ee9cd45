// The drawing pad: strokes of mouse, pen or finger, read after each.

import { drawBoxes } from "./boxes.js";
import { notice, sentence } from "./notice.js";
import { read } from "./server.js";

const SIDE = 1000; // pixels of the width of what is sent
const PEN = 0.028; // its width, in widths of the pad
const INVITATION = "Draw digits here";

const ink = document.getElementById("pad-ink");
const boxes = document.getElementById("pad-boxes");
const words = document.getElementById("pad-notice");
const undo = document.getElementById("pad-undo");
const clear = document.getElementById("pad-clear");

const sent = document.createElement("canvas");

/** Takes strokes while it is started, and reports what they read as. */
export class Pad {
  constructor(report) {
    this.report = report;
    this.strokes = []; // of points, in widths of the pad
    this.pointer = null; // whose stroke is being drawn
    this.asked = null; // stops the question that is on its way
    this.reading = null;
    this.active = false;
    ink.addEventListener("pointerdown", (event) => this.begin(event));
    ink.addEventListener("pointermove", (event) => this.move(event));
    ink.addEventListener("pointerup", (event) => this.end(event));
    ink.addEventListener("pointercancel", (event) => this.end(event));
    undo.addEventListener("click", () => this.change(this.strokes.slice(0, -1)));
    clear.addEventListener("click", () => this.change([]));
    document.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.redraw()).observe(ink);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
    notice(words, INVITATION);
  }

  start() {
    this.active = true;
    this.tell();
    this.redraw();
  }

  stop() {
    this.active = false;
    this.asked?.abort();
  }

  begin(event) {
    if (this.pointer !== null || event.button !== 0) return;
    this.pointer = event.pointerId;
    ink.setPointerCapture(event.pointerId);
    notice(words, "");
    drawBoxes(boxes, null);
    this.strokes.push([point(event)]);
    this.redraw();
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    const all = event.getCoalescedEvents?.() ?? [];
    this.strokes.at(-1).push(...(all.length ? all : [event]).map(point));
    this.redraw();
  }

  end(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.change(this.strokes);
  }

  key(event) {
    const wanted = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key === "z";
    if (!this.active || !wanted || !this.strokes.length) return;
    event.preventDefault();
    this.change(this.strokes.slice(0, -1));
  }

  change(strokes) {
    this.strokes = strokes;
    this.redraw();
    this.read();
  }

  redraw() {
    const { clientWidth: width, clientHeight: height } = ink;
    undo.disabled = clear.disabled = !this.strokes.length;
    if (!width) return;
    const dense = Math.min(devicePixelRatio, 2);
    size(ink, width * dense, height * dense);
    const context = ink.getContext("2d");
    context.clearRect(0, 0, ink.width, ink.height);
    draw(context, this.strokes, ink.width, getComputedStyle(ink).color);
    drawBoxes(boxes, this.pointer === null ? this.reading : null);
  }

  async read() {
    this.asked?.abort();
    if (!this.strokes.length) {
      this.reading = null;
      drawBoxes(boxes, null);
      notice(words, INVITATION);
      this.tell();
      return;
    }
    const question = new AbortController();
    this.asked = question;
    try {
      this.reading = await read(await this.picture(), { signal: question.signal });
      notice(words, "");
      if (this.pointer === null) drawBoxes(boxes, this.reading);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.reading = null;
      notice(words, sentence(error.message), true);
      this.tell("Not read.");
      return;
    }
    this.tell();
  }

  tell(empty = this.strokes.length ? "No digits in what is drawn." : "Each stroke is read when it ends.") {
    this.report(this.reading, { empty });
  }

  /** What is drawn, black on white. */
  picture() {
    size(sent, SIDE, Math.round((SIDE * ink.clientHeight) / ink.clientWidth));
    const context = sent.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, sent.width, sent.height);
    draw(context, this.strokes, SIDE, "#000");
    return new Promise((done) => { sent.toBlob(done, "image/png"); });
  }
}

function point(event) {
  const frame = ink.getBoundingClientRect();
  return [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.width];
}

function draw(context, strokes, width, colour) {
  context.strokeStyle = colour;
  context.lineWidth = PEN * width;
  context.lineCap = context.lineJoin = "round";
  for (const stroke of strokes) {
    const [first, ...rest] = stroke.map(([x, y]) => [x * width, y * width]);
    context.beginPath();
    context.moveTo(...first);
    // Through the middles between points, so that a quick hand draws curves and no corners.
    let before = first;
    for (const next of rest) {
      context.quadraticCurveTo(...before, (before[0] + next[0]) / 2, (before[1] + next[1]) / 2);
      before = next;
    }
    context.lineTo(...before);
    context.stroke();
  }
}

function size(canvas, width, height) {
  const [across, down] = [Math.round(width), Math.round(height)];
  if (canvas.width !== across) canvas.width = across;
  if (canvas.height !== down) canvas.height = down;
}
