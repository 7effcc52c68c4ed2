/** A row's whole story in a dialog; Escape closes it, and what opened it has the focus again. */
function stories(use) {
  const dialog = document.querySelector("[data-dialog]");
  const body = dialog.querySelector("[data-body]");
  let opened = null;

  const kinds = {
    facts(block, part) {
      const list = put(part, "dl");
      for (const [name, values] of block.facts) {
        const line = put(list, "div", name ? "" : "bare");
        if (name) put(line, "dt", "", name);
        const told = put(line, "dd");
        for (const value of values) put(told, "div", "", value);
      }
    },
    grid(block, part) {
      const box = put(part, "div", "box");
      Object.assign(box, { tabIndex: 0, role: "region", ariaLabel: `${block.title}: table` });
      grid(box, block.head, block.body);
    },
    curves(block, part) {
      curves(part, block);
    },
  };

  function open(table, index) {
    const line = table.lines[index];
    opened = { table, index };
    dialog.querySelector("[data-use-a]").hidden = table.lines.length < 2;
    dialog.querySelector("h2").textContent = line.label;
    body.replaceChildren();
    const marks = Object.entries(line.marks).map(([mark, meaning]) => `${mark} ${meaning}`);
    if (marks.length) kinds.facts({ facts: [["", marks]] }, put(body, "div", "block"));
    for (const block of line.story) {
      const part = put(body, "div", "block");
      put(part, "h3", "", block.title);
      kinds[block.kind](block, part);
    }
    dialog.showModal();
    dialog.querySelector("[data-close]").focus();
    body.scrollTop = 0;
  }

  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.querySelector("[data-use-a]").addEventListener("click", () => {
    dialog.close();
    use(opened.table, opened.index);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  return open;
}

/** Lines over equal steps, each with its name where it ends; the numbers are its description. */
function curves(parent, block) {
  const [wide, high, left, bottom] = [560, 200, 44, 28];
  const most = Math.max(...block.lines.flatMap(([, values]) => values)) * 1.05 || 1;
  const digits = most < 1 ? 2 : 1;
  const numbers = block.lines.map(([name, values]) => `${name}: ${values.join(", ")}`).join("; ");
  const label = `${block.about}. ${numbers}`;
  const svg = draw(parent, "svg", { class: "curve", viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": label });
  const y = (value) => 8 + (1 - value / most) * (high - bottom - 8);
  for (const share of [0, 0.5, 1]) {
    const at = y(most * share);
    draw(svg, "line", { class: "grid", x1: left, x2: wide - 70, y1: at, y2: at });
    draw(svg, "text", { x: left - 6, y: at + 4, "text-anchor": "end" }, (most * share).toFixed(digits));
  }
  let last = -99;
  [...block.lines.entries()]
    .sort(([, [, one]], [, [, other]]) => y(one.at(-1)) - y(other.at(-1)))
    .forEach(([i, [name, values]]) => {
      const step = (wide - 70 - left) / Math.max(1, values.length - 1);
      const points = values.map((value, k) => `${left + k * step},${y(value)}`);
      draw(svg, "polyline", { class: `line s${i % 3}`, points: points.join(" ") });
      last = Math.max(last + 14, y(values.at(-1)) + 4);
      draw(svg, "line", { class: `line s${i % 3}`, x1: wide - 64, x2: wide - 44, y1: last - 4, y2: last - 4 });
      draw(svg, "text", { x: wide - 38, y: last }, name);
    });
  draw(svg, "text", { x: left, y: high - 6 }, block.about);
}
