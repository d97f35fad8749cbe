// Draws the chart of a report anew and ties it to its table: the day under the pointer is marked in both, and written
// out above. Without this file the chart is the SVG that the page came with.
(() => {
  const box = document.querySelector("[data-plot]");
  const facts = document.getElementById("plot-days");
  if (!box || !facts || typeof uPlot !== "function") return;
  const { days, top, ticks } = JSON.parse(facts.textContent);
  const said = document.querySelector("[data-plot-day]");
  const rows = new Map([...document.querySelectorAll("tr[data-day]")].map((row) => [row.dataset.day, row]));
  const last = days.length - 1;
  const HEIGHT = 264;
  // Numbers for the eye only: every amount that is read comes as text.
  const cost = days.map((day) => Number(day.cost));
  const whole = days.map((day, n) => cost[n] + Number(day.profit));

  const drawn = document.createElement("div");
  drawn.className = "plot-drawn";
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", box.querySelector("svg").getAttribute("aria-label"));
  box.append(drawn);
  box.classList.add("is-drawn");

  // The colours and letters of the SVG, as the theme has them now.
  const of = (selector, property) => getComputedStyle(box.querySelector(selector)).getPropertyValue(property);

  function bars(colour) {
    const pale = `color-mix(in srgb, ${colour} 55%, transparent)`; // the last day is not over
    const fills = () => days.map((_day, n) => (n === last ? pale : colour));
    const paths = uPlot.paths.bars({ size: [0.85, 64], disp: { fill: { unit: 3, values: fills } } });
    return { fill: colour, width: 0, paths, points: { show: false } };
  }

  // As many labels as have room, always the same number of days apart.
  function labelled(plot) {
    const room = (days.length * 56) / (plot.bbox.width / devicePixelRatio);
    const step = [1, 2, 5, 7, 14, 30, 61, 122].find((n) => n >= room) || days.length;
    return days.map((_day, n) => n).filter((n) => (last - n) % step === 0);
  }

  let marked = null;
  function mark(index) {
    const day = Number.isInteger(index) ? days[index] : undefined;
    if (day === marked) return;
    if (marked) rows.get(marked.day)?.classList.remove("is-hit");
    if (day) rows.get(day.day)?.classList.add("is-hit");
    said.textContent = day ? day.said : "";
    marked = day;
  }

  let plot = null;
  function draw() {
    plot?.destroy();
    const ink = of(".plot-y", "color");
    const font = `${of(".plot-y", "font-size")} ${of(".plot-y", "font-family")}`;
    const axis = { stroke: ink, font, ticks: { show: false } };
    plot = new uPlot(
      {
        width: drawn.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
        scales: { x: { time: false, range: [-0.5, last + 0.5] }, y: { range: [0, Number(top)] } },
        axes: [
          { ...axis, size: 24, gap: 4, grid: { show: false }, splits: labelled, values: (_p, at) => at.map((n) => days[n].label) },
          {
            ...axis,
            size: 16 + 7 * Math.max(...ticks.map((text) => text.length)),
            grid: { stroke: of(".grid line", "stroke"), width: 1 },
            splits: () => ticks.map((_text, n) => (Number(top) * n) / (ticks.length - 1)),
            values: () => ticks,
          },
        ],
        series: [{}, bars(of("rect.profit", "fill")), bars(of("rect.cost", "fill"))],
        hooks: { setCursor: [(self) => mark(self.cursor.idx)] },
      },
      [days.map((_day, n) => n), whole, cost],
      drawn,
    );
  }
  draw();

  // 1. A row of the table moves the line in the chart.
  days.forEach((day, n) => {
    const row = rows.get(day.day);
    row?.addEventListener("pointerenter", () => plot.setCursor({ left: plot.valToPos(n, "x"), top: 0 }));
    row?.addEventListener("pointerleave", () => plot.setCursor({ left: -10, top: -10 }));
  });
  // 2. The width of the window and the theme.
  new ResizeObserver(() => {
    if (drawn.clientWidth !== plot.width) plot.setSize({ width: drawn.clientWidth, height: HEIGHT });
  }).observe(drawn);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
