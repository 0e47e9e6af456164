/** Covers drawn from a title's kind and a number made of its name: colours and a figure for each genre, no pictures needed. */

import { svg } from "./dom";

/** Ground, ink, and three colours for the figure. */
type Palette = readonly [ground: string, ink: string, a: string, b: string, c: string];
type Draw = (random: () => number, p: Palette) => SVGElement[];

const W = 200;
const H = 190;

interface Style {
  readonly palettes: readonly Palette[];
  /** The figures of the genre; a title takes one of them. */
  readonly draws: readonly Draw[];
}

const circle = (cx: number, cy: number, r: number, fill: string, more: Record<string, string | number> = {}): SVGElement => svg("circle", { cx, cy, r, fill, ...more });
const rect = (x: number, y: number, width: number, height: number, fill: string, more: Record<string, string | number> = {}): SVGElement =>
  svg("rect", { x, y, width, height, fill, ...more });
const shape = (points: string, fill: string, more: Record<string, string | number> = {}): SVGElement => svg("polygon", { points, fill, ...more });
const line = (d: string, stroke: string, width: number, more: Record<string, string | number> = {}): SVGElement =>
  svg("path", { d, fill: "none", stroke, "stroke-width": width, ...more });
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

const orbits: Draw = (random, [, , a, b, c]) => {
  const [x, y, r] = [60 + random() * 80, 80 + random() * 40, 34 + random() * 16];
  const tilt = -35 + random() * 70;
  const rings = range(3).map((n) => svg("ellipse", { cx: x, cy: y, rx: r + 22 + n * 17, ry: (r + 22 + n * 17) * 0.3, fill: "none", stroke: n === 1 ? b : c, "stroke-width": n === 1 ? 3 : 1.2, transform: `rotate(${tilt} ${x} ${y})` }));
  const stars = range(16).map(() => circle(random() * W, random() * H, 0.7 + random() * 1.5, c));
  return [...stars, ...rings, circle(x, y, r, a), svg("path", { d: `M${x} ${y - r}a${r} ${r} 0 0 1 0 ${2 * r}a${r * 1.6} ${r * 1.6} 0 0 0 0 ${-2 * r}`, fill: b, opacity: 0.75 })];
};

const horizon: Draw = (random, [, , a, b, c]) => {
  const [x, r] = [50 + random() * 100, 42 + random() * 18];
  const bands = range(5).map((n) => rect(0, 122 + n * 15, W, 3 + n * 2.4, n % 2 === 0 ? b : c));
  return [circle(x, 120, r, a), rect(0, 120, W, 70, "var(--ground)"), ...bands];
};

const pair: Draw = (random, [, , a, b, c]) => {
  const [r, gap] = [46 + random() * 12, 26 + random() * 16];
  const y = 88 + random() * 20;
  const turn = -40 + random() * 80;
  const h = Math.sqrt(r * r - gap * gap);
  const lens = `M100 ${y - h}A${r} ${r} 0 0 1 100 ${y + h}A${r} ${r} 0 0 1 100 ${y - h}`;
  return [svg("g", { transform: `rotate(${turn} 100 ${y})` }, circle(100 - gap, y, r, a), circle(100 + gap, y, r, b), svg("path", { d: lens, fill: c }))];
};

const teeth: Draw = (random, [, , a, b, c]) => {
  const x = 70 + random() * 60;
  const n = 6 + Math.floor(random() * 4);
  const step = W / n;
  const row = range(n).map((i) => shape(`${i * step},190 ${(i + 0.5) * step},${128 + random() * 34} ${(i + 1) * step},190`, c));
  return [circle(x, 78, 50, a), circle(x + 14 + random() * 14, 70 + random() * 10, 44, "var(--ground)"), circle(x - 20, 150, 3.5, b), circle(x - 4, 150, 3.5, b), ...row];
};

const blinds: Draw = (random, [, , a, b, c]) => {
  const lean = 30 + random() * 40;
  const light = shape(`${20 + lean},0 ${130 + lean},0 ${150 - lean * 0.4},190 ${-10 - lean * 0.4},190`, a);
  const slats = range(11).map((n) => rect(0, n * 18, W, 8, "var(--ground)"));
  return [light, circle(60 + random() * 80, 110, 22 + random() * 8, b), ...slats, line(`M${20 + random() * 30} 0V190`, c, 2)];
};

const bars: Draw = (random, [, , a, b, c]) =>
  range(11).map((n) => {
    const height = 30 + Math.abs(Math.sin(n * (0.5 + random() * 0.35) + random())) * 120;
    return rect(12 + n * 16.4, 95 - height / 2, 9, height, [a, b, c][n % 3]!, { rx: 4.5 });
  });

