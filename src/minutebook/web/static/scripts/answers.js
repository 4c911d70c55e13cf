// A refusal, an error or the sign-in page is not the piece of a page that was asked for: the server shows it whole.
const showWhole = (path) => location.assign(path);

export const setUpAnswers = () => {
  document.addEventListener("htmx:responseError", (e) => showWhole(e.detail.requestConfig.path));
  document.addEventListener("htmx:beforeSwap", (e) => {
    const { xhr, requestConfig } = e.detail;
    const asked = new URL(requestConfig.path, location.href);
    if (xhr.status >= 400 || !xhr.responseURL || new URL(xhr.responseURL).pathname === asked.pathname) return;
    e.detail.shouldSwap = false;
    showWhole(requestConfig.path);
  });
};
