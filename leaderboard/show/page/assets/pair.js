/** Two rows side by side; their differences were computed with the page. */
function pair(section) {
  const find = (selector) => section.querySelector(selector);
  const [a, b, place] = [find("[data-a]"), find("[data-b]"), find("[data-difference]")];
  const both = find("[data-both]");
  let table = null;

  function show() {
    place.replaceChildren();
    both.replaceChildren();
    const [one, other] = [Number(a.value), Number(b.value)];
    if (one === other) {
      put(place, "p", "notes", "Pick two different rows.");
      return;
    }
    for (const [group, gaps] of Object.entries(table.gaps)) {
      const gap = gaps[Math.min(one, other)][Math.abs(one - other) - 1];
      if (gap) difference(group, ...(one < other ? gap.split(" ") : turned(gap.split(" "))));
    }
    paidBack(table.paid_back[Math.min(one, other)][Math.abs(one - other) - 1], one > other);
    const box = put(both, "div", "box");
    Object.assign(box, { tabIndex: 0, role: "region", ariaLabel: "Both rows" });
    const [head, ...body] = [
      ["", table.lines[one].label, table.lines[other].label],
      ...table.columns.map((column) => [
        [column.title, column.unit].filter(Boolean).join(", "),
        together(column.cells[one]),
        together(column.cells[other]),
      ]),
    ];
    grid(box, head, body);
  }

  function difference(group, value, low, high, p, pAll, pRow) {
    const card = put(place, "div", "gap");
    put(card, "h4", "", `${group.toUpperCase()}, A - B`);
    const text = put(card, "p", "big", `${value} `);
    put(text, "span", "", `[${low}, ${high}] points`);
    bar(card, Number(value), Number(low), Number(high));
    const list = put(card, "dl", "ps");
    const told = [["p", p], ["Holm, A against all", pRow], ["Holm, all pairs, ID and OOD", pAll]];
    for (const [name, found] of told) {
      const each = put(list, "div");
      put(each, "dt", "", name);
      put(each, "dd", "", found);
    }
  }

  function paidBack(told, isTurned) {
    if (!told) return;
    const card = put(place, "div", "gap");
    put(card, "h4", "", "Paid back");
    if (told === "=") {
      put(card, "p", "soft", "Neither spends more FLOPs before the first question.");
      return;
    }
    const [dear, other] = (told[0] === "+") !== isTurned ? ["A", "B"] : ["B", "A"];
    const first = told.slice(1);
    if (first === "?") {
      put(card, "p", "big", "Not told");
      put(card, "p", "soft", `${dear} spends more FLOPs than ${other} before the first question; which spends less on each, their runs do not tell.`);
      return;
    }
    const text = put(card, "p", "big", first ? `${dear} from ${Number(first).toLocaleString("en")} ` : `${dear} never`);
    if (first) put(text, "span", "", "questions on");
    const each = first ? "fewer" : "no fewer";
    put(card, "p", "soft", `${dear} spends more FLOPs than ${other} before the first question, and ${each} on each.`);
  }

  function fill(select, index) {
    select.replaceChildren();
    table.lines.forEach((line, i) => {
      const option = put(select, "option", "", line.label);
      option.value = String(i);
    });
    select.value = String(index);
  }

  a.addEventListener("change", show);
  b.addEventListener("change", show);
  find("[data-swap]").addEventListener("click", () => {
    [a.value, b.value] = [b.value, a.value];
    show();
  });
  const choose = (chosen, index = 0) => {
    table = chosen;
    find("[data-pair]").hidden = table.lines.length < 2;
    if (table.lines.length < 2) return;
    fill(a, index);
    fill(b, other(index));
    show();
  };
  const other = (index) => {
    const reference = Math.max(0, table.lines.findIndex((line) => line.is_reference));
    return String(reference === index ? (index === 0 ? 1 : 0) : reference);
  };
  const use = (index) => {
    if (b.value === String(index)) b.value = a.value === b.value ? other(index) : a.value;
    a.value = String(index);
    show();
    find("[data-pair]").scrollIntoView({ block: "center" });
    a.focus({ preventScroll: true });
  };
  return { choose, use };
}

/** An interval that no line ends in. */
function together(text) {
  return text.replace(", ", ",\u00a0");
}

/** B - A of what a table has as A - B. */
function turned([value, low, high, p, pAll, pOfA, pOfB]) {
  const other = (text) => (text === "+0.0" ? text : (text[0] === "+" ? "-" : "+") + text.slice(1));
  return [other(value), other(high), other(low), p, pAll, pOfB, pOfA];
}

/** An interval on a line of differences, zero in its middle. */
function bar(parent, value, low, high) {
  const most = Math.max(5, Math.ceil(Math.max(Math.abs(low), Math.abs(high)) / 5) * 5);
  const at = (points) => `${50 + (48 * points) / most}%`;
  const svg = draw(parent, "svg", { "aria-hidden": "true" });
  draw(svg, "line", { class: "rail", x1: at(-most), x2: at(most), y1: 7, y2: 7 });
  draw(svg, "line", { class: "zero", x1: "50%", x2: "50%", y1: 0, y2: 14 });
  draw(svg, "line", { class: "bar", x1: at(low), x2: at(high), y1: 7, y2: 7 });
  draw(svg, "circle", { cx: at(value), cy: 7, r: 5 });
  draw(svg, "text", { x: at(-most), y: 25, "text-anchor": "start" }, `B better by ${most}`);
  draw(svg, "text", { x: at(most), y: 25, "text-anchor": "end" }, `A better by ${most}`);
}

/** A table of texts; the first of a line is its heading. */
function grid(parent, head, body) {
  const table = put(parent, "table");
  const top = put(put(table, "thead"), "tr");
  head.forEach((text, i) => {
    const cell = put(top, "th", i ? "number" : "");
    // A name breaks where its parts meet.
    for (const part of text.split(/(?=[+[])|(?<=[,=_])/)) cell.append(part, document.createElement("wbr"));
    cell.scope = "col";
  });
  const rows = put(table, "tbody");
  for (const line of body) {
    const row = put(rows, "tr");
    line.forEach((text, i) => {
      const cell = put(row, i ? "td" : "th", i ? "number" : "", text);
      if (!i) cell.scope = "row";
    });
  }
}
