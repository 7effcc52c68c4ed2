const EDGE = { left: 44, right: 16, top: 28, bottom: 46 };

/** Accuracy with its interval against a cost, the rows that none beats in both joined by a line. */
function plot(section, open) {
  const find = (selector) => section.querySelector(selector);
  const place = find("[data-plot]");
  let table = null;
  let size = null;

  function show() {
    if (!table) return;
    const wide = Math.max(280, place.clientWidth);
    size = { wide, high: Math.round(Math.min(460, 200 + wide * 0.45)) };
    const [group, cost] = [find("[data-group]").value, find("[data-cost]").value];
    const accuracy = table.accuracy[group] ?? [];
    const known = table.lines
      .map((line, index) => ({ line, index, x: line.costs[cost], y: accuracy[index] }))
      .filter((each) => each.x !== null && each.x > 0 && each.y);
    const left = table.lines.length - known.length;
    const front = table.fronts[`${group} ${cost}`];
    place.replaceChildren();
    find("[data-plot-note]").textContent = known.length
      ? `Bars: 95 % intervals. Filled: trained. ` +
        (front
          ? `Line: of the rows drawn, no other costs less and has a higher mean; means alone, so chance may have put ` +
            `a row there, and upper bounds have no place on it.`
          : `No line: the rows were timed on several machines.`) +
        (left ? ` ${left} of ${table.lines.length} rows have no such numbers and are not drawn.` : "")
      : "No row has both numbers.";
    if (known.length) drawPlot(known, front ?? [], find("[data-cost]"), group);
  }

  function drawPlot(known, front, costs, group) {
    const scale = scales(known, size);
    const svg = draw(place, "svg", { viewBox: `0 0 ${size.wide} ${size.high}` });
    axes(svg, scale, size, costs.selectedOptions[0].textContent, group);
    const by = new Map(known.map((each) => [each.index, each]));
    const steps = front.flatMap((index, i) => {
      const [x, y] = [scale.x(by.get(index).x), scale.y(by.get(index).y[0])];
      return i ? [`${x},${scale.y(by.get(front[i - 1]).y[0])}`, `${x},${y}`] : [`${x},${y}`];
    });
    draw(svg, "polyline", { class: "front", points: steps.join(" ") });
    const tip = put(place, "div", "tip");
    tip.hidden = true;
    const behind = known.filter((each) => !front.includes(each.index));
    const inFront = front.map((index) => by.get(index));
    const marks = [...behind, ...inFront].map((each) => mark(svg, each, scale, front, tip));
    label(svg, inFront, scale, size.wide);
    walk(marks);
  }

  function mark(svg, each, scale, front, tip) {
    const { line, index, x, y } = each;
    const kinds = [line.is_trained ? "trained" : "", front.includes(index) ? "first" : ""];
    const [cx, cy] = [scale.x(x), scale.y(y[0])];
    const words = [accuracyText(index), `cost ${Number(x.toPrecision(3))}`];
    if (front.includes(index)) words.push("on the line");
    const name = `${line.label}: ${words.join(", ")}`;
    const g = draw(svg, "g", { class: kinds.join(" "), tabindex: -1, role: "button", "aria-label": name });
    g.dataset.at = x;
    const [top, low] = [scale.y(y[2]), scale.y(y[1])];
    draw(g, "rect", { class: "span", x: cx - 4, y: top, width: 8, height: Math.max(low - top, 1) });
    draw(g, "circle", { class: "dot", cx, cy, r: front.includes(index) ? 5 : 4 });
    const tell = () => {
      tip.replaceChildren();
      put(tip, "b", "", line.label);
      for (const text of words) put(tip, "div", "", text);
      tip.hidden = false;
      const room = place.clientWidth - tip.offsetWidth;
      tip.style.left = `${Math.max(0, Math.min(room, cx + 12))}px`;
      tip.style.top = `${cy + 12}px`;
    };
    const hide = () => { tip.hidden = true; };
    g.addEventListener("pointerenter", tell);
    g.addEventListener("focus", tell);
    g.addEventListener("pointerleave", hide);
    g.addEventListener("blur", hide);
    g.addEventListener("click", () => open(table, index));
    g.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      open(table, index);
    });
    return g;
  }

  function accuracyText(index) {
    const title = find("[data-group]").value.toUpperCase();
    return `${title} ${table.columns.find((column) => column.title === title).cells[index]} %`;
  }

  for (const name of ["[data-group]", "[data-cost]"]) find(name).addEventListener("change", show);
  let before = 0;
  new ResizeObserver(() => {
    if (place.clientWidth !== before) show();
    before = place.clientWidth;
  }).observe(place);
  return (chosen) => {
    table = chosen;
    find("[data-group]").options[1].disabled = !table.accuracy.ood?.some(Boolean);
    if (find("[data-group]").options[1].disabled) find("[data-group]").value = "id";
    show();
  };
}

