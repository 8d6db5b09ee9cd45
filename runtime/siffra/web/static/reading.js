// The reading: large, then a bar for each digit, and aloud once it stands still.

const STILL = 1200; // ms that a reading stays the same until it is spoken
const REASONS = { low_confidence: "not sure", not_a_digit: "hardly a digit", too_small: "too small" };

const text = document.getElementById("text");
const hint = document.getElementById("hint");
const said = document.getElementById("said");
const copy = document.getElementById("copy");
const digits = document.getElementById("digits");
const section = digits.closest("section");

text.style.setProperty("--advance", advance());

let current = "";
let spoken = "";
let awaited = ""; // what is spoken when the timer ends
let timer = 0;

/**
 * Show a reading.
 *
 * @param reading What the server made of a picture; null: there is none to show.
 * @param empty What to say where it has no digits.
 * @param old Whether it is of a picture that is no more.
 * @param moving Whether the next one comes at once: then it is spoken when it has settled.
 */
export function show(reading, { empty = "", old = false, moving = false } = {}) {
  const now = reading?.text ?? "";
  hint.textContent = now ? "" : empty;
  text.classList.toggle("old", old);
  if (now !== current || !text.childNodes.length || !now) write(now);
  current = now;
  copy.hidden = !now || !navigator.clipboard;
  showDigits(reading?.lines ?? []);
  say(now, moving ? STILL : 0);
}

copy.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(current);
    copy.textContent = "Copied";
  } catch {
    copy.textContent = "Not allowed";
  }
  setTimeout(() => { copy.textContent = "Copy"; }, 1500);
});

function write(now) {
  const lines = (now || "–").split("\n");
  text.classList.toggle("empty", !now);
  text.style.setProperty("--rows", lines.length);
  text.style.setProperty("--columns", Math.max(...lines.map((line) => line.length)));
  text.replaceChildren(...lines.map((line, index) => {
    const row = document.createElement("span");
    row.append(...line.split(/(\?)/).filter(Boolean).map(part));
    if (index + 1 < lines.length) row.append("\n"); // seen by who copies or is read to
    return row;
  }));
}

function part(words) {
  if (words !== "?") return words;
  const mark = document.createElement("span");
  mark.className = "unsure";
  mark.textContent = words;
  return mark;
}

/** Width of a digit, in heights of the letters: each system's font has its own. */
function advance() {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `600 100px ${getComputedStyle(text).fontFamily}`;
  return context.measureText("0").width / 100;
}

/** Speak digit by digit: 40718 is a number of digits, not forty thousand. */
function say(now, delay) {
  if (now === awaited && delay) return;
  clearTimeout(timer);
  awaited = now;
  timer = setTimeout(() => {
    if (now === spoken) return;
    spoken = now;
    const words = now.replaceAll("?", "unsure").split("\n");
    said.textContent = now ? words.map(spaced).join("; next line: ") : "No digits";
  }, delay);
}

function spaced(line) {
  return line.match(/unsure|\d/g)?.join(" ") ?? "";
}

function showDigits(lines) {
  section.hidden = !lines.length;
  fit(digits, lines.length, () => document.createElement("ol"));
  lines.forEach((line, index) => {
    const list = digits.children[index];
    list.setAttribute("aria-label", lines.length > 1 ? `Line ${index + 1}` : "Digits");
    fit(list, line.length, bar);
    line.forEach((digit, at) => fill(list.children[at], digit));
  });
}

/** Make a parent have so many children, and touch no more of them than that takes. */
function fit(parent, count, make) {
  while (parent.children.length > count) parent.lastChild.remove();
  while (parent.children.length < count) parent.append(make());
}

function bar() {
  const item = document.createElement("li");
  const label = document.createElement("b");
  const track = document.createElement("span");
  const share = document.createElement("span");
  const note = document.createElement("span");
  track.className = "bar";
  share.className = "share";
  note.className = "note";
  track.setAttribute("aria-hidden", "true");
  track.append(document.createElement("span"));
  item.append(label, share, track, note);
  return item;
}

function fill(item, digit) {
  const [label, share, track, note] = item.children;
  const unsure = digit.label === null;
  item.classList.toggle("unsure", unsure);
  put(label, unsure ? "?" : String(digit.label));
  track.firstChild.style.transform = `scaleX(${digit.confidence.toFixed(3)})`;
  put(share, `${Math.floor(digit.confidence * 100)} %`);
  put(note, unsure ? doubt(digit) : "");
}

function doubt(digit) {
  const [first, second] = digit.best.map(([label]) => label);
  const maybe = digit.reason === "low_confidence" && second !== undefined;
  return maybe ? `${first} or ${second}` : REASONS[digit.reason] ?? "";
}

function put(element, words) {
  if (element.textContent !== words) element.textContent = words;
}