const chevrons: Draw = (random, [, , a, b, c]) => {
  const x = 70 + random() * 60;
  const rows = range(5).map((n) => line(`M-10 ${60 + n * 32}L${x} ${8 + n * 32}L210 ${60 + n * 32}`, [a, b, a, c, a][n]!, 13));
  return rows;
};

const tiles: Draw = (random, [, , a, b, c]) =>
  range(20).flatMap((n) => {
    const [x, y, s] = [(n % 5) * 40, Math.floor(n / 5) * 47.5, 40];
    const color = [a, b, c][Math.floor(random() * 3)]!;
    const turn = Math.floor(random() * 4) * 90;
    const kind = Math.floor(random() * 5);
    const middle = `rotate(${turn} ${x + 20} ${y + 23.75})`;
    if (kind === 0) return [circle(x + 20, y + 23.75, 13, color)];
    if (kind === 1) return [svg("path", { d: `M${x} ${y + 3.75}h${s}a${s} ${s} 0 0 1 ${-s} ${s}z`, fill: color, transform: middle })];
    if (kind === 2) return [svg("path", { d: `M${x} ${y + 23.75}a20 20 0 0 1 40 0z`, fill: color, transform: middle })];
    if (kind === 3) return [shape(`${x},${y + 43.75} ${x + s},${y + 43.75} ${x + s},${y + 3.75}`, color, { transform: middle })];
    return [];
  });

const peaks: Draw = (random, [, , a, b, c]) => {
  const moon = circle(40 + random() * 120, 42 + random() * 16, 17 + random() * 9, c);
  const peak = (x: number, top: number, half: number, fill: string): SVGElement => shape(`${x - half},190 ${x},${top} ${x + half},190`, fill);
  const [x1, x2] = [20 + random() * 60, 110 + random() * 70];
  const top = 66 + random() * 24;
  const snow = shape(`${x1},${top} ${x1 - 14},${top + 24} ${x1 - 3},${top + 19} ${x1 + 5},${top + 27} ${x1 + 14},${top + 24}`, c);
  return [moon, peak(x2, 84 + random() * 26, 88, b), peak(x1, top, 72, a), snow, peak(x2 + 30 - random() * 60, 138, 76, b)];
};

const rings: Draw = (random, [, , a, b, c]) => {
  const [x, y] = [60 + random() * 80, 70 + random() * 50];
  const circles = range(6).map((n) => circle(x, y, 108 - n * 18, [a, "var(--ground)", b, "var(--ground)", a, c][n]!));
  return circles;
};

const rays: Draw = (random, [, , a, b, c]) => {
  const [x, y, turn] = [30 + random() * 140, 130 + random() * 50, random() * 30];
  const wedges = range(14).map((n) => {
    const [from, to] = [((n * 360) / 14 + turn) * (Math.PI / 180), ((n * 360) / 14 + turn + 12) * (Math.PI / 180)];
    return shape(`${x},${y} ${x + 320 * Math.cos(from)},${y + 320 * Math.sin(from)} ${x + 320 * Math.cos(to)},${y + 320 * Math.sin(to)}`, n % 2 === 0 ? a : b);
  });
  return [...wedges, circle(x, y, 24, c)];
};

const vertigo: Draw = (random, [, , a, b, c]) => {
  const [x, y, twist] = [70 + random() * 60, 80 + random() * 30, 6 + random() * 9];
  return range(8).map((n) => {
    const s = 150 - n * 19;
    return rect(x - s / 2, y - s / 2, s, s, n === 7 ? c : "none", { stroke: n % 3 === 1 ? b : a, "stroke-width": n % 3 === 1 ? 5 : 2.4, transform: `rotate(${n * twist} ${x} ${y})` });
  });
};

const dots: Draw = (random, [, , a, b, c]) => {
  const odd = Math.floor(random() * 42);
  return range(42).map((n) => {
    const [x, y] = [22 + (n % 7) * 26, 18 + Math.floor(n / 7) * 30];
    return n === odd ? circle(x, y, 14, b) : circle(x, y, 3 + ((n * 7) % 5) * 1.1, n % 5 === 0 ? c : a);
  });
};

const smiles: Draw = (random, [, , a, b, c]) =>
  range(9).map((n) => {
    const [x, y] = [34 + (n % 3) * 66, 30 + Math.floor(n / 3) * 62];
    const r = 18 + random() * 11;
    return svg("path", { d: `M${x - r} ${y}a${r} ${r} 0 0 0 ${2 * r} 0z`, fill: [a, b, c][n % 3]!, transform: `rotate(${random() < 0.65 ? -18 + random() * 36 : 90 + random() * 180} ${x} ${y})` });
  });

