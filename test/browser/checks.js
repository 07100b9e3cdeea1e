// Functions that the tests call in the page that they look at. Each returns a list of what is
// wrong, or of what is there.
window.checks = (() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const channels = color => {
    const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  const luminance = rgb => {
    const [r, g, b] = rgb.map(c => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  // The colour that an HTML element stands on: of the nearest ancestor that has one.
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const [r, g, b, a] = channels(getComputedStyle(e).backgroundColor);
      if (a > 0) return [r, g, b];
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [0, 0, 0] : [255, 255, 255];
  };
  // The colour that a text of a drawing stands on: of the last shape before it that it lies in.
  const drawnBehind = text => {
    const box = text.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
    let found;
    for (const shape of all('rect', text.ownerSVGElement)) {
      const r = shape.getBoundingClientRect(), fill = getComputedStyle(shape).fill;
      if (shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING && fill !== 'none' &&
        r.left <= x && x <= r.right && r.top <= y && y <= r.bottom) found = fill;
    }
    return found ? channels(found).slice(0, 3) : behind(text.ownerSVGElement);
  };
  const name = e => e.tagName + '.' + (e.getAttribute('class') || '') + ' ' + e.textContent.trim().slice(0, 40);
  return {
    // Texts with less contrast than WCAG 2.1 wants of texts of this size (success criterion 1.4.3, level AA).
    faint() {
      const faint = new Set();
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node; node = walker.nextNode();) {
        const e = node.parentElement;
        if (!node.data.trim() || e.matches('script, style, title') || !e.checkVisibility()) continue;
        const drawn = e.closest('svg'), style = getComputedStyle(e);
        const is = ratio(channels(drawn ? style.fill : style.color), drawn ? drawnBehind(e) : behind(e));
        if (is < 4.5) faint.add(is.toFixed(2) + ' ' + name(e));
      }
      return [...faint];
    },
    // How many texts were compared, so that none can be mistaken for all.
    texts: () => all('body *').filter(e => [...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.data.trim()) && e.checkVisibility()).length,
    // What sticks out of the page to the right, but for what scrolls by itself.
    wide() {
      if (document.scrollingElement.scrollWidth <= innerWidth) return [];
      return all('body *').filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.parentElement.closest('.wide, pre, svg')).map(name);
    },
    unfold: () => all('details').map(d => { d.open = true; return name(d); }),
    // Folded parts whose inside cannot be seen.
    folded: () => all('.object .inside').filter(e => !e.checkVisibility({contentVisibilityAuto: true}) || !e.getBoundingClientRect().height).map(name),
    stops: () => all('a[href], button, select, summary, [tabindex]').filter(e => e.checkVisibility()).map((e, i) => { e.dataset.stop = i; return name(e); }),
    at: () => {
      const e = document.activeElement, style = getComputedStyle(e);
      return {stop: Number(e.dataset.stop ?? -1), outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0, name: name(e)};
    },
    shown: () => all('.object').filter(o => o.checkVisibility()).map(o => o.dataset.class),
    open: () => all('.object[open]').length,
  };
})();
