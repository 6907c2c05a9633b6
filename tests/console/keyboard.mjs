// What runs in the page while somebody goes through it with the tab key. Each of these is sent there on its own.

/** Writes down what can be used and how it looks without the focus; gives how much there is. */
export function interactive() {
    const usable = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex], [contenteditable=true]';
    const seen = (element) => {
        const { width, height } = element.getBoundingClientRect();
        return width > 0 && height > 0 && element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    };
    // What else takes the focus with -1 does so for scripts only.
    const own = 'a, button, input, select, textarea, summary';
    const meant = (element) => !element.matches(`:disabled, [tabindex="-1"]:not(${own})`) && !element.closest('[inert]');
    document.activeElement?.blur();
    window.getSelection().removeAllRanges();
    window.scrollTo(0, 0);
    const style = (element) => {
        const now = getComputedStyle(element);
        const outline = now.outlineStyle === 'none' || now.outlineWidth === '0px' ? 'none' : now.outline;
        return [outline, now.boxShadow, now.borderColor, now.borderWidth, now.backgroundColor, now.color,
            now.textDecoration].join('; ');
    };
    const elements = [...document.querySelectorAll(usable)].filter((element) => seen(element) && meant(element));
    window.walk = { style, reached: new Set(), before: new Map(elements.map((element) => [element, style(element)])) };
    return elements.length;
}

/** Looks at what has the focus; gives what it is if that can't be seen. */
export function show() {
    const { style, reached, before } = window.walk;
    const element = document.activeElement;
    if (!before.has(element)) return undefined;
    reached.add(element);
    for (const animation of document.getAnimations()) {
        if (animation.effect?.getComputedTiming().endTime < Infinity) animation.finish();
    }
    const box = element.getBoundingClientRect();
    const inView = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
    return inView && style(element) !== before.get(element) ? undefined : element.outerHTML.slice(0, 120);
}

/** What was never reached. Of radio buttons in a group one is, and the arrow keys lead to the others. */
export function unreached() {
    const { reached, before } = window.walk;
    const group = (element) => (element.type === 'radio' && element.name ? `${element.form?.id} ${element.name}` : undefined);
    const groups = new Set([...reached].map(group).filter(Boolean));
    return [...before.keys()]
        .filter((element) => !reached.has(element) && !groups.has(group(element)))
        .map((element) => element.outerHTML.slice(0, 120));
}