const halves: Draw = (random, [, , a, b, c]) => {
  const [y, r] = [70 + random() * 40, 62 + random() * 18];
  const shift = 14 + random() * 34;
  const side = random() < 0.5 ? 1 : -1;
  return [
    svg("path", { d: `M100 ${y - r}a${r} ${r} 0 0 0 0 ${2 * r}z`, fill: a }),
    svg("path", { d: `M100 ${y - r + shift * side}a${r} ${r} 0 0 1 0 ${2 * r}z`, fill: b }),
    circle(100 + 24 * side, y + 10, 8 + random() * 5, c),
  ];
};

const prints: Draw = (random, [, , a, b, c]) => {
  const [x, y] = [70 + random() * 60, 96 + random() * 20];
  return range(9).map((n) => {
    const [rx, ry] = [8 + n * 9.5, 12 + n * 12];
    const dash = `${40 + random() * 90} ${5 + random() * 9}`;
    return svg("ellipse", { cx: x, cy: y, rx, ry, fill: "none", stroke: n === 3 ? b : n === 6 ? c : a, "stroke-width": 3.6, "stroke-dasharray": dash, "stroke-linecap": "round", transform: `rotate(${-14 + random() * 6} ${x} ${y})` });
  });
};

const waves: Draw = (random, [, , a, b, c]) => {
  const [rise, length] = [9 + random() * 11, 46 + random() * 40];
  const sun = circle(50 + random() * 100, 54, 24 + random() * 10, c);
  const rows = range(5).map((n) => {
    const y = 78 + n * 25;
    const start = -random() * length;
    const turns = range(14).map((i) => `q${length / 4} ${(i % 2 === 0 ? -1 : 1) * rise} ${length / 2} 0`);
    return svg("path", { d: `M${start} ${y}${turns.join("")}V190H${start}z`, fill: n % 2 === 0 ? a : b });
  });
  return [sun, ...rows];
};

const steps: Draw = (random, [, , a, b, c]) => {
  const n = 6;
  const up = random() < 0.5;
  const stairs = range(n).map((i) => {
    const height = 24 + i * 24;
    return rect(up ? i * (W / n) : W - (i + 1) * (W / n), H - height, W / n - 3, height, i % 2 === 0 ? a : b);
  });
  return [circle(up ? 40 + random() * 24 : 160 - random() * 24, 58, 22, c), ...stairs];
};

