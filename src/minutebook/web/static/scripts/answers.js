// A refusal, an error or the sign-in page is not the piece of a page that was asked for: the server shows it whole.
const showWhole = (path) => location.assign(path);

// What is put into the page when a whole page has no such piece is nothing at all.
const has = (html, select) => !select || new DOMParser().parseFromString(html, "text/html").querySelector(select) !== null;

export const setUpAnswers = () => {
  document.addEventListener("htmx:responseError", (e) => showWhole(e.detail.requestConfig.path));
  document.addEventListener("htmx:beforeSwap", (e) => {
    const { xhr, requestConfig, select } = e.detail;
    if (xhr.status >= 400 || !xhr.responseURL) return;
    const asked = new URL(requestConfig.path, location.href);
    if (new URL(xhr.responseURL).pathname === asked.pathname && has(xhr.responseText, select)) return;
    e.detail.shouldSwap = false;
    showWhole(requestConfig.path);
  });
};
