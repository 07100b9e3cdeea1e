'use strict';
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const objects = all('.object');
  const form = document.getElementById('filter');
  if (form) {
    const buttons = all('button[data-class]', form), selects = all('select', form), unfold = document.getElementById('unfold');
    const said = form.querySelector('output');
    const has = (object, by, value) => object.dataset[by].split('\n').includes(value);
    const show = () => {
      const classes = buttons.filter(b => b.getAttribute('aria-pressed') === 'true').map(b => b.dataset.class);
      let shown = 0;
      for (const o of objects) {
        const is = (!classes.length || classes.some(c => has(o, 'class', c))) && selects.every(s => !s.value || has(o, s.dataset.by, s.value));
        o.hidden = !is;
        if (is) shown++;
      }
      said.textContent = shown === objects.length ? '' : shown + ' of ' + objects.length + ' shown';
    };
    const press = b => b.setAttribute('aria-pressed', b.getAttribute('aria-pressed') !== 'true');
    for (const b of buttons) b.addEventListener('click', () => { press(b); show(); });
    for (const s of selects) s.addEventListener('change', show);
    unfold.addEventListener('click', () => {
      press(unfold);
      for (const o of objects) o.open = unfold.getAttribute('aria-pressed') === 'true';
    });
    form.addEventListener('submit', e => e.preventDefault());
    form.hidden = false;
  }
  const copy = async text => {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  };
  for (const b of all('.copier')) {
    b.hidden = false;
    b.addEventListener('click', async () => {
      try {
        await copy(b.closest('.copy').querySelector('.text').textContent);
        b.textContent = 'Copied';
      } catch (e) {
        b.textContent = 'Not copied';
      }
      setTimeout(() => { b.textContent = 'Copy'; }, 1500);
    });
  }
  const reach = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.matches('.object')) {
      target.hidden = false;
      target.open = true;
      target.querySelector('summary').focus();
    }
  };
  window.addEventListener('hashchange', reach);
  reach();
  let closed = [];
  window.addEventListener('beforeprint', () => {
    closed = all('details:not([open])');
    for (const d of closed) d.open = true;
  });
  window.addEventListener('afterprint', () => { for (const d of closed) d.open = false; });
})();
