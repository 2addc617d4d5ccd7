// Buttons, sliders and fields around the pictures. Each has a label and works from the keyboard.

export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

export function button(text, title, onClick) {
  const made = make("button", "", text);
  made.type = "button";
  made.title = title;
  made.addEventListener("click", onClick);
  return made;
}

// A row of buttons of which one is pressed.
export function choice(label, names, chosen, onChoose) {
  const box = make("div", "choice");
  box.setAttribute("role", "radiogroup");
  box.setAttribute("aria-label", label);
  const buttons = names.map((name) => {
    const made = button(name, `${label}: ${name}`, () => onChoose(name));
    made.setAttribute("role", "radio");
    made.setAttribute("aria-label", name);
    box.append(made);
    return made;
  });
  const show = (name) => buttons.forEach((b, i) => b.setAttribute("aria-checked", String(names[i] === name)));
  show(chosen);
  return { box, show };
}

// `shown` is written beside the field, `label` is spoken.
export function number(label, unit, low, high, step, shown, onChange) {
  const box = make("label", "field", shown);
  const input = make("input");
  input.type = "number";
  input.title = `${label} (${unit})`;
  Object.assign(input, { min: low, max: high, step });
  input.setAttribute("aria-label", `${label} (${unit})`);
  input.addEventListener("change", () => {
    const value = Number(input.value);
    if (input.value !== "" && Number.isFinite(value)) onChange(Math.min(Math.max(value, low), high));
    else onChange(null);
  });
  box.append(input);
  return { box, show: (value) => { input.value = value ?? ""; } };
}

export function slider(label, low, high, onInput) {
  const input = make("input");
  input.type = "range";
  Object.assign(input, { min: low, max: high, step: 1 });
  input.setAttribute("aria-label", label);
  input.addEventListener("input", () => onInput(Number(input.value)));
  return input;
}

export function toggle(label, isOn, onChange) {
  const box = make("label", "toggle");
  const input = make("input");
  input.type = "checkbox";
  input.checked = isOn;
  input.addEventListener("change", () => onChange(input.checked));
  box.append(input, label);
  return { box, input };
}

export function select(label, names, chosen, onChange) {
  const box = make("label", "field", label);
  const input = make("select");
  input.setAttribute("aria-label", label);
  names.forEach((name, i) => input.append(new Option(name, String(i), false, i === chosen)));
  input.addEventListener("change", () => onChange(Number(input.value)));
  box.append(input);
  return { box, input };
}

// The color scale with its ends in words.
export function legend(scale, limit) {
  const box = make("div", "legend");
  const css = (rgb) => `rgb(${rgb.join(",")})`;
  const ramp = make("i");
  const range = limit.toPrecision(2);
  if (scale.negative) {
    ramp.style.background = `linear-gradient(90deg, ${css(scale.negative)}, transparent, ${css(scale.positive)})`;
    box.append(make("span", "", `speaks against −${range}`));
  } else {
    ramp.style.background = `linear-gradient(90deg, transparent, ${css(scale.positive)})`;
    box.append(make("span", "", "0"));
  }
  box.append(ramp, make("span", "", `+${range} logits a voxel, speaks for`));
  return box;
}
