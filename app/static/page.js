// What Streamlit's own page lacks for the keyboard and for screen readers.
(() => {
  const MAIN = '[data-testid="stMain"]';
  const POPOVER = '[data-testid="stPopoverBody"]';
  const STOPS = 'a[href], button:not(:disabled), input:not(:disabled), select, textarea, '
    + '[tabindex]:not([tabindex^="-"])';

  // The first stop of every page: past the navigation.
  const skip = document.createElement("a");
  skip.className = "smd-skip";
  skip.href = "#main";
  skip.textContent = "Skip to the page";
  skip.addEventListener("click", (event) => {
    event.preventDefault();  // the address stays that of the page
    document.querySelector(MAIN)?.focus();
  });
  document.body.prepend(skip);

  const stops = (body) => [...body.querySelectorAll(STOPS)].filter(
    (each) => each.tabIndex >= 0 && each.checkVisibility({ visibilityProperty: true }));

  // What a popover holds stands at the page's end, far from its button: whoever opens it by the
  // keyboard is led into it, and goes round in it until Escape closes it.
  let byKey = false;  // how the page was touched last
  document.addEventListener("pointerdown", () => { byKey = false; }, true);
  document.addEventListener("keydown", () => { byKey = true; }, true);
  document.addEventListener("keydown", (event) => {
    const body = event.target.closest?.(POPOVER);
    if (event.key !== "Tab" || !body || event.defaultPrevented) return;
    const all = stops(body);
    const last = event.shiftKey ? all[0] : all.at(-1);
    if (event.target !== last && !(event.shiftKey && event.target === body)) return;
    event.preventDefault();
    (event.shiftKey ? all.at(-1) : all[0]).focus();
  });
  const lead = (body) => {  // to the whole of it: what it holds may come some frames later
    body.tabIndex = -1;
    body.focus();
  };

  const MENDS = {
    [MAIN]: (main) => Object.assign(main, { id: "main", tabIndex: -1 }),
    // lists of the navigation: their items stand in boxes of their own
    '[data-testid="stSidebarNavItems"]': (list) => list.setAttribute("role", "none"),
    '[data-testid="stSidebarNavItems"] > div:has(> li)': (box) => box.setAttribute("role", "list"),
    // marks of a chart that stand for nothing; what it shows is told of the whole
    '[role="graphics-symbol"]:not([aria-label])': (mark) => mark.setAttribute("aria-hidden", "true"),
  };

  // colours of either theme follow the app's, also beside it, where menus and dialogs are
  const follow = () => {
    const app = document.querySelector(".stApp");
    const scheme = app && getComputedStyle(app).colorScheme;
    const root = document.documentElement.style;
    if (scheme && root.colorScheme !== scheme) root.colorScheme = scheme;
  };

  const mend = () => {
    follow();
    for (const [found, how] of Object.entries(MENDS)) document.querySelectorAll(found).forEach(how);
  };

  let asked = 0;  // at most one look at the page a frame
  new MutationObserver((changes) => {
    for (const node of changes.flatMap((change) => [...change.addedNodes])) {
      const body = node.nodeType === Node.ELEMENT_NODE
        && (node.matches(POPOVER) ? node : node.querySelector(POPOVER));
      if (body && byKey) requestAnimationFrame(() => lead(body));
    }
    asked ||= requestAnimationFrame(() => { asked = 0; mend(); });
  }).observe(document.documentElement, { childList: true, subtree: true });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener(
    "change", () => setTimeout(mend, 100));
  mend();
})();

// Desktop notifications: a message about a job that appears while nobody looks at the page is also
// shown by the system. Permission is asked for by the page's own button alone, as browsers demand a
// click for it.
(() => {
  const BUTTON = ".st-key-desktop-notifications button";
  const TOAST = '[data-testid="stToast"]';
  // without https, and elsewhere than on localhost, browsers have none
  if (!("Notification" in window) || !window.isSecureContext) return;

  document.addEventListener("click", (event) => {
    if (event.target.closest?.(BUTTON)) Notification.requestPermission();
  }, true);

  const show = (toast) => {
    const icon = document.querySelector('link[rel="shortcut icon"]')?.href;
    new Notification("SMD Studio", { body: toast.innerText.trim(), icon });
  };

  new MutationObserver((changes) => {
    if (!document.hidden || Notification.permission !== "granted") return;
    for (const node of changes.flatMap((change) => [...change.addedNodes])) {
      if (node.nodeType !== Node.ELEMENT_NODE) continue;
      const toast = node.matches(TOAST) ? node : node.querySelector(TOAST);
      if (toast) show(toast);
    }
  }).observe(document, { childList: true, subtree: true });
})();

// Where the page has a place for one image, an image that is clicked comes into sight there: the
// tiles are below it.
document.addEventListener("click", (event) => {
  const place = document.querySelector(".st-key-closely");
  if (!place || !event.target.closest?.('[class*="st-key-tile-"] button')) return;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  place.style.scrollMarginTop = "4rem"; // the page's header lies over its top
  place.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
});
