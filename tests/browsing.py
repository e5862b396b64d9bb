"""Headless Chromium for the tests in tests/browser/. Screenshots stay in tests/browser/screenshots/, to be looked at."""

import contextlib
import shutil
import time
from pathlib import Path

import pytest


SCREENSHOTS = Path(__file__).parent / "browser" / "screenshots"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --use-gl=angle --use-angle=swiftshader "
    "--enable-unsafe-swiftshader --hide-scrollbars"
).split()


@contextlib.contextmanager
def open_browser(*flags: str):
    """A browser with further flags of Chromium, or the test is skipped where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("no chromium with chromedriver on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, *flags):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    SCREENSHOTS.mkdir(exist_ok=True)
    try:
        yield browser
    finally:
        browser.quit()


def emulate(browser, width: int, height: int, dark: bool = False, still: bool = False) -> None:
    """A screen of that size, its colour scheme, and whether the user asked for less motion."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [
        {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
        {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
    ]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def wait_for(browser, script: str, seconds: float = 120):
    """What a script returns, as soon as that is true. What it looks at may not be in the page yet."""
    from selenium.common.exceptions import JavascriptException

    end, missing = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            if value := browser.execute_script(script):
                return value
        except JavascriptException as error:
            missing = error
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for: {script}") from missing


def serious_findings(browser) -> list[tuple[str, list[str]]]:
    """What axe finds hard or impossible to use in the page, rule and places; skipped where axe is not installed."""
    axe_core = pytest.importorskip("axe_core_python")
    browser.execute_script((Path(axe_core.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    script = "const done = arguments[0]; axe.run(document).then((found) => done(found.violations))"
    return [
        (rule["id"], [node["html"][:200] for node in rule["nodes"][:4]])
        for rule in browser.execute_async_script(script)
        if rule["impact"] in ("serious", "critical")
    ]


def problems(browser) -> list[dict]:
    """What the page complained about on the console."""
    return [entry for entry in browser.get_log("browser") if "GPU stall" not in entry["message"]]
