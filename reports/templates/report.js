"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const root = document.documentElement;
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const panels = tabs.map((tab) => document.getElementById(tab.getAttribute("aria-controls")));
  const drawn = new Set();
  root.classList.add("script");

  const color = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  function themed(layout) {
    const axis = {gridcolor: color("--line"), zerolinecolor: color("--line"), linecolor: color("--line")};
    const look = {
      ...layout,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: {...layout.font, color: color("--ink")},
      hoverlabel: {bgcolor: color("--card"), bordercolor: color("--line"), font: {color: color("--ink")}},
    };
    for (const key of Object.keys(look)) {
      if (/^[xy]axis\d*$/.test(key)) look[key] = {...axis, ...look[key]};
    }
    return look;
  }

  // What fits into a card on A4 with the margins of the style sheet: paper has another width than
  // the window, and nothing tells a chart so.
  const PAPER = 655;
  let printing = false;

  function layoutOf(place) {
    const layout = themed(figures[place.dataset.chart].layout);
    return printing ? {...layout, autosize: false, width: PAPER} : {...layout, autosize: true};
  }

  function draw(panel) {
    for (const place of panel.querySelectorAll("[data-chart]")) {
      const figure = figures[place.dataset.chart];
      place.style.height = figure.layout.height + "px";
      const options = {responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"]};
      Plotly.react(place, figure.data, layoutOf(place), options);
      drawn.add(place);
    }
  }

  function show(index) {
    tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(i === index));
      tab.tabIndex = i === index ? 0 : -1;
      panels[i].classList.toggle("shown", i === index);
    });
    window.scrollTo(0, 0);
    draw(panels[index]);
    history.replaceState(null, "", "#/" + panels[index].id);
  }

  function setTheme(name) {
    root.dataset.theme = name;
    for (const place of drawn) {
      if (place.offsetParent) Plotly.react(place, place.data, layoutOf(place));
    }
  }

  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => show(index));
    tab.addEventListener("keydown", (event) => {
      const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
      if (!step) return;
      const next = (index + step + tabs.length) % tabs.length;
      show(next);
      tabs[next].focus();
    });
  });

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const wanted = () => chosen || (dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => setTheme(wanted()));
  document.getElementById("theme").addEventListener("click", () => {
    chosen = wanted() === "dark" ? "light" : "dark";
    setTheme(chosen);
  });

  function print(on) {
    printing = on;
    setTheme(on ? "light" : wanted());
    if (on) panels.forEach(draw);
  }
  window.matchMedia("print").addEventListener("change", (event) => print(event.matches));
  window.addEventListener("beforeprint", () => print(true));
  window.addEventListener("afterprint", () => print(false));

  setTheme(wanted());
  show(Math.max(0, panels.findIndex((panel) => "#/" + panel.id === location.hash)));
})();
