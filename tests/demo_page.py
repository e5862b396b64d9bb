"""The demo in one tab of a browser, for the tests in tests/browser/."""

from pathlib import Path

from browsing import SCREENSHOTS, emulate, wait_for


CHAT = "document.querySelector('#llamo-chat')"
BOT = "[...document.querySelectorAll('#llamo-chat .bot.message')].map((node) => node.innerText.trim())"


class Page:
    """The demo in one tab: a user of its own."""

    def __init__(self, browser, address):
        self.browser, self.address = browser, address

    def open(self, width=1366, height=1000, dark=False):
        emulate(self.browser, width, height, dark, still=True)
        self.browser.get("about:blank")
        self.browser.get_log("browser")
        self.browser.get(self.address)
        self.wait("return window.llamo && window.llamo.show && true")
        return self

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def wait(self, script):
        return wait_for(self.browser, script)

    def upload(self, *paths, where="llamo-file"):
        self.browser.find_element("css selector", f"#{where} input[type=file]").send_keys("\n".join(map(str, paths)))

    def load(self, path, motions=1, **options):
        """Uploads a motion and waits until the viewer has it."""
        name = Path(path).name
        self.run("window.before = window.llamoViewer")
        self.upload(path, **options)
        shown = f"llamoViewer.motions.length === {motions} && llamoViewer.motions[{motions - 1}].name === '{name}'"
        self.wait(f"return window.llamoViewer && llamoViewer !== window.before && {shown}")

    def click(self, selector):
        self.browser.find_element("css selector", selector).click()

    def ask(self, question):
        box = self.browser.find_element("css selector", "#llamo-question textarea")
        box.send_keys(question)
        self.click("#llamo-send")

    def press_named(self, selector, name):
        """Clicks the element that has this text, as soon as there is one."""
        found = f"[...document.querySelectorAll({selector!r})].find((node) => node.innerText.trim() === {name!r})"
        self.wait(f"const node = {found}; return node && (node.click(), true)")

    def set_number(self, label, value):
        """Types a number beside the slider whose label begins so; it may be folded away."""
        found = f"[...document.querySelectorAll('input[type=number]')].find((node) => node.ariaLabel?.includes({label!r}))"
        change = (
            "const [node, value] = arguments;"
            " Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(node, value);"
            " for (const name of ['input', 'change', 'blur']) node.dispatchEvent(new Event(name, { bubbles: true }))"
        )
        self.run(change, self.wait(f"return {found}"), value)

    def tab(self, name):
        self.press_named("#llamo-tables button[role=tab]", name)

    def all(self, selector, count, what="innerText"):
        """One property of all elements that are seen, as soon as there are that many."""
        seen = f"[...document.querySelectorAll('{selector}')].filter((node) => node.offsetParent)"
        return self.wait(f"const all = {seen}; return all.length === {count} && all.map((node) => node.{what})")

    def answers(self):
        return self.run(f"return {BOT}")

    def finish(self, count=1):
        self.wait(f"const all = {BOT}; return all.length === {count} && all.at(-1).endsWith('99 s')")
        self.wait("return !document.querySelector('#llamo-stop')")

    def keep(self, name):
        self.browser.save_screenshot(str(SCREENSHOTS / f"demo_{name}.png"))
