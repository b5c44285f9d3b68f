"use strict";
// Draws the figures from the tables of the page, and shows what is drawn as a table beside each.
const tables = JSON.parse(document.getElementById("tables").textContent);
const views = new Map();
// Vega measures text in it, and so does the style sheet.
const FONT = getComputedStyle(document.body).fontFamily;

function records(name) {
  const { columns, rows } = tables[name];
  return rows.map((row) => Object.fromEntries(columns.map((column, place) => [column, row[place]])));
}

function sets(spec, found = new Set()) {
  if (Array.isArray(spec)) spec.forEach((part) => sets(part, found));
  else if (spec && typeof spec === "object") {
    if (spec.name && Object.keys(spec).length === 1 && spec.name in tables) found.add(spec.name);
    Object.values(spec).forEach((part) => sets(part, found));
  }
  return found;
}

// Of marks that reach five units from their middle, as Vega draws them.
const SHAPES = {
  circle: "M5,0A5,5,0,1,1,-5,0A5,5,0,1,1,5,0Z", square: "M-5,-5H5V5H-5Z", diamond: "M-5,0L0,-5L5,0L0,5Z",
  cross: "M-5,-2H-2V-5H2V-2H5V2H2V5H-2V2H-5Z", arrow: "M-.7,5H.7V-.6H2L0,-5L-2,-.6H-.7Z",
  "triangle-up": "M0,-4.3L-5,4.3H5Z", "triangle-down": "M0,4.3L-5,-4.3H5Z",
  "triangle-left": "M-4.3,0L4.3,-5V5Z", "triangle-right": "M4.3,0L-4.3,-5V5Z",
};

function sample({ colour, shape, dashes }) {
  const wide = dashes ? 34 : 14;
  const line = dashes ? `<line x2="34" y1="7" y2="7" stroke="${colour}" stroke-width="1.8" stroke-dasharray="${dashes}"/>` : "";
  const mark = `<path d="${SHAPES[shape]}" fill="${colour}" transform="translate(${wide / 2} 7)"/>`;
  return `<svg width="${wide}" height="14" aria-hidden="true">${line}${mark}</svg>`;
}

// A check box for each series that is shown: those that are checked stay in front, the others step back.
function legend(figure, { column, looks }) {
  const box = figure.querySelector(".legend");
  for (const [name, look] of Object.entries(looks)) {
    const label = box.appendChild(document.createElement("label"));
    label.innerHTML = `<input type="checkbox">${sample(look)}`;
    label.firstChild.value = name;
    label.append(name);
  }
  const { columns, rows } = tables[figure.dataset.picture], place = columns.indexOf(column);
  const boxes = [...box.querySelectorAll("input")];
  return (shown, view) => {
    const held = new Set(shown.map((row) => row[place]));
    for (const one of boxes) {
      one.parentElement.hidden = !held.has(one.value);
      one.hidden = held.size < 2;
    }
    const followed = boxes.filter((one) => one.checked && held.has(one.value)).map((one) => one.value);
    view.signal("followed", followed).runAsync();
    figure.querySelector("[role=status]").textContent =
      `${shown.length} of ${rows.length} rows are shown` + (followed.length ? `; in front: ${followed.join(", ")}` : "");
  };
}

