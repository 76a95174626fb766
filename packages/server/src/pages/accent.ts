type Rgb = [red: number, green: number, blue: number];

/**
 * The backgrounds that colors are used on, in light and dark: `--card`, `--paper` and `--sunken` of the style sheet.
 */
export const grounds = {
  light: { card: '#ffffff', paper: '#faf7f4', sunken: '#f3eee9' },
  dark: { card: '#1f1b1a', paper: '#161312', sunken: '#282321' },
} as const;

/** WCAG 2.2, 1.4.3 requires 4.5. On dark backgrounds, colors need more contrast to look as calm as on light ones. */
const least = { light: 4.6, dark: 6 } as const;

/** The share of the accent color in the background of selected items. */
const SOFT = 0.1;

/**
 * The operator's accent color as custom properties, for light and dark. A color that is not readable as text, or under
 * text, is made darker or lighter until it is.
 *
 * @param accent Such as `#8a2b3a`.
 */
export function accentStyle(accent: string): string {
  const light = shadesOf(accent, 'light');
  const dark = shadesOf(accent, 'dark');
  const lines = (['accent', 'accent-soft', 'accent-fill'] as const).map(
    (name) => `  --${name}: light-dark(${light[name]}, ${dark[name]});\n`,
  );
  return `:root {\n${lines.join('')}}\n`;
}

function shadesOf(accent: string, theme: keyof typeof grounds) {
  const { card } = grounds[theme];
  const readable = readableShade(toRgb(accent), theme);
  return {
    accent: toHex(readable),
    'accent-soft': toHex(mix(toRgb(card), readable, SOFT)),
    'accent-fill': toHex(theme === 'light' ? readable : fillShade(toRgb(accent))),
  };
}

/**
 * The nearest shade that is readable on every background of the theme, and on a background tinted with the shade
 * itself.
 */
function readableShade(colour: Rgb, theme: keyof typeof grounds): Rgb {
  const { card } = grounds[theme];
  const step = theme === 'light' ? -0.01 : 0.01;
  const start = lightness(colour);
  for (let i = 0; i <= 100; i++) {
    const shade = withLightness(colour, Math.min(1, Math.max(0, start + i * step)));
    const under = [...Object.values(grounds[theme]).map(toRgb), mix(toRgb(card), shade, SOFT)];
    if (under.every((ground) => contrast(shade, ground) >= least[theme])) return shade;
  }
  throw new Error(`USHER_ACCENT: no accessible shade of ${toHex(colour)} found. Choose another color.`);
}

/** For dark mode, a background for white text: slightly lighter than the accent while white stays readable on it. */
function fillShade(colour: Rgb): Rgb {
  const start = Math.min(1, lightness(colour) + 0.06);
  for (let to = start; to > 0; to -= 0.01) {
    const shade = withLightness(colour, to);
    if (contrast(shade, WHITE) >= least.light) return shade;
  }
  return [0, 0, 0];
}

const WHITE: Rgb = [255, 255, 255];
const toRgb = (hex: string): Rgb => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as Rgb;
const toHex = (colour: Rgb): string =>
  `#${colour.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`;
const mix = (from: Rgb, to: Rgb, share: number): Rgb =>
  from.map((part, i) => part + ((to[i] ?? 0) - part) * share) as Rgb;

/** The HSL lightness, from 0 to 1. */
const lightness = (colour: Rgb): number => (Math.max(...colour) + Math.min(...colour)) / 510;

/** The color with the same HSL hue and saturation, and another lightness. */
function withLightness(colour: Rgb, to: number): Rgb {
  const from = lightness(colour);
  const reach = (at: number): number => 1 - Math.abs(2 * at - 1);
  const stretch = reach(from) === 0 ? 0 : reach(to) / reach(from);
  return colour.map((part) => (to + (part / 255 - from) * stretch) * 255) as Rgb;
}

/** WCAG 2.2, "contrast ratio" and "relative luminance". */
function contrast(a: Rgb, b: Rgb): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: Rgb): number {
  const [red = 0, green = 0, blue = 0] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
