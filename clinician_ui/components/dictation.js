// Player, waveform and words of a dictation. Receives `data` from dictation_data() in waveform.py.
// A word is a button: it plays from where it was said. Rebuilt only when the data change.

const STYLE_FOR_PLAYED = "#0b5c8a";
const STYLE_FOR_REST = "#93a3b1";

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function audioOf(data) {
  const bytes = Uint8Array.from(atob(data.wav), (c) => c.charCodeAt(0));
  const audio = make("audio", "sound");
  audio.controls = true;
  audio.preload = "auto";
  audio.setAttribute("aria-label", "The dictation");
  audio.src = URL.createObjectURL(new Blob([bytes], { type: "audio/wav" }));
  return audio;
}

function classOf(piece) {
  return `word${piece.is_unsure ? " unsure" : ""}${piece.is_to_check ? " check" : ""}`;
}

function wordsOf(data, audio) {
  const box = make("div", "words");
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", "Transcript");
  const words = [];
  for (const piece of data.pieces) {
    if (piece.start_s === undefined) {
      for (const [i, line] of piece.text.split("\n").entries()) {
        if (i) box.append(make("br"));
        if (line) box.append(line);
      }
      continue;
    }
    const word = make("button", classOf(piece), piece.text.trim() || "↵");
    word.type = "button";
    word.style.background = piece.color || "transparent";
    const unsure = piece.is_to_check ? ", may change the meaning: check it" : piece.is_unsure ? ", recognizer unsure" : "";
    const value = piece.value ? `${piece.value}, ` : "";
    word.title = `${value}${piece.start_s.toFixed(1)} s${unsure}; click to play from here`;
    word.addEventListener("click", () => {
      audio.currentTime = piece.start_s;
      audio.play();
    });
    words.push({ piece, word });
    box.append(word);
    if (piece.text.includes("\n")) box.append(make("br"));
  }
  return { box, words };
}

function drawWave(canvas, data, time) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (!width) return;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  for (const piece of data.pieces) {
    if (!piece.color) continue;
    pen.fillStyle = piece.color;
    const from = (piece.start_s / data.duration_s) * width;
    pen.fillRect(from, 0, Math.max(2, ((piece.end_s - piece.start_s) / data.duration_s) * width), height);
  }
  const step = width / data.bars.length;
  data.bars.forEach((bar, i) => {
    const played = (i / data.bars.length) * data.duration_s <= time;
    pen.fillStyle = played && time > 0 ? STYLE_FOR_PLAYED : STYLE_FOR_REST;
    const tall = Math.max(1, bar * (height - 4));
    pen.fillRect(i * step, (height - tall) / 2, Math.max(1, step * 0.7), tall);
  });
}

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".dictation");
  const mark = `${data.wav.length} ${JSON.stringify(data.pieces)}`;
  if (root.dataset.mark === mark) return;
  root.dataset.mark = mark;

  const audio = audioOf(data);
  const canvas = make("canvas", "wave");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "Waveform; stretches of words that matter are tinted. Click to play from there.");
  const { box, words } = wordsOf(data, audio);
  root.replaceChildren(canvas, audio, box);

  const draw = () => {
    drawWave(canvas, data, audio.currentTime);
    for (const { piece, word } of words) {
      const spoken = !audio.paused && audio.currentTime >= piece.start_s && audio.currentTime < piece.end_s;
      word.classList.toggle("spoken", spoken);
    }
    if (!audio.paused) requestAnimationFrame(draw);
  };
  for (const event of ["play", "pause", "seeked", "loadedmetadata"]) audio.addEventListener(event, draw);
  canvas.addEventListener("click", (event) => {
    audio.currentTime = (event.offsetX / canvas.clientWidth) * data.duration_s;
    audio.play();
  });
  const watch = new ResizeObserver(draw);
  watch.observe(canvas);
  return () => {
    watch.disconnect();
    audio.pause();
    URL.revokeObjectURL(audio.src);
    delete root.dataset.mark;
  };
}