async function draw(figure) {
  const plot = figure.querySelector(".plot");
  const spec = JSON.parse(figure.querySelector("script").textContent);
  for (const name of sets(spec)) (spec.datasets ??= {})[name] = records(name);
  spec.config = {
    background: null,
    view: { stroke: null },
    axis: { gridColor: "var(--line)", domainColor: "var(--muted)", tickColor: "var(--muted)", labelColor: "var(--ink)",
      titleColor: "var(--ink)", labelFontSize: 12, titleFontSize: 13, titleFontWeight: 500, labelFont: FONT, titleFont: FONT,
      labelOverlap: "greedy", gridOpacity: 0.8, labelSeparation: 5 },
    text: { font: FONT, fontSize: 12 },
  };
  const { view } = await vegaEmbed(plot, spec, {
    renderer: "svg", actions: false, bind: figure.querySelector(".switches"), tooltip: { theme: "custom" },
  });
  views.set(figure.dataset.picture, view);
  for (const group of figure.querySelectorAll(".vega-bind")) {
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", group.querySelector(".vega-bind-name").textContent);
  }
  const { columns, rows } = tables[figure.dataset.picture];
  const names = (spec.params ?? []).map((one) => one.name).filter((name) => columns.includes(name));
  const places = names.map((name) => columns.indexOf(name));
  const chosen = () => names.map((name) => view.signal(name));
  const shown = () => { const wanted = chosen(); return rows.filter((row) => places.every((place, at) => row[place] === wanted[at])); };
  const details = figure.querySelector("details.rows");
  const follow = legend(figure, spec.usermeta.entries);
  const show = () => {
    offer(figure, columns, rows.filter((row) => row[columns.indexOf("machine")] === view.signal("machine")));
    follow(shown(), view);
    if (details.open) list(figure, places, chosen(), shown());
  };
  figure.querySelector(".legend").addEventListener("change", show);
  details.addEventListener("toggle", show);
  for (const [at, name] of names.entries()) {
    view.addSignalListener(name, (_, value) => {
      // Not everything was measured of every machine: what was chosen last holds, the rest follows.
      const wanted = chosen();
      const fits = (row) => places.filter((place, its) => row[place] === wanted[its]).length;
      const those = rows.filter((row) => row[places[at]] === value);
      const best = those.reduce((one, other) => (fits(other) > fits(one) ? other : one), those[0]);
      const moved = names.filter((_, its) => best[places[its]] !== wanted[its]);
      moved.forEach((one) => view.signal(one, best[columns.indexOf(one)]));
      if (moved.length) view.runAsync();
      show();
    });
  }
  show();
}

// Offers of every switch but the machine's what the machine has, whose rows these are.
function offer(figure, columns, rows) {
  for (const one of figure.querySelectorAll(".switches [name]:not([name=machine])")) {
    const held = new Set(rows.map((row) => String(row[columns.indexOf(one.name)])));
    for (const choice of one.options ?? [one]) (one.options ? choice : choice.parentElement).hidden = !held.has(choice.value);
  }
}

function list(figure, places, chosen, rows) {
  const { columns } = tables[figure.dataset.picture];
  const table = document.createElement("table");
  table.className = "plain numbers";
  table.createCaption().textContent = chosen.join(", ") || "All rows";
  const shown = columns.map((_, place) => place).filter((place) => !places.includes(place));
  const head = table.createTHead().insertRow();
  for (const place of shown) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = columns[place].replaceAll("_", " ");
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const place of shown) {
      const value = row[place];
      const text = typeof value === "number" ? value.toLocaleString("en", { maximumSignificantDigits: 6 }) : value ?? "";
      line.insertCell().textContent = text;
    }
  }
  figure.querySelector(".scroll").replaceChildren(table);
}

async function drawAll() {
  for (const figure of document.querySelectorAll("figure[data-picture]")) {
    try {
      await draw(figure);
    } catch (error) {
      const plot = figure.querySelector(".plot");
      plot.textContent = "This figure could not be drawn; its numbers are in results/tables/.";
      for (const told of ["role", "aria-label"]) plot.removeAttribute(told); // so that this text is read
      console.error(figure.dataset.picture, error);
    }
    await new Promise((done) => setTimeout(done));
  }
  document.documentElement.dataset.drawn = views.size;
}

// On paper everything is open.
addEventListener("beforeprint", () => document.querySelectorAll("details:not(.rows)").forEach((one) => (one.open = true)));
if (matchMedia("(max-width: 1099px)").matches) document.querySelector("nav details").open = false;
drawAll();
