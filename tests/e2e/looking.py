"""Looking at a page as a person does: nothing cut off, nothing over something else."""

import time

# Text on other text, and text that ends in dots for want of room; what is scrolled or folded away
# is not seen.
FLAWS = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  const skipped = 'svg, canvas, style, script, noscript, [aria-hidden=true], '
    + '[data-testid=stHeader]';
  const seen = rect => rect.width > 1 && rect.height > 1;
  const meet = (a, b) => ({left: Math.max(a.left, b.left), top: Math.max(a.top, b.top),
    right: Math.min(a.right, b.right), bottom: Math.min(a.bottom, b.bottom)});
  const visible = (element, rect) => {
    if (!element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})) return false;
    for (let e = element; e && e !== app; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.overflow !== 'visible') rect = meet(rect, e.getBoundingClientRect());
      if (rect.right - rect.left < 1 || rect.bottom - rect.top < 1) return false;
    }
    return true;
  };
  const texts = [], found = [];
  if (document.documentElement.scrollWidth > window.innerWidth)
    found.push('the page is wider than its window');
  const walker = document.createTreeWalker(app, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.textContent.trim() || element.closest(skipped)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects())
      if (seen(rect) && visible(element, rect))
        texts.push({text: node.textContent.trim().slice(0, 40), rect, element});
  }
  for (const [k, a] of texts.entries()) for (const b of texts.slice(k + 1)) {
    if (a.element === b.element) continue;
    const both = meet(a.rect, b.rect);
    if (both.right - both.left > 3 && both.bottom - both.top > 5)
      found.push(`'${a.text}' lies over '${b.text}'`);
  }
  for (const e of app.querySelectorAll('*')) {
    const style = getComputedStyle(e);
    if (style.textOverflow === 'ellipsis' && style.overflow !== 'visible'
        && e.scrollWidth > e.clientWidth + 1
        && e.innerText && e.innerText.trim() && !e.closest(skipped)
        && visible(e, e.getBoundingClientRect()))
      found.push(`'${e.innerText.trim().slice(0, 60)}' is cut off`);
  }
  return found;
}"""


def flaws(page):
    """What does not look right on the page, each in words."""
    return page.evaluate(FLAWS)


def lasting_flaws(page):
    """What still does not look right after ten seconds: a page takes a moment to follow its
    window."""
    deadline = time.monotonic() + 10
    while (found := flaws(page)) and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    return found


def resize(page, width):
    """Make the page's window that wide, and wait until what is in it has followed."""
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    settled(page)


def settled(page):
    """Wait until the page's script is over and its charts are drawn."""
    page.wait_for_function(
        """() => {
          const app = document.querySelector('[data-testid=stApp]');
          const charts = [...document.querySelectorAll(
            '[data-testid=stVegaLiteChart], [data-testid=stEChartsChart]')];
          return app && app.dataset.testScriptState === 'notRunning' && document.querySelector('h1')
            && !document.querySelector('[data-stale=true]')
            && charts.every(chart => [...chart.querySelectorAll('canvas, svg')].some(
              drawn => drawn.getBoundingClientRect().width > 0));
        }""",
        timeout=30_000,
    )
