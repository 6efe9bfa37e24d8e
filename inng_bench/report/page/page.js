"use strict";
(() => {
  const element = (id) => document.getElementById(id);
  const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));
  const data = JSON.parse(element("data").textContent);

  // The view is what the address says after "#?": sorted column, shown textures, methods and columns, open picture.
  const table = element("table");
  const heads = Array.from(table.tHead.rows[0].cells);
  const rows = Array.from(table.tBodies[0].rows);
  const groups = { t: element("textures"), m: element("methods"), c: element("columns") };
  const boxes = (key) => all("input", groups[key]);
  const checked = (key) => boxes(key).filter((box) => box.checked).map((box) => box.value);
  const usual = Object.fromEntries(Object.keys(groups).map((key) => [key, checked(key).join()]));
  let sorted = "";
  let opened = "";

  function readAddress() {
    const view = new URLSearchParams(location.hash.startsWith("#?") ? location.hash.slice(2) : "");
    for (const key of Object.keys(groups)) {
      const wanted = (view.get(key) ?? usual[key]).split(",");
      for (const box of boxes(key)) box.checked = wanted.includes(box.value);
    }
    sorted = view.get("s") ?? "";
    show();
    const picture = pictures.find((image) => image.id === view.get("p"));
    if (picture) enlarge(picture);
    else if (viewer.open) viewer.close();
  }

  function writeAddress() {
    const view = new URLSearchParams();
    if (sorted) view.set("s", sorted);
    for (const key of Object.keys(groups)) if (checked(key).join() !== usual[key]) view.set(key, checked(key).join());
    if (opened) view.set("p", opened);
    const text = view.toString();
    if (text || location.hash.startsWith("#?")) history.replaceState(null, "", text ? `#?${text}` : "#");
  }

  // Table

  function sortKey(row, index) {
    const cell = row.cells[index];
    if (heads[index].classList.contains("word")) return cell.textContent;
    return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
  }

  function compare(first, second) {
    if (first === null || second === null) return (first === null) - (second === null);
    return typeof first === "string" ? first.localeCompare(second) : first - second;
  }

  function ordered() {
    const falls = sorted.startsWith("-");
    const index = heads.findIndex((head) => head.dataset.key === sorted.replace(/^-/, ""));
    if (index < 0) return rows;
    const keyed = rows.map((row) => [sortKey(row, index), row]);
    keyed.sort(([one], [other]) => (falls && one !== null && other !== null ? compare(other, one) : compare(one, other)));
    return keyed.map(([, row]) => row);
  }

  function show() {
    const [textures, methods, columns] = ["t", "m", "c"].map((key) => new Set(checked(key)));
    const isShown = ({ texture, method }) =>
      (texture === undefined || textures.has(texture)) && (method === undefined || methods.has(method));
    table.tBodies[0].append(...ordered());
    for (const part of [...rows, ...all("#pictures [data-texture], #pictures [data-method]")]) {
      part.hidden = !isShown(part.dataset);
    }
    heads.forEach((head, index) => {
      const { key } = head.dataset;
      const isOff = index > 1 && !columns.has(key);
      for (const cell of [head, ...rows.map((row) => row.cells[index])]) cell.classList.toggle("off", isOff);
      head.removeAttribute("aria-sort");
      if (key === sorted) head.setAttribute("aria-sort", "ascending");
      if (`-${key}` === sorted) head.setAttribute("aria-sort", "descending");
    });
    const shown = rows.filter((row) => !row.hidden).length;
    const head = heads.find(({ dataset }) => dataset.key === sorted.replace(/^-/, ""));
    const order = head ? `, by ${head.innerText.trim()}, ${sorted.startsWith("-") ? "falling" : "rising"}` : "";
    element("told").textContent = `${shown} of ${rows.length} rows${order}.`;
  }

  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const { key } = head.dataset;
      sorted = { [key]: `-${key}`, [`-${key}`]: "" }[sorted] ?? key;
      show();
      writeAddress();
    });
  }
  for (const group of Object.values(groups)) {
    group.addEventListener("change", () => {
      show();
      writeAddress();
    });
  }
  element("reset").addEventListener("click", () => {
    history.replaceState(null, "", "#");
    readAddress();
  });
  document.addEventListener("click", (event) => {
    for (const choice of all(".choice[open]")) if (!choice.contains(event.target)) choice.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const choice = event.key === "Escape" && document.activeElement.closest(".choice[open]");
    if (!choice) return;
    choice.open = false;
    choice.querySelector("summary").focus();
  });
  // A jump within the page leaves the view in the address.
  for (const link of all('a[href^="#"]')) {
    link.addEventListener("click", (event) => {
      const target = element(link.hash.slice(1));
      event.preventDefault();
      target.scrollIntoView();
      target.tabIndex = -1;
      target.focus({ preventScroll: true });
    });
  }

  // Pictures

  const viewer = element("viewer");
  const [under, over, slider] = ["under", "over", "slider"].map(element);
  const pictures = all(".frame img");

  function enlarge(picture) {
    const section = picture.closest(".texture");
    const source = section.querySelector(".frame img");
    opened = picture.id;
    element("viewer-title").textContent = `${section.dataset.texture}: ${picture.alt}`;
    const room = [innerWidth - 48, innerHeight - 230];
    const fit = Math.min(room[0] / picture.width0, room[1] / picture.height0);
    const zoom = fit < 1 ? fit : Math.floor(fit);
    for (const [image, from] of [[under, source], [over, picture]]) {
      image.src = from.src;
      image.alt = from.alt;
      image.style.width = `${from.width0 * zoom}px`;
    }
    element("stage").style.width = `${picture.width0 * zoom}px`;
    element("stage").style.height = `${picture.height0 * zoom}px`;
    slider.disabled = picture === source || !source.id.endsWith("/source");
    slide();
    if (!viewer.open) viewer.showModal();
    writeAddress();
  }

  function slide() {
    const share = slider.disabled ? 0 : slider.value;
    over.style.clipPath = `inset(0 0 0 ${share}%)`;
    element("share").textContent = `${share} %`;
  }

  function step(by) {
    const seen = pictures.filter((picture) => !picture.closest("[hidden]"));
    const index = seen.findIndex((picture) => picture.id === opened);
    enlarge(seen[(index + by + seen.length) % seen.length]);
  }

  for (const picture of pictures) {
    [picture.width0, picture.height0] = [Number(picture.getAttribute("width")), Number(picture.getAttribute("height"))];
    const button = document.createElement("button");
    button.type = "button";
    picture.replaceWith(button);
    button.append(picture);
    button.addEventListener("click", () => enlarge(picture));
  }
  slider.addEventListener("input", slide);
  element("close").addEventListener("click", () => viewer.close());
  element("previous").addEventListener("click", () => step(-1));
  element("next").addEventListener("click", () => step(1));
  viewer.addEventListener("close", () => {
    opened = "";
    writeAddress();
  });
  viewer.addEventListener("click", (event) => event.target === viewer && viewer.close());

  // Plots

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
  const digits = (value) => String(Number(value.toPrecision(3)));
  const isDecade = (value) => Number.isInteger(Math.round(1e6 * Math.log10(value)) / 1e6);
  const decades = (_chart, splits) => splits.map((value) => (value !== null && isDecade(value) ? value : null));
  const charts = [];

  function align(curves) {
    const across = [...new Set(curves.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
    const place = new Map(across.map((x, index) => [x, index]));
    const heights = curves.map(({ points }) => {
      const column = Array(across.length).fill(null);
      for (const [x, y] of points) column[place.get(x)] = y;
      return column;
    });
    return [across, ...heights];
  }

  function drawExtras(chart, plot, colour) {
    const { ctx } = chart;
    const ratio = devicePixelRatio;
    ctx.save();
    if (plot.level !== null) {
      const y = chart.valToPos(plot.level, "y", true);
      ctx.strokeStyle = css("--line");
      ctx.setLineDash([2 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(chart.bbox.left, y);
      ctx.lineTo(chart.bbox.left + chart.bbox.width, y);
      ctx.stroke();
      ctx.setLineDash([]);
    }
    for (const curve of plot.dots ? plot.curves : []) {
      curve.points.forEach(([x, y], index) => {
        ctx.beginPath();
        ctx.arc(chart.valToPos(x, "x", true), chart.valToPos(y, "y", true), (2 + index) * ratio, 0, 2 * Math.PI);
        ctx.fillStyle = curve.hollow ? css("--paper") : colour(curve.name);
        ctx.strokeStyle = colour(curve.name);
        ctx.fill();
        ctx.stroke();
      });
    }
    ctx.restore();
  }

  function draw(figure) {
    const plot = data.plots[Number(figure.dataset.plot)];
    const box = document.createElement("div");
    const said = document.createElement("output");
    const dot = document.createElement("div");
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", `${plot.title} over ${plot.across}. Arrow keys go from point to point.`);
    said.textContent = "Point at a curve for its values.";
    dot.className = "dot";
    figure.append(box, said);
    const colour = (name) => css(`--c${plot.styles[name].colour}`);
    const lines = (isLog) => ({ stroke: () => css("--soft"), width: 1, ...(isLog ? { filter: decades } : {}) });
    const axis = (isLog) => ({
      stroke: () => css("--ink"),
      grid: lines(isLog),
      ticks: lines(isLog),
      font: "12px system-ui",
      labelFont: "12px system-ui",
      values: (_chart, splits) => splits.map((value) => (value === null ? "" : digits(value))),
    });
    const scale = (isLog) => ({ time: false, distr: isLog ? 3 : 1 });
    const chart = new uPlot(
      {
        width: figure.clientWidth,
        height: 240,
        legend: { show: false },
        cursor: { points: { show: false }, y: true, drag: { x: false, y: false } },
        scales: { x: scale(plot.log_x), y: scale(plot.log_y) },
        axes: [{ ...axis(plot.log_x), label: plot.across, labelSize: 18, size: 36 }, { ...axis(plot.log_y), size: 52 }],
        series: [
          {},
          ...plot.curves.map(({ name, points }) => ({
            label: name,
            stroke: () => colour(name),
            dash: plot.styles[name].dash,
            width: 1.5,
            spanGaps: true,
            points: { show: points.length === 1 && !plot.dots },
          })),
        ],
        hooks: { draw: [(own) => drawExtras(own, plot, colour)] },
      },
      align(plot.curves),
      box,
    );
    chart.over.append(dot);
    const point = (curve, index) => {
      const { name, points } = plot.curves[curve];
      const [x, y] = points[index];
      said.textContent = `${name}: ${digits(y)} at ${digits(x)} ${plot.across}`;
      dot.style.transform = `translate(${chart.valToPos(x, "x")}px, ${chart.valToPos(y, "y")}px)`;
      dot.style.background = colour(name);
      dot.style.display = "block";
    };
    let at = [0, -1];
    chart.over.addEventListener("mousemove", ({ offsetX, offsetY }) => {
      let nearest = Infinity;
      plot.curves.forEach(({ points }, curve) =>
        points.forEach(([x, y], index) => {
          const distance = Math.hypot(chart.valToPos(x, "x") - offsetX, chart.valToPos(y, "y") - offsetY);
          if (distance < nearest) [nearest, at] = [distance, [curve, index]];
        }),
      );
      point(...at);
    });
    box.addEventListener("keydown", (event) => {
      const by = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      if (!by) return;
      event.preventDefault();
      const curve = (at[0] + by[0] + plot.curves.length) % plot.curves.length;
      at = [curve, Math.max(0, Math.min(plot.curves[curve].points.length - 1, at[1] + by[1]))];
      point(...at);
    });
    charts.push([chart, figure]);
  }

  function addLegend(plots) {
    const legend = document.createElement("ul");
    legend.className = "legend";
    const { styles } = data.plots[plots.querySelector(".plot").dataset.plot];
    for (const name of Object.keys(styles)) {
      const line = document.createElement("li");
      const sign = document.createElement("span");
      sign.style.borderTopColor = `var(--c${styles[name].colour})`;
      sign.style.borderTopStyle = styles[name].dash.length ? "dashed" : "solid";
      line.append(sign, name);
      legend.append(line);
    }
    plots.before(legend);
  }

  for (const plots of all(".plots")) {
    plots.hidden = false;
    addLegend(plots);
  }
  for (const figure of all(".plot")) draw(figure);
  addEventListener("resize", () => {
    for (const [chart, figure] of charts) chart.setSize({ width: figure.clientWidth, height: 240 });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const [chart] of charts) chart.redraw(false, true);
  });

  // A page that is served while runs end asks for news, and waits with them while a picture is open.
  async function listen() {
    try {
      const answer = await fetch("state");
      const [state, ...workers] = (await answer.text()).split("\n");
      element("workers").textContent = workers.join("\n");
      if (answer.ok && state !== data.live && !viewer.open) location.reload();
    } catch {
      element("live").textContent = "The server has stopped; this page is no longer updated.";
      return;
    }
    setTimeout(listen, 2000);
  }

  element("controls").hidden = false;
  element("hint").hidden = false;
  addEventListener("hashchange", readAddress);
  readAddress();
  if (data.live) setTimeout(listen, 2000);
})();
