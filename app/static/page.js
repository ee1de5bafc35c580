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
