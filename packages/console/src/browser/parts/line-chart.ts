import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { windowSeconds } from "../history.ts";
import { div, li, span, ul, type View } from "../tags.ts";
import { useTheme } from "./theme.ts";

export interface Series {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** A custom property of theme.css, such as `--series-1`. */
  readonly color: string;
  readonly isFilled?: boolean;
}

export interface LineChartProps {
  /** What is shown; read aloud. */
  readonly label: string;
  /** In seconds since 1970. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly unit: (value: number | null | undefined) => string;
  readonly height: number;
}

/** Lines over the last half hour. The legend has the newest values, or those under the pointer. */
export function LineChart({ label, times, series, unit, height }: LineChartProps): View {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const [pointed, setPointed] = useState<number | undefined>(undefined);
  const theme = useTheme();
  const data: uPlot.AlignedData = [[...times], ...series.map(({ values }) => [...values])];

  useEffect(() => {
    if (place.current === null) return;
    const made = new uPlot(optionsOf({ series, unit, height, onPoint: setPointed }), data, place.current);
    chart.current = made;
    const resize = new ResizeObserver(([entry]) => {
      if (entry !== undefined) made.setSize({ width: Math.floor(entry.contentRect.width), height });
    });
    resize.observe(place.current);
    return () => {
      resize.disconnect();
      made.destroy();
    };
  }, [theme]);
  useEffect(() => chart.current?.setData(data));

  const at = pointed ?? times.length - 1;
  return div(
    { class: "chart" },
    ul(
      { class: "legend" },
      ...series.map((one) =>
        li(
          null,
          span({ class: "swatch", style: { background: `var(${one.color})` } }),
          `${one.label} `,
          span({ class: "reading" }, unit(one.values[at])),
        ),
      ),
    ),
    div({ ref: place, role: "img", "aria-label": label }),
  );
}

interface OptionsNeeds extends Pick<LineChartProps, "series" | "unit" | "height"> {
  readonly onPoint: (index: number | undefined) => void;
}

function optionsOf({ series, unit, height, onPoint }: OptionsNeeds): uPlot.Options {
  const [muted, line] = [colorOf("--muted"), colorOf("--line")];
  const axis: uPlot.Axis = {
    stroke: muted,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
  };
  return {
    width: 300,
    height,
    legend: { show: false },
    cursor: { y: false, points: { size: 5 }, drag: { x: false, y: false } },
    scales: {
      x: { range: (_chart, _min, max) => [(max || Date.now() / 1_000) - windowSeconds, max || Date.now() / 1_000] },
      y: { range: (_chart, _min, max) => [0, Math.max(max ?? 0, 1) * 1.1] },
    },
    axes: [
      { ...axis, size: 22, space: 80, values: (_chart, ticks) => ticks.map(minuteOf) },
      { ...axis, size: 58, space: 32, values: (_chart, ticks) => ticks.map((tick) => unit(tick)) },
    ],
    series: [
      {},
      ...series.map(({ label, color, isFilled }) => ({
        label,
        stroke: colorOf(color),
        width: 1.5,
        points: { show: false },
        ...(isFilled && { fill: `color-mix(in srgb, ${colorOf(color)} 14%, transparent)` }),
      })),
    ],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? undefined)] },
  };
}

function minuteOf(seconds: number): string {
  return new Date(seconds * 1_000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

/** A colour of the theme as the canvas takes it: which of a pair holds is known only of an element. */
function colorOf(property: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${property})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
