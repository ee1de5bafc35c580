"""The page's style: light, dark where the reader's machine is, always light on paper, A4."""

LIGHT = """
  --ink: #1d2526; --soft: #566264; --line: #dbe1e0; --paper: #ffffff; --wash: #f3f6f5;
  --accent: #0f6f78; --warn: #8a4b08; --warn-wash: #fdf4e7;
  --c0: #6f7778; --c1: #1a8a94; --c2: #c8641f; --c3: #9c5a96; --c4: #6c7bb0; --c5: #7b8b48;
  --found: #1a8a94; --reached: #8cc3c8; --wrong: #9c5a96;
  --right: 15, 111, 120; --mistaken: 178, 82, 24; --dark-text: #ffffff;
"""
DARK = """
  --ink: #e4eaea; --soft: #a3b0b2; --line: #2f3a3d; --paper: #12181a; --wash: #1a2224;
  --accent: #63c3cb; --warn: #f0b469; --warn-wash: #2b2216;
  --c0: #a3acad; --c1: #4fb8c1; --c2: #e58a4e; --c3: #c98ac4; --c4: #93a4dc; --c5: #a9bb6c;
  --found: #4fb8c1; --reached: #2f6f75; --wrong: #c98ac4;
  --right: 79, 184, 193; --mistaken: 229, 138, 78; --dark-text: #0d1112;
"""
PAGE = """
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: break-word; }
main, header, footer { max-width: 860px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 44px; }
footer { padding: 28px 24px 48px; color: var(--soft); font-size: 13px; }
.kicker { margin: 0 0 6px; color: var(--accent); font-size: 12px; font-weight: 650;
  letter-spacing: .09em; text-transform: uppercase; }
h1 { margin: 0; font-size: 31px; line-height: 1.18; font-weight: 680; letter-spacing: -.015em;
  text-wrap: balance; }
.sub { margin: 8px 0 0; color: var(--soft); }
h2 { margin: 46px 0 12px; padding-top: 15px; border-top: 1px solid var(--line); font-size: 20px;
  line-height: 1.3; font-weight: 650; letter-spacing: -.005em; }
h2 .number { display: inline-block; min-width: 1.5em; color: var(--accent);
  font-variant-numeric: tabular-nums; }
h3 { margin: 26px 0 8px; font-size: 15.5px; font-weight: 650; }
p { margin: 8px 0; max-width: 72ch; }
a { color: var(--accent); text-underline-offset: 2px; }
.lead p { margin: 10px 0; font-size: 16px; }
.note, figcaption { color: var(--soft); font-size: 13px; line-height: 1.45; }
.warn { padding: 9px 13px; border-left: 3px solid var(--warn); background: var(--warn-wash);
  color: var(--warn); }
nav ul { display: flex; flex-wrap: wrap; gap: 3px 16px; margin: 22px 0 0; padding: 0;
  list-style: none; font-size: 13.5px; }
nav a { text-decoration: none; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: 12px;
  margin: 4px 0 18px; }
.figures > div { display: flex; flex-direction: column; padding: 15px 18px;
  border: 1px solid var(--line); border-radius: 8px; background: var(--wash); }
.figures strong { margin: 3px 0 1px; font-size: 31px; line-height: 1.2; font-weight: 650;
  letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
.figures .what { font-size: 13.5px; font-weight: 600; }
.figures .range { color: var(--soft); font-size: 13px; font-variant-numeric: tabular-nums; }
dl { display: grid; gap: 0; margin: 8px 0 18px; }
dl > div { display: grid; grid-template-columns: 160px minmax(0, 1fr); gap: 16px; padding: 5px 0;
  border-bottom: 1px solid var(--line); }
dt { color: var(--soft); font-size: 14px; }
dd { margin: 0; overflow-wrap: anywhere; }
main ul:not(.legend) { margin: 8px 0; padding-left: 1.15em; max-width: 76ch; }
main li { margin: 5px 0; }
main li::marker { color: var(--soft); }
.cautions li::marker { color: var(--warn); content: "!  "; font-weight: 700; }
code, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono",
  monospace; }
code { overflow-wrap: anywhere; }
pre { margin: 10px 0; padding: 13px 16px; border: 1px solid var(--line); border-radius: 8px;
  background: var(--wash); white-space: pre-wrap; }
"""
TABLES = """
.wide { overflow-x: auto; margin: 14px 0 18px; }
.wide:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; min-width: min(100%, 420px); font-size: 13.5px;
  line-height: 1.4; font-variant-numeric: tabular-nums; }
caption { padding: 0 0 7px; caption-side: top; text-align: left; color: var(--soft);
  font-size: 13px; line-height: 1.45; }
th, td { padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
thead th { border-bottom: 1px solid var(--soft); color: var(--soft); font-size: 12.5px;
  font-weight: 600; vertical-align: bottom; }
.kinds td:last-child { min-width: 15em; }
tbody th { min-width: 8.4em; font-weight: 500; overflow-wrap: anywhere; }
td.n, th.n { text-align: right; }
.counts tbody tr:last-child > * { font-weight: 650; border-bottom: 0; }
.accuracy, .kinds, .groups, .tables { width: 100%; }
.accuracy thead th:nth-child(2), .accuracy thead th:nth-child(n+7) { text-align: right; }
.accuracy td { text-align: right; white-space: nowrap; }
.accuracy td:nth-child(6) { width: 112px; }
.accuracy .again { position: absolute; clip-path: inset(50%); width: 1px; height: 1px;
  overflow: hidden; }
svg.bar { display: block; width: 100px; height: 17px; }
svg.bar .back { fill: var(--line); } svg.bar .bar { fill: var(--accent); opacity: .62; }
svg.bar .range { stroke: var(--ink); stroke-width: 2; }
.value small { display: block; color: var(--soft); font-size: 11.5px; white-space: nowrap; }
.measures { width: 100%; } .measures th:not(:first-child), .measures td,
.groups th:not(:first-child), .groups td { text-align: right; }
.overall { width: 100%; } .overall td:last-child { min-width: 9em; }
.matrix { font-size: 12.5px; }
.matrix td { padding: 2px; border: 0; text-align: right; }
.matrix td span { display: block; min-width: 42px; padding: 5px 8px; border-radius: 3px; }
.matrix th { border: 0; } .matrix tbody th { max-width: 16em; padding: 7px 10px 2px 0; }
.matrix thead th { padding: 0 10px 5px 8px; text-align: right; }
.matrix thead th:first-child { padding-left: 0; text-align: left; }
.matrix td:last-child { padding: 7px 0 2px 14px; }
.matrix .none { color: var(--soft); opacity: .55; }
.matrix .right { background: rgba(var(--right), calc(.1 + .9 * var(--share))); }
.matrix .mistaken { background: rgba(var(--mistaken), calc(.1 + .9 * var(--share))); }
.matrix .dark { color: var(--dark-text); }
"""
FIGURES = """
figure { margin: 16px 0; }
.pair { display: flex; flex-wrap: wrap; gap: 0 44px; }
.pair > * { min-width: 0; }
.plot { display: grid; grid-template-columns: minmax(0, 470px) minmax(170px, 1fr); gap: 6px 30px;
  align-items: center; }
.chart { display: block; width: 100%; height: auto; }
.chart text { fill: var(--soft); font-size: 11.5px; font-variant-numeric: tabular-nums; }
.chart .title { fill: var(--ink); font-size: 12px; }
.grid { stroke: var(--line); stroke-width: 1; } .base { stroke: var(--soft); stroke-width: 1; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; } .thin { stroke-width: 1; }
.whisker { stroke-width: 1.6; } .rule { stroke: var(--ink); stroke-dasharray: 3 3; }
.c0 { stroke: var(--c0); --own: var(--c0); } .c1 { stroke: var(--c1); --own: var(--c1); }
.c2 { stroke: var(--c2); --own: var(--c2); } .c3 { stroke: var(--c3); --own: var(--c3); }
.c4 { stroke: var(--c4); --own: var(--c4); } .c5 { stroke: var(--c5); --own: var(--c5); }
.dot { fill: var(--own); stroke: none; }
rect.found { fill: var(--found); } rect.reached { fill: var(--reached); }
rect.wrong { fill: var(--wrong); }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 4px 0 8px; padding: 0;
  list-style: none; font-size: 13px; }
.legend li { margin: 0; }
.swatch { display: inline-block; width: 10px; height: 10px; margin-right: 6px; border-radius: 2px;
  background: var(--own); }
.swatch.found { --own: var(--found); } .swatch.reached { --own: var(--reached); }
.swatch.wrong { --own: var(--wrong); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(146px, 1fr));
  gap: 20px 16px; margin: 16px 0; }
.card { margin: 0; } .card p { margin: 3px 0; line-height: 1.35; }
.card img, .card .missing { display: block; width: 100%; max-width: 146px; height: auto;
  aspect-ratio: 1; margin-bottom: 7px; border: 1px solid var(--line); border-radius: 6px;
  background: #000; object-fit: contain; image-rendering: auto; }
.card .missing { padding-top: 42%; background: var(--wash); color: var(--soft); font-size: 12.5px;
  text-align: center; }
.card .change { font-size: 13.5px; font-weight: 600; }
.card .told, .card .file { color: var(--soft); font-size: 12.5px; overflow-wrap: anywhere; }
"""
SMALL = """
  main, header, footer { padding-left: 16px; padding-right: 16px; }
  header { padding-top: 26px; } h1 { font-size: 25px; } h2 { margin-top: 36px; }
  dl > div { grid-template-columns: 1fr; gap: 0; } th, td { padding-right: 9px; }
  .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); } .plot { display: block; }
  caption { max-width: calc(100vw - 32px); }
"""
PRINT = """
  body { font-size: 9.6pt; line-height: 1.42; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main, header, footer { max-width: none; padding: 0; } header { padding-top: 0; }
  nav { display: none; } h1 { font-size: 19pt; } h2 { margin-top: 17pt; font-size: 13pt; }
  .lead p { font-size: 10.2pt; } p, main ul:not(.legend) { max-width: none; }
  a { color: inherit; text-decoration: none; }
  h2, h3, caption { break-after: avoid; } h2 + *, h3 + * { break-before: avoid; }
  p, li { orphans: 3; widows: 3; }
  figure, .card, .figures > div, tr, dl > div, li, .matrix { break-inside: avoid; }
  thead { display: table-header-group; } .short { break-inside: avoid; }
  .wide { overflow: visible; }
  table { font-size: 8.4pt; } caption, .note, figcaption, dt { font-size: 8.4pt; }
  .matrix { font-size: 7.6pt; } .matrix td span { min-width: 0; padding: 3px 5px; }
  pre, code { font-size: 8pt; } .cards { grid-template-columns: repeat(5, 1fr); gap: 12px 10px; }
  .card .change, .card .told, .card .file { font-size: 7.6pt; }
  pre { break-inside: avoid; break-before: avoid; }
  .plot { grid-template-columns: 100mm 1fr; } .pair { display: block; }
"""
STYLE = (
    f":root {{{LIGHT}}}\n"
    f"@media screen and (prefers-color-scheme: dark) {{ :root {{ color-scheme: dark; {DARK} }} }}\n"
    f"{PAGE}{TABLES}{FIGURES}"
    f"@media screen and (max-width: 560px) {{{SMALL}}}\n"
    "@page { size: A4; margin: 17mm 16mm 18mm; }\n"
    f"@media print {{{PRINT}}}\n"
)
