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

function named(spec) {
  if (!spec || typeof spec !== "object") return [];
  if (Array.isArray(spec.domain)) return spec.domain.map(String);
  return Object.values(spec).map(named).find((names) => names.length) ?? [];
}

async function draw(figure) {
  const plot = figure.querySelector(".plot");
  const spec = JSON.parse(figure.querySelector("script").textContent);
  for (const name of sets(spec)) (spec.datasets ??= {})[name] = records(name);
  // Legends do not wrap: so many columns as fit.
  const longest = Math.max(...named(spec).map((name) => name.length));
  spec.config = {
    background: null,
    view: { stroke: null },
    axis: { gridColor: "var(--line)", domainColor: "var(--muted)", tickColor: "var(--muted)", labelColor: "var(--ink)",
      titleColor: "var(--ink)", labelFontSize: 12, titleFontSize: 13, titleFontWeight: 500, labelFont: FONT, titleFont: FONT,
      labelOverlap: "greedy", gridOpacity: 0.8, labelSeparation: 5 },
    legend: { orient: "bottom", columns: Math.max(1, Math.floor((plot.clientWidth - 60) / (44 + 7 * longest))), labelColor: "var(--ink)",
      labelFontSize: plot.clientWidth < 500 ? 10.5 : 12, labelFont: FONT, labelLimit: plot.clientWidth - 62, symbolSize: 90, rowPadding: 6 },
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
  const details = figure.querySelector("details.rows");
  const show = () => details.open && list(figure, places, chosen());
  details.addEventListener("toggle", show);
  for (const name of names) {
    view.addSignalListener(name, (_, value) => {
      // Not everything was measured of every machine: what was chosen last holds, the rest follows.
      const wanted = chosen();
      const fits = (row) => places.filter((place, at) => row[place] === wanted[at]).length;
      const those = rows.filter((row) => row[columns.indexOf(name)] === value);
      const best = those.reduce((one, other) => (fits(other) > fits(one) ? other : one), those[0]);
      const moved = names.filter((one, at) => best[places[at]] !== wanted[at]);
      moved.forEach((one) => view.signal(one, best[columns.indexOf(one)]));
      if (moved.length) view.runAsync();
      show();
    });
  }
}

function list(figure, places, chosen) {
  const { columns, rows } = tables[figure.dataset.picture];
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
    if (places.some((place, at) => row[place] !== chosen[at])) continue;
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
      figure.querySelector(".plot").textContent = "This figure could not be drawn; its numbers are in results/tables/.";
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