/** Places of numbers: cost by its logarithm, accuracy from its lowest limit to its highest. */
function scales(known, { wide, high: tall }) {
  const costs = known.map((each) => Math.log(each.x));
  const spread = Math.max(...costs) - Math.min(...costs);
  const room = Math.max(spread * 0.06, 0.05);
  const [from, to] = [Math.min(...costs) - room, Math.max(...costs) + room];
  const low = Math.max(0, Math.floor(Math.min(...known.map((each) => each.y[1])) / 10) * 10);
  const high = Math.min(100, Math.ceil(Math.max(...known.map((each) => each.y[2]), low + 10) / 10) * 10);
  const [width, height] = [wide - EDGE.left - EDGE.right, tall - EDGE.top - EDGE.bottom];
  const round = (value) => Math.round(value * 10) / 10;
  return {
    x: (value) => round(EDGE.left + ((Math.log(value) - from) / (to - from)) * width),
    y: (value) => round(EDGE.top + (1 - (value - low) / (high - low)) * height),
    costs: ticks(Math.exp(from), Math.exp(to), wide / 70),
    levels: [...Array((high - low) / 10 + 1).keys()].map((i) => low + 10 * i),
  };
}

/** Round numbers within limits: four where there are as many, `most` in the end. */
function ticks(from, to, most) {
  const steps = [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7], [...Array(36).keys()].map((i) => 1 + i / 4)];
  let found = [];
  for (const digits of steps) {
    found = [];
    for (let power = -4; power < 7; power += 1) {
      found.push(...digits.map((digit) => Number((digit * 10 ** power).toPrecision(3))));
    }
    found = found.filter((value) => value >= from && value <= to);
    if (found.length >= 4) break;
  }
  return found.filter((_, i) => i % Math.ceil(found.length / most) === 0);
}

function axes(svg, scale, { wide, high }, cost, group) {
  const bottom = high - EDGE.bottom;
  for (const level of scale.levels) {
    const y = scale.y(level);
    draw(svg, "line", { class: "grid", x1: EDGE.left, x2: wide - EDGE.right, y1: y, y2: y });
    draw(svg, "text", { x: EDGE.left - 8, y: y + 4, "text-anchor": "end" }, String(level));
  }
  for (const value of scale.costs) {
    const x = scale.x(value);
    draw(svg, "line", { class: "grid", x1: x, x2: x, y1: bottom, y2: bottom + 5 });
    draw(svg, "text", { x, y: bottom + 19, "text-anchor": "middle" }, String(value));
  }
  const middle = (EDGE.left + wide - EDGE.right) / 2;
  draw(svg, "text", { x: middle, y: high - 6, "text-anchor": "middle" }, `${cost} (log scale)`);
  draw(svg, "text", { x: EDGE.left, y: 12 }, `${group.toUpperCase()} accuracy, %`);
}

/** Names of those on the line, where none stands already. */
function label(svg, inFront, scale, wide) {
  const taken = [];
  for (const each of [...inFront].reverse()) {
    const [x, y] = [scale.x(each.x), scale.y(each.y[0]) - 9];
    const name = each.line.label.length > 34 ? `${each.line.label.slice(0, 33)}\u2026` : each.line.label;
    const length = 7.5 * name.length + 8;
    const isLeft = x + length > wide;
    const [from, to] = isLeft ? [x - length, x] : [x, x + length];
    if (from < 0 || taken.some((other) => Math.abs(other.y - y) < 15 && other.from < to && from < other.to)) continue;
    taken.push({ from, to, y });
    const g = draw(svg, "g", { class: "first", "aria-hidden": "true" });
    draw(g, "text", { x: isLeft ? x - 8 : x + 8, y, "text-anchor": isLeft ? "end" : "start" }, name);
  }
}

/** One stop of the tab key; arrows go from mark to mark, by cost. */
function walk(marks) {
  const sorted = [...marks].sort((a, b) => a.dataset.at - b.dataset.at);
  sorted[0].setAttribute("tabindex", "0");
  const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
  sorted.forEach((g, i) => g.addEventListener("keydown", (event) => {
    const next = sorted[i + steps[event.key]];
    if (!next) return;
    event.preventDefault();
    g.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  }));
}
