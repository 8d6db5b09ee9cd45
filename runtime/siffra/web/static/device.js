// The camera of the device that shows the page: pictures go to the server one at a time.

import { drawBoxes, shape } from "./boxes.js";
import { notice, sentence } from "./notice.js";
import { read } from "./server.js";

const WIDEST = 960; // pixels of the longer side of what is sent
const PERIOD = 66; // ms from one picture to the next at least: a phone is no heater
const AGAIN = 1000; // ms until the server is asked again that could not answer
const QUALITY = 0.85; // of JPEG

const video = document.getElementById("device-video");
const boxes = document.getElementById("device-boxes");
const words = document.getElementById("device-notice");
const button = document.getElementById("device-start");
const choice = document.getElementById("device-choice");
const which = document.getElementById("device-which");
const facts = document.getElementById("device-facts");
const stage = video.parentElement;
const greeting = words.textContent;

const sent = document.createElement("canvas");

/** Reads what this device's camera sees while it is started and was asked to. */
export class Device {
  constructor(report) {
    this.report = report;
    this.stream = null;
    this.run = 0; // counts: what belongs to an earlier run stops
    this.waiting = false; // for the browser to give its camera
    this.viewer = name();
    this.times = [];
    button.addEventListener("click", () => (this.stream ? this.close(greeting) : this.open()));
    which.addEventListener("change", () => this.open(JSON.parse(which.value)));
  }

  start() {
    this.report(null, { empty: this.stream ? "" : "Start your camera to read what it sees." });
    if (!navigator.mediaDevices?.getUserMedia) {
      button.disabled = true;
      notice(words, insecure(), true);
    }
    if (this.stream) this.loop();
  }

  stop() {
    this.run += 1;
    if (this.waiting) this.close(greeting);
  }

  async open(wanted = { facingMode: "environment" }) {
    this.run += 1;
    const mine = this.run;
    this.release();
    this.waiting = true;
    notice(words, "Waiting for the browser to give its camera …");
    button.disabled = true;
    let stream;
    try {
      const size = { width: { ideal: 960 }, height: { ideal: 720 } };
      stream = await navigator.mediaDevices.getUserMedia({ video: { ...size, ...wanted } });
    } catch (error) {
      if (mine === this.run) this.close(why(error), true);
      return;
    }
    if (mine !== this.run) {
      end(stream); // nobody waits for it any more
      return;
    }
    this.waiting = false;
    this.stream = stream;
    const [track] = stream.getVideoTracks();
    track.addEventListener("ended", () => this.close("The camera was taken away.", true));
    video.srcObject = stream;
    video.hidden = false;
    button.disabled = false;
    button.textContent = "Stop camera";
    button.classList.remove("main");
    notice(words, "");
    await video.play().catch(() => {});
    const devices = await navigator.mediaDevices.enumerateDevices();
    if (stream === this.stream) this.offer(track, devices);
    if (mine === this.run) this.loop();
  }

  close(message, problem = false) {
    this.waiting = false;
    this.run += 1;
    this.release();
    button.disabled = false;
    video.hidden = true;
    choice.hidden = true;
    button.textContent = "Start camera";
    button.classList.add("main");
    facts.textContent = "";
    drawBoxes(boxes, null);
    notice(words, message, problem);
    this.report(null, { empty: "" });
  }

  release() {
    if (this.stream) end(this.stream);
    this.stream = null;
    video.srcObject = null;
  }

  /** Let people choose: front or back on a phone, elsewhere by name. */
  offer(track, devices) {
    const now = track.getSettings();
    const cameras = devices.filter((device) => device.kind === "videoinput");
    const options = now.facingMode
      ? [["Back", { facingMode: "environment" }], ["Front", { facingMode: "user" }]]
      : cameras.map((device, index) => [
        device.label || `Camera ${index + 1}`, { deviceId: { exact: device.deviceId } },
      ]);
    const chosen = now.facingMode ? now.facingMode : now.deviceId;
    which.replaceChildren(...options.map(([label, value]) => {
      const is = value.facingMode ?? value.deviceId.exact;
      return new Option(label, JSON.stringify(value), false, is === chosen);
    }));
    choice.hidden = cameras.length < 2;
  }

  async loop() {
    this.run += 1;
    const mine = this.run;
    this.times = [];
    while (mine === this.run) {
      const began = performance.now();
      let rest = PERIOD;
      try {
        const picture = await grab();
        if (picture) {
          const reading = await read(picture, { viewer: this.viewer });
          if (mine !== this.run) return;
          this.shown(reading, performance.now() - began);
        }
      } catch (error) {
        if (mine !== this.run) return;
        if (error.status !== 503) {
          drawBoxes(boxes, null);
          notice(words, sentence(error.message), true);
          this.report(null, { empty: "Nothing to read just now." });
        }
        rest = AGAIN;
      }
      await new Promise((done) => { setTimeout(done, Math.max(0, began + rest - performance.now())); });
    }
  }

  shown(reading, spent) {
    notice(words, "");
    shape(stage, reading.width, reading.height);
    drawBoxes(boxes, reading);
    const now = performance.now();
    this.times = [...this.times.filter((time) => time > now - 2000), now];
    const rate = (this.times.length - 1) / ((now - this.times[0]) / 1000 || 1);
    facts.textContent = [
      `${reading.width} × ${reading.height}`,
      rate >= 1 && `${rate.toFixed(0)} pictures/s`,
      `${spent.toFixed(0)} ms, of which reading ${reading.ms.toFixed(0)}`,
    ].filter(Boolean).join(" · ");
    this.report(reading, { empty: "No digits in view.", moving: true });
  }
}

function end(stream) {
  stream.getTracks().forEach((track) => track.stop());
}

/** The newest picture as JPEG; null before the first. */
function grab() {
  const { videoWidth: width, videoHeight: height } = video;
  if (!width || video.readyState < 2) return null;
  const scale = Math.min(1, WIDEST / Math.max(width, height));
  sent.width = Math.round(width * scale);
  sent.height = Math.round(height * scale);
  sent.getContext("2d").drawImage(video, 0, 0, sent.width, sent.height);
  return new Promise((done) => { sent.toBlob(done, "image/jpeg", QUALITY); });
}

function name() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function insecure() {
  const port = location.port || "80";
  return "Browsers give their camera only to pages that come over https or from localhost. Start siffra with "
    + `\`--certificate\` and \`--key\`, or run on this device\`ssh -L ${port}:localhost:${port} ${location.hostname}\``
    + `and open \`http://localhost:${port}/\` there. Draw and Picture work as it is.`;
}

function why(error) {
  switch (error.name) {
    case "NotAllowedError":
      return "The browser does not give its camera to this page. Allow it in the settings of this site, "
        + "beside the address, then start again.";
    case "NotFoundError":
    case "OverconstrainedError":
      return "This device has no such camera. Draw and Picture work without one.";
    case "NotReadableError":
      return "The camera does not answer; another program may be using it. Close that, then start again.";
    default:
      return `The camera cannot be used (${error.message || error.name}).`;
  }
}
