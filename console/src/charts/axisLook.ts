import type uPlot from "uplot";

/** How axes look in the page's theme, and the theme's colours by their names. */
export function axisLook(holder: HTMLElement): { axis: uPlot.Axis; colour: (name: string) => string } {
  const theme = getComputedStyle(holder);
  const colour = (name: string) => theme.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: colour("--quiet"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1 },
    font: `11px ${colour("--sans")}`,
  };
  return { axis, colour };
}