const bone = "#f4ead6";
const STYLES: Readonly<Record<string, Style>> = {
  "Film-Noir": { palettes: [["#15171b", bone, "#e8dcc0", "#15171b", "#8b2f25"], ["#1c1a24", bone, "#d6cfc4", "#1c1a24", "#7d6fae"]], draws: [blinds, rings] },
  Western: { palettes: [["#7c2f1d", "#fdebcf", "#f2a541", "#d96b2b", "#f6cf8b"], ["#3f2a1d", "#fbe8cb", "#e3682f", "#c98a4b", "#efc88d"]], draws: [horizon, peaks] },
  Musical: { palettes: [["#401f4f", "#fdeaf2", "#f5b841", "#ef6f8e", "#7ed3d1"], ["#8a1c4a", "#ffeaf0", "#ffd166", "#f79d84", "#ffe8d6"]], draws: [bars, waves] },
  Documentary: { palettes: [["#23404a", "#e9f4f2", "#7fb7b2", "#f2b24c", "#d8e6e1"], ["#e6dfce", "#26302f", "#7b8a83", "#c4512d", "#26302f"]], draws: [dots, steps] },
  War: { palettes: [["#3c4233", "#eee9d6", "#8d8f62", "#c9b37a", "#b6422c"], ["#2d3136", "#efe9df", "#6c7a6a", "#b5a888", "#d0542f"]], draws: [chevrons, horizon] },
  Horror: { palettes: [["#160f12", "#f6e3dc", "#c2242c", "#f2d8a7", "#6b1118"], ["#10181a", "#e4efe6", "#87a878", "#f1f7d0", "#2f4b41"]], draws: [teeth, rings, vertigo] },
  "Sci-Fi": { palettes: [["#131a3a", "#e9ecff", "#f26b5e", "#f9c784", "#8fa3ff"], ["#0d2b33", "#e2f6f4", "#4fc4b7", "#f6f2d4", "#ef8354"], ["#241538", "#f3e8ff", "#b388eb", "#f7aef8", "#72ddf7"]], draws: [orbits, orbits, dots] },
  Animation: { palettes: [["#f2d7a0", "#2b2440", "#e4572e", "#29848c", "#2b2440"], ["#2a6f7d", "#fdf6e3", "#ffc857", "#e9724c", "#fdf6e3"], ["#e9e3f5", "#2c2350", "#7458c9", "#ef7b6c", "#35a79c"]], draws: [tiles] },
  Fantasy: { palettes: [["#26284f", "#eeeaff", "#6c6fb9", "#40427f", "#ffe3a3"], ["#12403c", "#e5f7ec", "#3d8c74", "#23625a", "#f9e7a7"]], draws: [peaks, orbits, waves] },
  Mystery: { palettes: [["#1d2f3f", "#e8f0f4", "#39617d", "#e0a458", "#f7efd9"], ["#38233f", "#f5e9f7", "#6f4a7e", "#d98e73", "#f8e7cf"]], draws: [rings, blinds] },
  Crime: { palettes: [["#26221f", "#f3e9dc", "#a8997f", "#e2b13c", "#c0412f"], ["#1f2d34", "#e7eff0", "#7596a1", "#e7733d", "#e9d8a6"]], draws: [prints, rings, blinds, steps, vertigo] },
  Romance: { palettes: [["#a93b52", "#fff0ee", "#f7a399", "#fbd3c7", "#6f1d3a"], ["#f3dcd6", "#4b1e2b", "#d8576b", "#8c3a68", "#5c1738"], ["#5b2a55", "#fdeaf6", "#e07aa8", "#f4b6a6", "#fbe7c6"]], draws: [pair, waves, halves] },
  Thriller: { palettes: [["#202b26", "#e9f3ea", "#7fa48d", "#d8e35b", "#d8e35b"], ["#351a22", "#fbe6e4", "#c65a55", "#f4b55f", "#f4b55f"], ["#1b2440", "#e8edfb", "#6f86c9", "#f36b4d", "#f36b4d"]], draws: [vertigo, blinds, chevrons] },
  Adventure: { palettes: [["#1f5a5b", "#eaf7ef", "#efa94a", "#2f8079", "#fbeecb"], ["#8f4a20", "#fff1de", "#e8a24c", "#b9652c", "#fde3b0"]], draws: [peaks, waves] },
  Action: { palettes: [["#b3391f", "#fff3e3", "#cf5327", "#e0762f", "#fff3e3"], ["#17324d", "#eaf3fb", "#234a6e", "#2f6693", "#ffb238"], ["#3d1b1b", "#ffeadf", "#5e2623", "#86332b", "#ff8c42"]], draws: [rays, chevrons, steps] },
  Children: { palettes: [["#f6c453", "#3a2a0a", "#e4572e", "#2a7f86", "#3a2a0a"], ["#7cc0b4", "#143a3a", "#fdf3d8", "#ee6c4d", "#143a3a"]], draws: [tiles] },
  Comedy: { palettes: [["#f4cf6b", "#3b2a0c", "#d95d39", "#2f6f73", "#fff6e0"], ["#2f6f6b", "#f4fbf3", "#f6bd60", "#f28482", "#f7ede2"], ["#f1e3d0", "#38261b", "#e07a3f", "#3d8b8b", "#b3413b"], ["#d9634c", "#fff4e8", "#fbd38d", "#8f2f2a", "#ffe9d2"]], draws: [smiles, bars, halves] },
  Drama: { palettes: [["#27374d", "#edf2f7", "#9db2bf", "#dd8a5e", "#f4e9d8"], ["#e9e2d4", "#2b2a27", "#37474f", "#bf5b3d", "#d6a449"], ["#4a3b34", "#f6ece2", "#c9ada1", "#8a6d5f", "#e9b872"], ["#2f4a3c", "#edf5ec", "#a3b899", "#d8b26e", "#f2efe2"]], draws: [halves, waves, steps, pair] },
};
const FALLBACK = Object.values(STYLES);

/** Returns a cover's drawing and its two main colours. The same title always has the same cover. */
export function cover(name: string, genres: readonly string[]): { drawing: SVGSVGElement; ground: string; ink: string } {
  const seed = hash(name);
  const random = generator(seed);
  const genre = leading(genres);
  const style = genre !== undefined ? STYLES[genre]! : FALLBACK[hash(genres.join("|") || name) % FALLBACK.length]!;
  const palette = style.palettes[seed % style.palettes.length]!;
  const drawing = svg("svg", { class: "drawing", viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true", focusable: "false" }, ...style.draws[(seed >>> 8) % style.draws.length]!(random, palette));
  return { drawing, ground: palette[0], ink: palette[1] };
}

/** The genre that says most about a title: the rarer ones stand first in STYLES. */
export function leading(genres: readonly string[]): string | undefined {
  return Object.keys(STYLES).find((genre) => genres.includes(genre) || genres.includes(`${genre}'s`));
}

/** The colour that stands for a genre on a small mark. */
export function genreColour(name: string, genres: readonly string[]): string {
  const genre = leading(genres);
  const style = genre !== undefined ? STYLES[genre]! : FALLBACK[hash(genres.join("|") || name) % FALLBACK.length]!;
  return style.palettes[hash(name) % style.palettes.length]![2];
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const letter of text) value = Math.imul(value ^ letter.codePointAt(0)!, 0x01000193);
  return value >>> 0;
}

/** Mulberry32: small, and the same everywhere. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
