// Boxes and labels over a picture.

const SURE = "#00a03c";
const UNSURE = "#dc5a00";

/** Draw what was read on a canvas that lies over the picture; nothing where there is no reading. */
export function drawBoxes(canvas, reading) {
  if (!reading) {
    canvas.width = canvas.height = 0;
    return;
  }
  canvas.width = reading.width;
  canvas.height = reading.height;
  const context = canvas.getContext("2d");
  // In pixels of the picture, so that lines are as wide and letters as high on any screen.
  const shown = Math.min(canvas.clientWidth / reading.width, canvas.clientHeight / reading.height);
  const pixel = 1 / (shown || 1);
  context.lineWidth = 2 * pixel;
  context.font = `600 ${13 * pixel}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  for (const digit of reading.lines.flat()) draw(context, digit, pixel);
}

/** Let a stage have the shape of what it shows. */
export function shape(stage, width, height) {
  stage.style.setProperty("--ratio", `${width} / ${height}`);
  stage.style.setProperty("--ratio-number", width / height);
}

function draw(context, digit, pixel) {
  const [x, y, width, height] = digit.box;
  const label = digit.label === null ? "?" : String(digit.label);
  const side = 18 * pixel;
  const wide = context.measureText(label).width + 8 * pixel;
  const left = Math.min(Math.max(0, x - pixel), context.canvas.width - wide);
  const above = y - side - 2 * pixel;
  const top = above >= 0 ? above : Math.min(y + height + 2 * pixel, context.canvas.height - side);
  context.strokeStyle = context.fillStyle = digit.label === null ? UNSURE : SURE;
  context.strokeRect(x - pixel, y - pixel, width + 2 * pixel, height + 2 * pixel);
  context.fillRect(left, top, wide, side);
  context.fillStyle = "#fff";
  context.fillText(label, left + 4 * pixel, top + side / 2 + pixel);
}
